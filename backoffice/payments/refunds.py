"""Giving money back: asked for outside every lock, under one number, until it has arrived."""

from __future__ import annotations

import secrets
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import exists, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from backoffice.db import uuid7
from backoffice.models import OutboxRow, Payment, Refund
from backoffice.models.vocabulary import PaymentStatus, RefundStatus
from backoffice.payments.gateway import RefundAnswer, RefundRequest
from backoffice.workflows.actors import REFUND_PROVIDER
from backoffice.workflows.effects import REFUND_RETRY_FIRST_SECONDS, REFUND_RETRY_MAX_SECONDS
from backoffice.workflows.engine import Engine

POLL_AFTER_SECONDS = 60  # an accepted refund without a notice is asked after from then on


@dataclass(frozen=True)
class PreparedRefund:
    """A refund ready to be sent: everything the provider needs, read before the call."""

    refund_id: uuid.UUID
    provider: str
    request: RefundRequest


def find_refund(
    session: Session, *, refund_id: uuid.UUID | None, order_id: uuid.UUID | None
) -> Refund | None:
    """Return the refund by its id, or an order's own one (not that of surplus money)."""
    if refund_id is not None:
        return session.get(Refund, refund_id)
    return session.scalars(
        select(Refund)
        .join(Payment, Payment.id == Refund.payment_id)
        .where(
            Refund.order_id == order_id,
            Refund.status != RefundStatus.CANCELLED,
            Payment.surplus.is_(False),
        )
    ).one_or_none()


def prepare_refund(session: Session, refund_id: uuid.UUID) -> PreparedRefund | None:
    """Count one more try and return what to send; None when it is settled. The caller commits.

    The count is kept even if the call then kills the process.
    """
    refund = session.get_one(Refund, refund_id, with_for_update=True, populate_existing=True)
    if refund.status != RefundStatus.PENDING:
        return None
    payment = session.get_one(Payment, refund.payment_id)
    refund.tries += 1
    session.flush()
    return PreparedRefund(
        refund.id,
        payment.provider,
        RefundRequest(
            refund.refund_no,
            payment.out_trade_no,
            payment.trade_no,
            refund.amount_fen,
            payment.amount_fen,
        ),
    )


def apply_answer(
    session: Session, engine: Engine, refund_id: uuid.UUID, answer: RefundAnswer
) -> bool:
    """Write down what the provider answered; True if that settled the try. The caller commits.

    Raises OrderBusy.
    """
    if answer.status in ("succeeded", "failed"):
        return settle_refund(
            session,
            engine,
            refund_id,
            succeeded=answer.status == "succeeded",
            provider_refund_no=answer.provider_refund_no,
            error=answer.error,
        )
    if answer.status == "accepted":
        refund = session.get_one(Refund, refund_id, with_for_update=True, populate_existing=True)
        refund.provider_refund_no = answer.provider_refund_no
        session.flush()
    return False


def settle_refund(
    session: Session,
    engine: Engine,
    refund_id: uuid.UUID,
    *,
    succeeded: bool,
    provider_refund_no: str | None = None,
    error: str | None = None,
) -> bool:
    """Settle one try of a refund and move its order; False if it was settled before.

    A failure puts the refund back to pending and queues the next try. Raises OrderBusy.
    """
    order_id = session.get_one(Refund, refund_id).order_id
    engine.lock(session, order_id)  # the order before the refund, as everywhere
    refund = session.get_one(Refund, refund_id, with_for_update=True, populate_existing=True)
    if refund.status != RefundStatus.PENDING:
        return False
    refund.status = RefundStatus.SUCCEEDED if succeeded else RefundStatus.FAILED
    refund.settled_at = datetime.now(UTC) if succeeded else None
    refund.provider_refund_no = provider_refund_no or refund.provider_refund_no
    refund.last_error = None if succeeded else (error or "refused")[:64]
    session.flush()
    surplus = session.get_one(Payment, refund.payment_id).surplus
    if not surplus:
        name = "refund_succeeded" if succeeded else "refund_failed"
        engine.fire(session, order_id, name, actor=REFUND_PROVIDER)
    elif not succeeded:
        refund.status = RefundStatus.PENDING
        _queue(session, refund, "refund.retry", retry_delay(refund.tries))
    session.flush()
    return True


def retry_delay(tries: int) -> float:
    """Seconds until a failed refund is tried again: 1, 2, 4 … minutes, at most six hours."""
    return float(min(REFUND_RETRY_FIRST_SECONDS * 2 ** max(0, tries - 1), REFUND_RETRY_MAX_SECONDS))


def start_surplus_refund(session: Session, payment: Payment) -> Refund:
    """Open the refund of money that came for an order already paid or closed; flushes."""
    assert payment.surplus
    assert payment.status == PaymentStatus.SUCCEEDED
    refund = Refund(
        order_id=payment.order_id,
        payment_id=payment.id,
        refund_no=f"R{datetime.now(UTC):%Y%m%d}{secrets.token_hex(6).upper()}",
        amount_fen=payment.amount_fen,
        status=RefundStatus.PENDING,
    )
    session.add(refund)
    session.flush()
    _queue(session, refund, "refund.send", 0.0)
    return refund


def _queue(session: Session, refund: Refund, effect: str, delay: float) -> None:
    session.execute(
        insert(OutboxRow)
        .values(
            id=uuid7(),
            order_id=refund.order_id,
            effect=effect,
            payload={"refund_id": str(refund.id)},
            dedupe_key=f"refund/{refund.id}/{refund.tries}/{effect}",
            available_at=datetime.now(UTC) + timedelta(seconds=delay),
        )
        .on_conflict_do_nothing(index_elements=["dedupe_key"])
    )


def unsettled(session: Session, now: datetime, limit: int = 100) -> list[tuple[uuid.UUID, str]]:
    """Return (refund id, provider) of pending refunds with nothing under way for them.

    Those whose notice never came, and those whose job died before the provider answered.
    """
    under_way = exists().where(
        OutboxRow.order_id == Refund.order_id,
        OutboxRow.effect.in_(("refund.send", "refund.retry")),
        OutboxRow.state.in_(("waiting", "published")),
    )
    rows = session.execute(
        select(Refund.id, Payment.provider)
        .join(Payment, Payment.id == Refund.payment_id)
        .where(
            Refund.status == RefundStatus.PENDING,
            Refund.created_at <= now - timedelta(seconds=POLL_AFTER_SECONDS),
            ~under_way,
        )
        .order_by(Refund.created_at)
        .limit(limit)
    )
    return [(row.id, row.provider) for row in rows]


def refund_no_of(session: Session, refund_id: uuid.UUID) -> str:
    """Return the number a refund has at its provider."""
    return session.get_one(Refund, refund_id).refund_no


def send_again(session: Session, refund_id: uuid.UUID) -> None:
    """Queue a refund the provider never heard of once more, under its old number."""
    _queue(session, session.get_one(Refund, refund_id), "refund.send", 0.0)
