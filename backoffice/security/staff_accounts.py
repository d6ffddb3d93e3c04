"""Staff accounts: opened by an administrator, never by registration."""

from __future__ import annotations

import secrets
import unicodedata
import uuid
from collections.abc import Collection

from argon2 import PasswordHasher
from email_validator import EmailNotValidError, validate_email
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from backoffice.errors import InvalidInput
from backoffice.i18n import Text
from backoffice.models import Role, School, Staff
from backoffice.models.vocabulary import StaffRole

PASSWORD_MIN = 10
_READABLE = "abcdefghjkmnpqrstuvwxyz23456789"  # no look-alikes: it may be read out on the telephone
_hasher = PasswordHasher()


def hash_staff_password(password: str) -> str:
    """Return the argon2id hash Flask-Security verifies (single hash, NFKD as it normalises)."""
    return _hasher.hash(unicodedata.normalize("NFKD", password))


def new_password() -> str:
    """Return a random first password of about 59 bits, easy to read out."""
    return "-".join("".join(secrets.choice(_READABLE) for _ in range(4)) for _ in range(3))


def create_staff(
    session: Session,
    *,
    email: str,
    name: str,
    roles: Collection[str],
    password: str,
    school: School | None = None,
    locale: str = "zh",
) -> Staff:
    """Open an account and return it. Flushes. Raises InvalidInput naming the field."""
    staff = Staff(
        email=checked_email(session, email),
        name=_checked_name(name),
        password=hash_staff_password(checked_password(password)),
        fs_uniquifier=secrets.token_hex(32),
        active=True,
        locale=locale,
    )
    set_roles(session, staff, roles, school)
    session.add(staff)
    session.flush()
    return staff


def set_roles(
    session: Session, staff: Staff, roles: Collection[str], school: School | None
) -> None:
    """Give the account exactly these roles and this school. Raises InvalidInput."""
    known = {role.value for role in StaffRole}
    if not roles or not set(roles) <= known:
        raise InvalidInput("roles", Text("请至少选择一个角色。", "Choose at least one role."))
    if StaffRole.SCHOOL in roles and school is None:
        raise InvalidInput(
            "school", Text("学校角色必须指定所属学校。", "The school role needs a school.")
        )
    staff.roles = list(session.scalars(select(Role).where(Role.name.in_(list(roles)))))
    staff.school_id = school.id if school else None


def set_password(staff: Staff, password: str) -> None:
    """Set a new password and end every session of the account. Raises InvalidInput."""
    staff.password = hash_staff_password(checked_password(password))
    staff.fs_uniquifier = secrets.token_hex(32)


def set_active(staff: Staff, active: bool) -> None:
    """Open or close the account; closing ends its sessions at once."""
    if staff.active and not active:
        staff.fs_uniquifier = secrets.token_hex(32)
    staff.active = active


def checked_email(session: Session, raw: str, own_id: uuid.UUID | None = None) -> str:
    """Return the address in lower case, known to be free. Raises InvalidInput."""
    try:
        email = validate_email(raw, check_deliverability=False, test_environment=True).normalized
    except EmailNotValidError:
        raise InvalidInput(
            "email", Text("请填写有效的邮箱地址。", "Give a valid e-mail address.")
        ) from None
    email = email.lower()
    other = session.scalar(select(Staff.id).where(func.lower(Staff.email) == email))
    if other is not None and other != own_id:
        raise InvalidInput(
            "email", Text("该邮箱已有账号。", "There is already an account with this address.")
        )
    return email


def checked_password(password: str) -> str:
    """Return the password if it is long enough. Raises InvalidInput."""
    if not PASSWORD_MIN <= len(password) <= 128:
        raise InvalidInput(
            "password",
            Text("密码至少 10 个字符。", "A password has at least 10 characters."),
        )
    return password


def _checked_name(name: str) -> str:
    cleaned = name.strip()
    if not 1 <= len(cleaned) <= 50:
        raise InvalidInput("name", Text("请填写 1–50 字的姓名。", "Give a name of 1–50 letters."))
    return cleaned
