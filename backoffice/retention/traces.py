"""Where a person leaves traces, table by table: rows that go, and columns that are emptied.

`tests/retention` fills every sealed column for one person and fails for one that is missed here.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import String, case, cast, delete, func, literal, or_, select, update
from sqlalchemy.orm import InstrumentedAttribute, Session

from backoffice.blind_indexes import phone_index
from backoffice.models import (
    Address,
    CaptureCode,
    Enrolment,
    EnrolmentRequest,
    IdempotencyRecord,
    Message,
    Order,
    OrderEvent,
    OutboxRow,
    Photo,
    PhotoUpload,
    Refund,
    ReviewDecision,
    ReviewEscalation,
    SecondOpinion,
    Shipment,
    Student,
    StudentToken,
    Ticket,
    TicketMessage,
)
from backoffice.models.photo import GONE

NOTHING = bytes(32)  # in place of a digest that must be there
ERASED = "erased"  # in place of a word that must be there
Ids = Sequence[uuid.UUID]


def delete_own_rows(session: Session, student_id: uuid.UUID, orders: Ids, places: Ids) -> list[str]:
    """Delete the rows that are nothing but personal data; return the storage keys they name."""
    uploads = session.scalars(
        select(PhotoUpload).where(
            or_(PhotoUpload.student_id == student_id, PhotoUpload.order_id.in_(orders))
        )
    ).all()
    keys = [
        f"uploads/{row.id}/{at}" for row in uploads for at in {*row.offsets, row.received_bytes}
    ]
    tickets = select(Ticket.id).where(Ticket.student_id == student_id).scalar_subquery()
    for table, condition in (
        (PhotoUpload, PhotoUpload.id.in_([row.id for row in uploads])),
        (TicketMessage, TicketMessage.ticket_id.in_(tickets)),
        (Ticket, Ticket.student_id == student_id),
        (Address, Address.student_id == student_id),
        (StudentToken, StudentToken.student_id == student_id),
        (IdempotencyRecord, IdempotencyRecord.scope.startswith(f"{student_id} ", autoescape=True)),
        (CaptureCode, or_(CaptureCode.student_id == student_id, CaptureCode.enrolment_id.in_(places))),
        (
            EnrolmentRequest,
            or_(EnrolmentRequest.student_id == student_id, EnrolmentRequest.enrolment_id.in_(places)),
        ),
        (
            Message,
            or_(
                Message.student_id == student_id,
                Message.enrolment_id.in_(places),
                Message.order_id.in_(orders),
            ),
        ),
    ):  # fmt: skip
        session.execute(delete(table).where(condition).execution_options(synchronize_session=False))
    return keys


def blank_orders(session: Session, orders: Ids) -> None:
    """Empty what orders and everything about them says of a person."""
    _blank(session, Order, Order.id, orders, delivery_address=None, remark=None)
    _blank(session, OrderEvent, OrderEvent.order_id, orders, note=None)
    _blank(session, Refund, Refund.order_id, orders, reason=None)
    _blank(session, ReviewDecision, ReviewDecision.order_id, orders, note=None)
    _blank(session, ReviewEscalation, ReviewEscalation.order_id, orders, note=None)
    _blank(session, SecondOpinion, SecondOpinion.order_id, orders, note=None)
    _blank(session, Shipment, Shipment.order_id, orders, tracking_no=ERASED)
    _blank(
        session,
        OutboxRow,
        OutboxRow.order_id,
        orders,
        payload=OutboxRow.payload.op("-")("sealed_address"),
    )
    blank_photos(session, Photo.order_id, orders)


def blank_photos(session: Session, key: InstrumentedAttribute[uuid.UUID], ids: Ids) -> None:
    """Empty what pictures show and what was measured on them; attempt, source and outcome stay."""
    _blank(
        session,
        Photo,
        key,
        ids,
        original_key=GONE,
        original_sha256=NOTHING,
        # a picture that passed keeps the mark that there was a result
        result_key=case((Photo.result_key.is_not(None), GONE)),
        result_sha256=case((Photo.result_sha256.is_not(None), NOTHING)),
        perceptual_hash=None,
        checks=[],
        geometry={},
        edits=[],
        making={},
    )


def blank_places(session: Session, places: Ids) -> None:
    """Empty places on rosters; nobody can claim them any more, the counts of a batch stay right."""
    _blank(
        session,
        Enrolment,
        Enrolment.id,
        places,
        student_no=literal(f"{ERASED}-").concat(func.right(cast(Enrolment.id, String), 12)),
        name=None,
        name_masked="*",
        name_index=None,
        id_type=None,
        id_number=None,
        id_masked=None,
        id_index=None,
        id_last4=None,
        id_last4_indexes=[],
        gender=None,
        birth_date=None,
        phone=None,
        phone_index=None,
        class_name=None,
        details={},
    )


def blank_account(session: Session, student: Student, now: datetime) -> None:
    """Empty the account; nobody signs in to it any more. The same person may register anew."""
    student.id_type = student.id_number = student.id_index = student.name = None
    student.email = student.gender = student.wechat_index = student.password_hash = None
    student.phone, student.phone_index = "", phone_index("")
    student.active, student.erased_at = False, now


def _blank(
    session: Session, table: Any, key: InstrumentedAttribute[Any], ids: Ids, **values: Any
) -> None:
    session.execute(
        update(table)
        .where(key.in_(ids))
        .values(**values)
        .execution_options(synchronize_session=False)
    )
