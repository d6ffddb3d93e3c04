"""Erasing a person: what they asked for is done once nothing of theirs is under way (PIPL 47).

Erased: the account, sign-ins, addresses, tickets, messages, capture codes, uploads, pictures, the
data of their places on rosters and whatever else people wrote about them; files prepared for their
batches go at once, workbooks taken out of lists within their day. Kept without anything personal:
orders with their items, prices and history (the hash chain holds only a digest of each note),
decisions, payments and refunds, and which texts were agreed to when.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import and_, exists, func, or_, select
from sqlalchemy.orm import Session

from backoffice.batches.jobs import forget_files
from backoffice.errors import BackofficeError, NotFound
from backoffice.i18n import Text
from backoffice.imports import forgetting
from backoffice.models import Enrolment, EnrolmentRequest, Order, Payment, Photo, Refund, Student
from backoffice.models.vocabulary import OrderState, PaymentStatus, RefundStatus
from backoffice.retention.traces import blank_account, blank_orders, blank_places, delete_own_rows
from backoffice.storage import Storage

ERASED = "student:erase"  # what the record of accesses calls it
ENDED = (OrderState.COMPLETED, OrderState.REFUNDED, OrderState.CLOSED)
MOVING = (RefundStatus.PENDING, RefundStatus.FAILED)


class ErasureNotAsked(NotFound):
    """No such account, or it did not ask for erasure, or it has been erased."""

    code = "erasure_not_asked"
    title = Text("没有此删除申请", "No such request")
    detail = Text(
        "该账号没有待处理的删除申请，请刷新页面。",
        "This account has not asked for erasure, or has been erased; reload the page.",
    )


class ErasureWaits(BackofficeError):
    """Orders, money or a contest are still under way."""

    code = "erasure_waits"
    title = Text("暂不能删除", "Cannot be erased yet")
    detail = Text(
        "该学生还有未完成的订单、退款或名册争议，请先处理完毕再删除。",
        "An order, a refund or a contested entry of this student is still under way; settle it"
        " first.",
    )


@dataclass(frozen=True)
class ErasureRequest:
    """One account that asked, and what stands in the way: counts, all 0 when it can be erased."""

    student: Student
    open_orders: int
    unsettled_money: int
    contests: int

    @property
    def ready(self) -> bool:
        """Whether nothing stands in the way."""
        return not (self.open_orders or self.unsettled_money or self.contests)


def waiting_requests(session: Session, limit: int) -> list[ErasureRequest]:
    """Return accounts that asked for erasure and are not erased, the longest waiting first."""
    asked = session.scalars(
        select(Student)
        .where(Student.erasure_requested_at.is_not(None), Student.erased_at.is_(None))
        .order_by(Student.erasure_requested_at)
        .limit(limit)
    )
    return [_looked_at(session, student) for student in asked]


def due_students(
    session: Session, days: int, limit: int, now: datetime | None = None
) -> list[uuid.UUID]:
    """Return whom the timer erases: asked `days` ago, no order open and no batch of theirs either.

    While a batch collects, its school may still need the picture: staff decide then.
    """
    moment = now or datetime.now(UTC)
    asked = session.scalars(
        select(Student)
        .where(
            Student.erasure_requested_at <= moment - timedelta(days=days),
            Student.erased_at.is_(None),
        )
        .order_by(Student.erasure_requested_at)
        .limit(limit)
    ).all()
    return [
        student.id
        for student in asked
        if _looked_at(session, student).ready
        and all(entry.batch.closes_at <= moment for entry in _places(session, student.id))
    ]


def erase(
    session: Session, storage: Storage, student_id: uuid.UUID, now: datetime | None = None
) -> list[str]:
    """Erase one account that asked for it; return the storage keys to delete after the commit.

    Flushes; the caller commits, then deletes the files (a file missed is an orphan the daily
    purge finds). Raises ErasureNotAsked, ErasureWaits, ImportRunning.
    """
    student = session.get(Student, student_id, with_for_update=True, populate_existing=True)
    if student is None or student.erasure_requested_at is None or student.erased_at is not None:
        raise ErasureNotAsked()
    if not _looked_at(session, student).ready:
        raise ErasureWaits()
    own = session.execute(
        select(Order.id, Order.batch_id).where(Order.student_id == student_id)
    ).all()
    entries = _places(session, student_id)
    orders, places = [order.id for order in own], [entry.id for entry in entries]
    forget_files(session, {row.batch_id for row in own} | {row.batch_id for row in entries})
    keys = _files(session, orders)
    if places:
        forgetting.forget(session, storage, places)
    keys += delete_own_rows(session, student_id, orders, places)
    blank_orders(session, orders)
    blank_places(session, places)
    blank_account(session, student, now or datetime.now(UTC))
    session.flush()
    return keys


def delete_files(storage: Storage, keys: Sequence[str]) -> None:
    """Delete what `erase` returned, after its commit. Raises StorageUnavailable."""
    for key in keys:
        storage.delete(key)


def _looked_at(session: Session, student: Student) -> ErasureRequest:
    own = select(Order.id).where(Order.student_id == student.id).scalar_subquery()
    paid_too_much = and_(
        Payment.surplus,
        Payment.status == PaymentStatus.SUCCEEDED,
        ~exists().where(Refund.payment_id == Payment.id, Refund.status == RefundStatus.SUCCEEDED),
    )
    owed = exists().where(Refund.payment_id == Payment.id, Refund.status.in_(MOVING))
    return ErasureRequest(
        student,
        _count(session, Order.student_id == student.id, Order.state.not_in(ENDED)),
        _count(session, Payment.order_id.in_(own), or_(paid_too_much, owed)),
        _count(
            session,
            EnrolmentRequest.state == "open",
            EnrolmentRequest.kind == "contest",
            EnrolmentRequest.enrolment_id.in_(
                select(Enrolment.id).where(Enrolment.student_id == student.id)
            ),
        ),
    )


def _count(session: Session, *conditions: object) -> int:
    return session.scalar(select(func.count()).where(*conditions)) or 0  # type: ignore[arg-type]


def _places(session: Session, student_id: uuid.UUID) -> Sequence[Enrolment]:
    return session.scalars(select(Enrolment).where(Enrolment.student_id == student_id)).all()


def _files(session: Session, orders: Sequence[uuid.UUID]) -> list[str]:
    rows = session.execute(
        select(Photo.original_key, Photo.result_key).where(Photo.order_id.in_(orders))
    )
    return [key for row in rows for key in row if key]
