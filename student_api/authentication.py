"""Who is calling: the bearer token of the Authorization header."""

from __future__ import annotations

import uuid

from flask import request
from sqlalchemy.orm import Session

from backoffice.accounts.errors import TokenInvalid
from backoffice.accounts.tokens import student_of
from backoffice.models import Student


def authenticate(session: Session) -> tuple[Student, uuid.UUID]:
    """Return the student and the token's family. Raises TokenInvalid, TokenExpired."""
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise TokenInvalid()
    return student_of(session, token.strip())
