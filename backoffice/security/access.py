"""The record of who looked at, took out or changed personal data: rows are added, never changed."""

from __future__ import annotations

import uuid
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from backoffice.crypto import keyring
from backoffice.models import AccessRecord


def record_access(
    session: Session,
    *,
    staff_id: uuid.UUID | None,
    action: str,
    subject_kind: str,
    subject_id: object,
    address: str | None = None,
    data: dict[str, Any] | None = None,
) -> None:
    """Add one row; the caller commits.

    action: a tag such as `photo:view`. data: codes and counts only, no personal data.
    address: the client's network address, kept as a keyed digest.
    """
    session.add(
        AccessRecord(
            staff_id=staff_id,
            action=action,
            subject_kind=subject_kind,
            subject_id=str(subject_id),
            address_digest=keyring().blind_index("address", address) if address else None,
            data=data or {},
        )
    )


def first_access(
    session: Session, *, staff_id: uuid.UUID, action: str, subject_kind: str, subject_id: object
) -> bool:
    """Return True if this member has no such record yet."""
    known = session.scalar(
        select(AccessRecord.id)
        .where(
            AccessRecord.staff_id == staff_id,
            AccessRecord.action == action,
            AccessRecord.subject_kind == subject_kind,
            AccessRecord.subject_id == str(subject_id),
        )
        .limit(1)
    )
    return known is None
