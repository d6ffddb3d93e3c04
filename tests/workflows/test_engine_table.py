"""Every state against every transition: what CONTRACT section 3 allows moves, the rest does not."""

import pytest
from sqlalchemy import func, select

from backoffice.errors import BackofficeError, NotFound
from backoffice.models import Order, OrderEvent, OutboxRow, Refund, ReviewDecision, Shipment, Timer
from backoffice.models.order import StateWrittenOutsideEngine
from backoffice.workflows.actors import TIMER, student_actor
from backoffice.workflows.audit import verify_order
from backoffice.workflows.errors import (
    IdempotencyKeyReused,
    OrderNotFound,
    TransitionDataMissing,
    TransitionForbidden,
    TransitionNotAllowed,
    VersionConflict,
)
from backoffice.workflows.guards import (
    NothingToRefund,
    NotPaid,
    PhotoNotReady,
    UnknownReason,
    WrongDelivery,
)
from backoffice.workflows.orders import build_engine
from tests.factories import (
    DATA,
    PATHS,
    actor_for,
    actor_of,
    add_payment,
    advance,
    make_batch,
    make_order,
    make_photo,
    make_school,
    make_staff,
    settle_refund,
)

# CONTRACT section 3, written out again on purpose: (state, transition) -> new state.
ALLOWED = {
    ("draft", "pay"): "paid",
    ("draft", "expire"): "closed",
    ("draft", "cancel"): "closed",
    ("paid", "submit"): "pending_review",
    ("rejected", "submit"): "pending_review",
    ("pending_review", "withdraw"): "paid",
    ("pending_review", "approve"): "approved",
    ("pending_review", "reject"): "rejected",
    ("approved", "revoke"): "pending_review",
    ("approved", "start_processing"): "processing",
    ("processing", "ship"): "shipped",
    ("processing", "complete"): "completed",
    ("shipped", "complete"): "completed",
    ("paid", "request_refund"): "refunding",
    ("rejected", "request_refund"): "refunding",
    ("approved", "request_refund"): "refunding",
    ("refunding", "refund_succeeded"): "refunded",
    ("refunding", "refund_failed"): "refunding",
}
TRANSITIONS = sorted({t for _, t in ALLOWED})
STATES = sorted(PATHS)
engine = build_engine()


def snapshot(session, order):
    count = select(func.count()).select_from(OrderEvent).where(OrderEvent.order_id == order.id)
    rows = select(func.count()).select_from(OutboxRow).where(OutboxRow.order_id == order.id)
    return order.state, order.version, session.scalar(count), session.scalar(rows)


def prepare(session, order, transition):
    """Put in place what the transition's guards ask for, so that only the state decides."""
    if transition == "pay" and order.state == "draft":
        add_payment(session, order)
    if transition == "submit":
        make_photo(session, order)
    if transition.startswith("refund_") and order.state == "refunding":
        settle_refund(session, order, transition.removeprefix("refund_"))


@pytest.mark.parametrize("transition", TRANSITIONS)
@pytest.mark.parametrize("state", STATES)
def test_every_pair(session, state, transition):
    expected = ALLOWED.get((state, transition))
    # only what need not be posted is completed straight from production
    delivery = "school" if (state, transition) == ("processing", "complete") else "courier"
    order = make_order(session, state=state, delivery_method=delivery)
    assert order.state == state
    prepare(session, order, transition)
    actor = actor_of(session, order, transition)
    if transition == "expire":
        actor = TIMER
    if (state, transition) == ("processing", "complete"):
        actor = actor_for(make_staff(session, "operator"))
    before = snapshot(session, order)
    if expected is None:
        with pytest.raises(TransitionNotAllowed) as refused:
            engine.fire(session, order.id, transition, actor=actor, data=DATA.get(transition))
        assert refused.value.code == "transition_not_allowed"
        session.refresh(order)
        assert snapshot(session, order) == before
    else:
        event = engine.fire(session, order.id, transition, actor=actor, data=DATA.get(transition))
        assert (event.from_state, event.to_state, order.state) == (state, expected, expected)
        assert order.version == before[1] + 1 == event.sequence
    assert verify_order(session, order) is None


@pytest.mark.parametrize("state", STATES)
def test_an_unknown_transition_is_refused_from_everywhere(session, state):
    order = make_order(session, state=state)
    with pytest.raises(TransitionNotAllowed):
        engine.fire(session, order.id, "teleport", actor=student_actor(order.student_id))


@pytest.mark.parametrize("value", ["paid", "closed", "approved"])
def test_the_state_cannot_be_written_outside_the_engine(session, value):
    order = make_order(session)
    with pytest.raises(StateWrittenOutsideEngine):
        order.state = value
    with pytest.raises(StateWrittenOutsideEngine):
        Order(state=value)


@pytest.mark.parametrize(
    ("state", "transition", "role"),
    [
        ("pending_review", "approve", "operator"),
        ("pending_review", "approve", "school"),
        ("pending_review", "approve", "admin"),
        ("pending_review", "reject", "finance"),
        ("approved", "start_processing", "reviewer"),
        ("processing", "ship", "finance"),
        ("paid", "request_refund", "operator"),
        ("draft", "pay", "finance"),
        ("draft", "cancel", "admin"),
    ],
)
def test_a_role_that_may_not(session, state, transition, role):
    order = make_order(session, state=state)
    before = snapshot(session, order)
    with pytest.raises(TransitionForbidden):
        engine.fire(
            session,
            order.id,
            transition,
            actor=actor_for(make_staff(session, role)),
            data=DATA.get(transition),
        )
    assert snapshot(session, order) == before


def test_a_student_may_refund_from_paid_but_not_once_approved(session):
    order = make_order(session, state="approved")
    with pytest.raises(TransitionNotAllowed):
        engine.fire(session, order.id, "request_refund", actor=student_actor(order.student_id))


def test_another_students_and_another_schools_order_do_not_exist(session):
    order = make_order(session, state="pending_review")
    stranger = make_order(session)
    for actor in (
        student_actor(stranger.student_id),
        actor_for(make_staff(session, "reviewer", make_school(session))),
    ):
        with pytest.raises(OrderNotFound):
            engine.fire(session, order.id, "approve", actor=actor)
        assert engine.allowed(session, order, actor) == []
    with pytest.raises(NotFound):
        engine.fire(session, make_school(session).id, "approve", actor=TIMER)


def test_a_stale_version_changes_nothing(session):
    order = make_order(session, state="pending_review")
    before = snapshot(session, order)
    reviewer = actor_for(make_staff(session, "reviewer"))
    with pytest.raises(VersionConflict):
        engine.fire(session, order.id, "approve", actor=reviewer, expected_version=1)
    assert snapshot(session, order) == before
    engine.fire(session, order.id, "approve", actor=reviewer, expected_version=before[1])


def test_an_idempotency_key_moves_once(session):
    order = make_order(session, state="pending_review")
    reviewer = actor_for(make_staff(session, "reviewer"))
    first = engine.fire(session, order.id, "approve", actor=reviewer, idempotency_key="k")
    again = engine.fire(session, order.id, "approve", actor=reviewer, idempotency_key="k")
    assert again.id == first.id
    assert order.version == first.sequence
    with pytest.raises(IdempotencyKeyReused):
        engine.fire(session, order.id, "reject", actor=reviewer, idempotency_key="k")


@pytest.mark.parametrize(
    ("state", "transition", "data", "error"),
    [
        ("pending_review", "reject", {}, TransitionDataMissing),
        ("pending_review", "reject", {"reasons": []}, TransitionDataMissing),
        ("pending_review", "reject", {"reasons": "L01"}, TransitionDataMissing),
        ("pending_review", "reject", {"reasons": ["L01", "X99"]}, UnknownReason),
        ("approved", "revoke", {"note": "  "}, TransitionDataMissing),
        ("processing", "ship", {"carrier": "顺丰"}, TransitionDataMissing),
        ("processing", "ship", {"carrier": "顺丰", "tracking_no": ""}, TransitionDataMissing),
    ],
)
def test_required_data(session, state, transition, data, error):
    order = make_order(session, state=state)
    before = snapshot(session, order)
    with pytest.raises(error):
        engine.fire(
            session, order.id, transition, actor=actor_of(session, order, transition), data=data
        )
    assert order.version == before[1]


@pytest.mark.parametrize(
    ("state", "transition", "error"),
    [
        ("draft", "pay", NotPaid),
        ("paid", "submit", PhotoNotReady),
        ("rejected", "submit", PhotoNotReady),  # the rejected picture itself is no new picture
    ],
)
def test_guards_name_what_is_missing(session, state, transition, error):
    order = make_order(session, state=state)
    with pytest.raises(error):
        engine.fire(session, order.id, transition, actor=actor_of(session, order, transition))


@pytest.mark.parametrize("difference", [-1, 1])
def test_a_payment_of_another_amount_does_not_pay(session, difference):
    order = make_order(session)
    add_payment(session, order, amount_fen=order.amount_fen + difference)
    with pytest.raises(NotPaid):
        engine.fire(session, order.id, "pay", actor=actor_of(session, order, "pay"))


def test_a_refund_is_opened_once(session):
    order = make_order(session, state="refunding")
    assert (
        session.scalars(select(Refund).where(Refund.order_id == order.id)).one().amount_fen == 3000
    )
    unpaid = make_order(session, state="closed")
    with pytest.raises(TransitionNotAllowed):
        engine.fire(
            session, unpaid.id, "request_refund", actor=actor_of(session, unpaid, "request_refund")
        )
    assert NothingToRefund.code == "nothing_to_refund"


@pytest.mark.parametrize(("delivery", "transition"), [("courier", "complete"), ("digital", "ship")])
def test_delivery_decides_how_production_ends(session, delivery, transition):
    order = make_order(session, state="processing", delivery_method=delivery)
    operator = actor_for(make_staff(session, "operator"))
    offered = {t.name for t in engine.allowed(session, order, operator)}
    assert transition not in offered
    with pytest.raises(WrongDelivery):
        engine.fire(session, order.id, transition, actor=operator, data=DATA["ship"])


def test_photo_first_submits_by_itself_when_paid(session):
    order = make_order(session, make_batch(session, mode="photo_first"))
    make_photo(session, order)
    advance(session, order, "pay")
    assert order.state == "pending_review"
    events = session.scalars(
        select(OrderEvent).where(OrderEvent.order_id == order.id).order_by(OrderEvent.sequence)
    ).all()
    assert [(e.transition, e.actor_kind) for e in events] == [
        ("pay", "provider"),
        ("submit", "system"),
    ]


def test_photo_first_without_a_photo_keeps_the_money_and_waits(session):
    order = make_order(session, make_batch(session, mode="photo_first"))
    advance(session, order, "pay")
    assert order.state == "paid"


def test_refund_policy_leads_a_rejection_on_to_the_refund(session):
    order = make_order(session, make_batch(session, reject_policy="refund"), "pending_review")
    advance(session, order, "reject")
    assert order.state == "refunding"
    effects = set(session.scalars(select(OutboxRow.effect).where(OutboxRow.order_id == order.id)))
    assert {"notify.rejected", "refund.send"} <= effects


def test_a_decision_and_a_shipment_are_kept_with_the_move(session):
    order = make_order(session, state="shipped")
    decision = session.scalars(
        select(ReviewDecision).where(ReviewDecision.order_id == order.id)
    ).one()
    assert (decision.decision, decision.photo_id) == ("approve", order.photo_id)
    shipment = session.scalars(select(Shipment).where(Shipment.order_id == order.id)).one()
    assert (shipment.carrier, shipment.tracking_no) == ("顺丰速运", "SF1234567890")


def test_timers_are_armed_on_entry_and_cancelled_on_leaving(session):
    order = make_order(session)
    timer = session.scalars(select(Timer).where(Timer.order_id == order.id)).one()
    assert (timer.transition, timer.state, timer.due_at) == ("expire", "waiting", order.expires_at)
    advance(session, order, "pay")
    session.refresh(timer)
    assert timer.state == "cancelled"


def test_a_failed_refund_is_flagged_and_sent_again(session):
    order = make_order(session, state="refunding")
    advance(session, order, "refund_failed")
    assert (order.state, order.flagged) == ("refunding", "refund_failed")
    refund = session.scalars(select(Refund).where(Refund.order_id == order.id)).one()
    session.refresh(refund)
    assert refund.status == "pending"
    advance(session, order, "refund_succeeded")
    assert (order.state, order.flagged) == ("refunded", None)


@pytest.mark.parametrize("state", STATES)
def test_what_is_offered_is_what_succeeds(session, state):
    order = make_order(session, state=state, delivery_method="school")
    make_photo(session, order)
    actors = [student_actor(order.student_id), TIMER] + [
        actor_for(make_staff(session, role))
        for role in ("admin", "school", "reviewer", "operator", "finance")
    ]
    for actor in actors:
        offered = {t.name for t in engine.allowed(session, order, actor)}
        succeeded = set()
        for transition in engine.definition_of(order).by_name:
            nested = session.begin_nested()
            try:
                engine.fire(session, order.id, transition, actor=actor, data=DATA.get(transition))
                succeeded.add(transition)
            except BackofficeError:
                pass
            nested.rollback()
            session.expire_all()
        assert offered == succeeded
