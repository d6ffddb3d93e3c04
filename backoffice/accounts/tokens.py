"""Opaque tokens: random, kept as SHA-256 only, refreshed by rotation.

All tokens of one sign-in are a family. A spent refresh token that comes back means that two
parties hold it, so the family is revoked (RFC 9700 section 4.14).
"""

from __future__ import annotations

import hashlib
import secrets
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import bindparam, select, update
from sqlalchemy.orm import Session

from backoffice.accounts.errors import RefreshTokenReused, TokenExpired, TokenInvalid
from backoffice.models import Student, StudentToken
from backoffice.settings import Settings

TOKEN_BYTES = 32
TOKEN_MAX = 200
# built once: every signed-in call runs it
_BY_ACCESS_TOKEN = (
    select(StudentToken, Student)
    .join(Student, Student.id == StudentToken.student_id)
    .where(StudentToken.token_hash == bindparam("digest"), StudentToken.kind == "access")
)


@dataclass(frozen=True, repr=False)
class TokenPair:
    """What a client keeps. `expires_in`: seconds of the access token."""

    access_token: str
    refresh_token: str
    expires_in: int


def issue_tokens(
    session: Session, student: Student, settings: Settings, family: uuid.UUID | None = None
) -> TokenPair:
    """Write a new pair for the student, in a new family unless one is given. Flushes."""
    family = family or uuid.uuid4()
    now = datetime.now(UTC)
    access, refresh = secrets.token_urlsafe(TOKEN_BYTES), secrets.token_urlsafe(TOKEN_BYTES)
    lives = {
        "access": (access, timedelta(minutes=settings.access_token_minutes)),
        "refresh": (refresh, timedelta(days=settings.refresh_token_days)),
    }
    for kind, (token, life) in lives.items():
        session.add(
            StudentToken(
                student_id=student.id,
                family=family,
                kind=kind,
                token_hash=_digest(token),
                expires_at=now + life,
            )
        )
    session.flush()
    return TokenPair(access, refresh, settings.access_token_minutes * 60)


def student_of(session: Session, access_token: str) -> tuple[Student, uuid.UUID]:
    """Return the student an access token stands for, and its family.

    Raises TokenInvalid, TokenExpired.
    """
    digest = _digest(access_token[:TOKEN_MAX])
    row = session.execute(_BY_ACCESS_TOKEN, {"digest": digest}).one_or_none()
    if row is None:
        raise TokenInvalid()
    token, student = row
    if token.revoked_at is not None or not student.active:
        raise TokenInvalid()
    if token.expires_at <= datetime.now(UTC):
        raise TokenExpired()
    return student, token.family


def refresh_tokens(session: Session, refresh_token: str, settings: Settings) -> TokenPair:
    """Spend a refresh token and return the next pair of its family. Flushes.

    Raises TokenInvalid, TokenExpired, and RefreshTokenReused after revoking the family (the edge
    must commit that).
    """
    token = session.scalars(
        select(StudentToken)
        .where(
            StudentToken.token_hash == _digest(refresh_token[:TOKEN_MAX]),
            StudentToken.kind == "refresh",
        )
        .with_for_update()
    ).one_or_none()
    if token is None or token.revoked_at is not None:
        raise TokenInvalid()
    if token.spent_at is not None:
        revoke_family(session, token.family)
        raise RefreshTokenReused()
    now = datetime.now(UTC)
    if token.expires_at <= now:
        raise TokenExpired()
    student = session.get_one(Student, token.student_id)
    if not student.active:
        raise TokenInvalid()
    token.spent_at = now
    _revoke(session, StudentToken.family == token.family, StudentToken.kind == "access")
    return issue_tokens(session, student, settings, token.family)


def revoke_family(session: Session, family: uuid.UUID) -> None:
    """Sign out: every token of this sign-in dies."""
    _revoke(session, StudentToken.family == family)


def revoke_all(session: Session, student: Student) -> None:
    """Sign out everywhere, after a password change."""
    _revoke(session, StudentToken.student_id == student.id)


def _revoke(session: Session, *conditions: object) -> None:
    session.execute(
        update(StudentToken)
        .where(StudentToken.revoked_at.is_(None), *conditions)  # type: ignore[arg-type]
        .values(revoked_at=datetime.now(UTC))
        .execution_options(synchronize_session=False)
    )


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode(errors="replace")).digest()
