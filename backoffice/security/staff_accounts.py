"""Staff accounts: opened by an administrator, never by registration."""

from __future__ import annotations

import secrets
import uuid
from collections.abc import Collection
from datetime import datetime, timedelta

from email_validator import EmailNotValidError, validate_email
from sqlalchemy import func, select
from sqlalchemy.orm import Session, object_session

from backoffice.errors import InvalidInput
from backoffice.i18n import Text
from backoffice.models import Role, School, Staff
from backoffice.models.vocabulary import StaffRole
from backoffice.security.passwords import checked_password, hash_staff_password
from backoffice.security.staff_sessions import end_all

LOCK_AFTER = 10  # wrong passwords or codes in a row, from whatever address
LOCK_TIME = timedelta(minutes=15)


def create_staff(
    session: Session,
    *,
    email: str,
    name: str,
    roles: Collection[str],
    password: str,
    school: School | None = None,
    locale: str = "zh",
    must_change_password: bool = True,
) -> Staff:
    """Open an account and return it. Flushes. Raises InvalidInput naming the field.

    must_change_password: the password was not chosen by the person it is for.
    """
    staff = Staff(
        email=checked_email(session, email),
        name=_checked_name(name),
        password=hash_staff_password(checked_password(password)),
        fs_uniquifier=secrets.token_hex(32),
        active=True,
        locale=locale,
        must_change_password=must_change_password,
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


def set_password(staff: Staff, password: str, *, chosen_by_owner: bool = False) -> None:
    """Set a new password and end every session of the account. Raises InvalidInput.

    One that was given by somebody else must be changed at the next sign-in.
    """
    personal = (staff.name, staff.email) if chosen_by_owner else ()
    staff.password = hash_staff_password(checked_password(password, personal))
    staff.must_change_password = not chosen_by_owner
    unlock(staff)
    sign_out_everywhere(staff, "password_changed")


def set_active(staff: Staff, active: bool) -> None:
    """Open or close the account; closing ends its sessions at once."""
    if staff.active and not active:
        sign_out_everywhere(staff, "closed")
    staff.active = active


def sign_out_everywhere(staff: Staff, reason: str) -> None:
    """End every session of the account, and make every cookie of it worthless."""
    staff.fs_uniquifier = secrets.token_hex(32)
    found = object_session(staff)
    if found is not None and staff.id is not None:
        end_all(found, staff.id, reason)


def lock_row(session: Session, staff: Staff) -> None:
    """Hold the account's row until the commit and read it anew."""
    session.execute(select(Staff.id).where(Staff.id == staff.id).with_for_update())
    session.refresh(staff)


def unlock(staff: Staff) -> None:
    """Forget the failed sign-ins."""
    staff.failed_sign_ins, staff.locked_until = 0, None


def count_failure(staff: Staff, now: datetime) -> None:
    """Count one failed sign-in; from LOCK_AFTER on, each locks the account for LOCK_TIME."""
    staff.failed_sign_ins += 1
    if staff.failed_sign_ins >= LOCK_AFTER:
        staff.locked_until = now + LOCK_TIME


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


def _checked_name(name: str) -> str:
    cleaned = name.strip()
    if not 1 <= len(cleaned) <= 50:
        raise InvalidInput("name", Text("请填写 1–50 字的姓名。", "Give a name of 1–50 letters."))
    return cleaned
