"""Student passwords: argon2id, checked in the same time whether the account exists or not."""

from __future__ import annotations

from functools import lru_cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from backoffice.accounts.errors import PasswordUnsuitable
from backoffice.i18n import Text

MIN_LENGTH = 8
MAX_LENGTH = 128
INITIAL_LENGTH = 6  # CONTRACT section 4: the last six characters of the ID number
# OWASP's second choice for argon2id: 19 MiB, two passes, one lane.
_hasher = PasswordHasher(time_cost=2, memory_cost=19456, parallelism=1)


def hash_password(password: str) -> str:
    """Return the argon2id hash of a password."""
    return _hasher.hash(password)


def initial_password(id_number: str) -> str:
    """Return the password of an account registered without one; it must be changed."""
    return id_number[-INITIAL_LENGTH:]


def verify_password(password_hash: str | None, password: str) -> bool:
    """Return whether the password is right. None (no account) costs the same time and is False."""
    try:
        right = _hasher.verify(password_hash or _nobody(), password)
    except (VerificationError, InvalidHashError):
        return False
    return right and password_hash is not None


def check_new_password(password: str, id_number: str, field: str) -> None:
    """Raise PasswordUnsuitable if the password is too short, too long or taken from the ID."""
    if len(password) < MIN_LENGTH:
        raise PasswordUnsuitable(
            field, Text("密码至少 8 个字符。", "The password needs at least 8 characters.")
        )
    if len(password) > MAX_LENGTH:
        raise PasswordUnsuitable(
            field, Text("密码最多 128 个字符。", "The password has at most 128 characters.")
        )
    if password.upper() in id_number.upper():
        raise PasswordUnsuitable(
            field,
            Text("密码不能取自证件号码。", "The password must not be part of the ID number."),
        )


@lru_cache(maxsize=1)
def _nobody() -> str:
    return _hasher.hash("nobody has this password")
