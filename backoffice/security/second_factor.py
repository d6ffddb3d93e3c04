"""The second factor: codes of an authenticator app (TOTP, RFC 6238) and recovery codes.

Flask-Security asks for them; here is what it keeps, sealed, and that no code opens twice.
"""

from __future__ import annotations

import base64
import secrets
from typing import Any, cast

from flask_security import Totp, UserMixin
from passlib.exc import TokenError  # type: ignore[import-untyped]
from sqlalchemy import select

from backoffice.crypto import keyring
from backoffice.db import db
from backoffice.models import Staff
from backoffice.models.vocabulary import StaffRole
from backoffice.security.permissions import role_names
from backoffice.security.staff_accounts import lock_row
from backoffice.settings import Settings

REQUIRED_OF = frozenset({StaffRole.ADMIN, StaffRole.FINANCE})
METHOD = "authenticator"
WINDOW_SECONDS = 30  # a clock may be one step off
CODES = 8
_LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"
_CONTEXT = b"staff totp setup"
_SEALED = "sealed."


def is_required(staff: Staff, settings: Settings) -> bool:
    """Return whether this member may enter no room without a second factor."""
    if settings.second_factor != "required":
        return False
    return bool(role_names(staff) & REQUIRED_OF)


def is_set_up(staff: Staff) -> bool:
    """Return whether the account has a second factor."""
    return bool(staff.tf_primary_method and staff.tf_totp_secret)


class StaffTotp(Totp):
    """Flask-Security's TOTP; a secret on its way through the set-up page travels sealed."""

    def generate_totp_secret(self) -> str:
        """Return a new secret, sealed."""
        plain: str = self._totp.new().to_json(encrypt=False)
        sealed = keyring().encrypt(plain.encode(), _CONTEXT)
        return _SEALED + base64.urlsafe_b64encode(sealed).decode()

    def verify_totp(self, token: str, totp_secret: str, user: UserMixin, window: int = 0) -> bool:
        """Return whether the code is right now and was not used before."""
        return bool(super().verify_totp(token, open_secret(totp_secret), user, WINDOW_SECONDS))

    def verify_new(self, token: str, totp_secret: str) -> int | None:
        """Return the time step of a right code for a secret not in use yet, else None."""
        try:
            match = self._totp.verify(token, open_secret(totp_secret), window=WINDOW_SECONDS)
        except (TokenError, ValueError):
            return None
        return int(match.counter)

    def get_totp_uri(self, username: str, totp_secret: str) -> str:
        """Return the address behind the QR code."""
        return str(super().get_totp_uri(username, open_secret(totp_secret)))

    def get_totp_pretty_key(self, totp_secret: str) -> str:
        """Return the key for typing it in."""
        return str(super().get_totp_pretty_key(open_secret(totp_secret)))

    def get_last_counter(self, user: UserMixin) -> int | None:
        """Return the newest step accepted; holds the row, so two requests cannot use one code."""
        staff = cast(Staff, user)
        query = select(Staff.tf_last_counter).where(Staff.id == staff.id).with_for_update()
        return db.session.scalar(query)

    def set_last_counter(self, user: UserMixin, tmatch: Any) -> None:
        """Keep the step of the code that was accepted."""
        cast(Staff, user).tf_last_counter = int(tmatch.counter)


def open_secret(totp_secret: str) -> str:
    """Return the plain secret: what the column holds, or what `generate_totp_secret` sealed."""
    if not totp_secret.startswith(_SEALED):
        return totp_secret
    sealed = base64.urlsafe_b64decode(totp_secret.removeprefix(_SEALED))
    return keyring().decrypt(sealed, _CONTEXT).decode()


class RecoveryCodes:
    """What Flask-Security calls for recovery codes: digests are kept, codes are shown once."""

    def __init__(self, app: Any) -> None:
        pass

    def create_recovery_codes(self, user: Staff) -> list[str]:
        """Draw new codes of about 49 bits; the old ones open nothing any more."""
        return new_recovery_codes(user)

    def get_recovery_codes(self, user: Staff) -> list[str]:
        """Return nothing: what was shown once is not known any more."""
        return []

    def check_recovery_code(self, user: Staff, code: str) -> bool:
        """Return whether this code is one of those left; holds the row until the commit."""
        lock_row(db.session(), user)
        return _digest(code) in (user.mf_recovery_codes or [])

    def delete_recovery_code(self, user: Staff, code: str) -> bool:
        """Use a code up."""
        left = [kept for kept in (user.mf_recovery_codes or []) if kept != _digest(code)]
        found = len(left) < len(user.mf_recovery_codes or [])
        user.mf_recovery_codes = left
        return found


def set_up(staff: Staff, totp_secret: str, counter: int) -> list[str]:
    """Put a proven secret in use and return new recovery codes."""
    staff.tf_primary_method, staff.tf_totp_secret = METHOD, open_secret(totp_secret)
    staff.tf_last_counter = counter
    return new_recovery_codes(staff)


def remove(staff: Staff) -> None:
    """Take the second factor away; where it is required it must be set up anew."""
    staff.tf_primary_method = staff.tf_totp_secret = None
    staff.tf_last_counter = staff.mf_recovery_codes = None


def new_recovery_codes(staff: Staff) -> list[str]:
    """Draw codes, keep their digests, return the codes to be shown once."""
    codes = [
        "-".join("".join(secrets.choice(_LETTERS) for _ in range(5)) for _ in range(2))
        for _ in range(CODES)
    ]
    staff.mf_recovery_codes = [_digest(code) for code in codes]
    return codes


def _digest(code: str) -> str:
    return keyring().blind_index("recovery_code", code.strip().lower().replace(" ", "")).hex()
