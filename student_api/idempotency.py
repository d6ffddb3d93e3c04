"""Idempotency-Key: the first answer is kept in the transaction that made it, and given again.

Only answers that moved something are kept: an error rolled everything back and may be retried.
"""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass

import psycopg.errors
from flask import Response, request
from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from backoffice.crypto import keyring
from backoffice.db import uuid7
from backoffice.models import IdempotencyRecord, Student
from backoffice.workflows.errors import IdempotencyKeyReused
from student_api.errors import IdempotencyKeyInvalid, RequestInProgress
from student_api.parsing import Parsed

KEY = re.compile(r"[\x21-\x7e]{1,128}")
REPLAYED = "Idempotency-Replayed"


@dataclass
class Memory:
    """What is remembered for one request; with no key, nothing."""

    session: Session
    key: str | None
    scope: str
    body_hash: bytes

    @classmethod
    def of_request(cls, session: Session, student: Student | None, parsed: Parsed) -> Memory:
        """Read the header. Raises IdempotencyKeyInvalid.

        The scope has no address in it: a phone that retries over another network is the same.
        Without a sign-in, knowing the key and the whole body is what proves that.
        """
        key = request.headers.get("Idempotency-Key")
        if key is not None and not KEY.fullmatch(key):
            raise IdempotencyKeyInvalid()
        who = str(student.id) if student is not None else "anonymous"
        scope = f"{who} {request.method} {request.path}"
        return cls(session, key, scope, _body_hash(parsed) if key else b"")

    def recall(self) -> Response | None:
        """Return the earlier answer, waiting for a twin that is still running.

        Raises IdempotencyKeyReused for another body, RequestInProgress when the twin takes long.
        """
        if self.key is None:
            return None
        self._lock()
        record = self.session.scalars(
            select(IdempotencyRecord).where(
                IdempotencyRecord.scope == self.scope, IdempotencyRecord.key == self.key
            )
        ).one_or_none()
        if record is None:
            return None
        if record.body_hash != self.body_hash:
            raise IdempotencyKeyReused()
        response = Response(record.answer, status=record.status, content_type="application/json")
        response.headers[REPLAYED] = "true"
        return response

    def keep(self, response: Response) -> None:
        """Write the answer down, sealed: it may hold tokens and personal data."""
        if self.key is None:
            return
        self.session.execute(
            insert(IdempotencyRecord)
            .values(
                id=uuid7(),
                scope=self.scope,
                key=self.key,
                body_hash=self.body_hash,
                status=response.status_code,
                answer=response.get_data(as_text=True),
            )
            .on_conflict_do_nothing(index_elements=["scope", "key"])
        )

    def _lock(self) -> None:
        """Let only one request with this key run; the lock ends with the transaction."""
        digest = keyring().blind_index("idempotency lock", f"{self.scope}\n{self.key}")
        number = int.from_bytes(digest[:8], "big", signed=True)
        try:
            self.session.execute(select(func.pg_advisory_xact_lock(number)))
        except OperationalError as error:
            if isinstance(error.orig, psycopg.errors.LockNotAvailable):
                raise RequestInProgress() from None
            raise


def _body_hash(parsed: Parsed) -> bytes:
    """Hash what was meant, not how it was written: spaces and boundaries may differ.

    Keyed, because bodies hold ID numbers, which a plain hash would let anybody guess.
    """
    body = parsed.body.model_dump(mode="json", exclude_unset=True) if parsed.body else None
    text = json.dumps(body, sort_keys=True, ensure_ascii=False)
    file = hashlib.sha256(parsed.file).hexdigest() if parsed.file else ""
    return keyring().blind_index("idempotency body", f"{text}\n{file}")
