"""A student's delivery addresses. Orders keep their own snapshot, so these may change freely."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Select, func, select, update
from sqlalchemy.orm import Session

from backoffice.accounts.errors import AddressNotFound, TooManyAddresses
from backoffice.identity.phones import normalise_phone
from backoffice.models import Address, Student

MAX_ADDRESSES = 50
FIELDS = ("recipient", "phone", "province", "city", "district", "detail", "postcode")


def list_addresses(session: Session, student: Student) -> list[Address]:
    """Return the student's addresses, the default one first, then the newest."""
    return list(
        session.scalars(
            _own(student).order_by(Address.is_default.desc(), Address.created_at.desc())
        )
    )


def find_address(session: Session, student: Student, address_id: uuid.UUID) -> Address:
    """Return one address of this student. Raises AddressNotFound."""
    found = session.scalars(_own(student).where(Address.id == address_id)).one_or_none()
    if found is None:
        raise AddressNotFound()
    return found


def add_address(session: Session, student: Student, values: dict[str, Any]) -> Address:
    """Write an address; the first one is the default. Raises InvalidPhone, TooManyAddresses."""
    # the account's row is the lock: two requests must not both set a default
    session.execute(select(Student.id).where(Student.id == student.id).with_for_update())
    count = session.scalar(
        select(func.count())
        .select_from(Address)
        .where(Address.student_id == student.id, Address.deleted_at.is_(None))
    )
    if (count or 0) >= MAX_ADDRESSES:
        raise TooManyAddresses(limit=MAX_ADDRESSES)
    address = Address(student_id=student.id, **_cleaned(values))
    address.is_default = not count or bool(values.get("is_default"))
    if address.is_default:
        _clear_default(session, student)
    session.add(address)
    session.flush()
    return address


def change_address(
    session: Session, student: Student, address_id: uuid.UUID, values: dict[str, Any]
) -> Address:
    """Write the given fields. Raises AddressNotFound, InvalidPhone."""
    session.execute(select(Student.id).where(Student.id == student.id).with_for_update())
    address = find_address(session, student, address_id)
    for name, value in _cleaned(values).items():
        setattr(address, name, value)
    if values.get("is_default"):
        _clear_default(session, student)
        address.is_default = True
    elif "is_default" in values:
        address.is_default = False
    session.flush()
    return address


def remove_address(session: Session, student: Student, address_id: uuid.UUID) -> None:
    """Hide an address. Raises AddressNotFound."""
    address = find_address(session, student, address_id)
    address.deleted_at = datetime.now(UTC)
    address.is_default = False
    session.flush()


def address_snapshot(address: Address) -> dict[str, str | None]:
    """Return what an order keeps of an address."""
    return {name: getattr(address, name) for name in FIELDS}


def _own(student: Student) -> Select[Address]:
    return select(Address).where(Address.student_id == student.id, Address.deleted_at.is_(None))


def _cleaned(values: dict[str, Any]) -> dict[str, Any]:
    cleaned = {name: values[name] for name in FIELDS if name in values}
    if "phone" in cleaned:
        cleaned["phone"] = normalise_phone(cleaned["phone"])
    return cleaned


def _clear_default(session: Session, student: Student) -> None:
    session.execute(
        update(Address)
        .where(Address.student_id == student.id, Address.is_default)
        .values(is_default=False)
    )
