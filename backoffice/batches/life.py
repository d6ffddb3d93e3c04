"""The life of a batch after it was opened: changed, closed, extended, reopened, archived.

Every step locks the batch and is recorded with who did it and the old and new values.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import exists, func, select
from sqlalchemy.orm import Session

from backoffice.batches.changes import Author, Change, differences, record_change
from backoffice.batches.closing import arm_closing
from backoffice.batches.operations import newest_standard, services_of
from backoffice.batches.plans import BatchPlan, check_plan, plan_layouts, plan_of
from backoffice.errors import BackofficeError, InvalidInput
from backoffice.i18n import Text
from backoffice.models import Batch, Enrolment, Order
from backoffice.models.batch_life import BatchAction
from backoffice.models.vocabulary import BatchState, OrderState

# What students agreed to when they joined; it stays as it was once anybody has.
TERMS = ("kind", "mode", "reject_policy", "requires_capture_code")
# Plain columns a change may write; name and services are written below.
SETTINGS = (
    *TERMS,
    "roster_mode",
    "legal_basis",
    "opens_at",
    "closes_at",
    "allow_album",
    "allow_unlisted",
    "unpaid_minutes",
    "max_attempts",
)
# Our own unfinished work: nobody would see it any more in an archived batch.
AT_WORK = (
    OrderState.PENDING_REVIEW,
    OrderState.APPROVED,
    OrderState.PROCESSING,
    OrderState.REFUNDING,
)
FIXED = Text(
    "已有学生参加，“{label}”不能再修改；请复制为新批次。",
    "Students have joined, so “{label}” cannot change any more; copy the batch instead.",
)
LABELS = {
    "kind": Text("采集对象", "for whom"),
    "mode": Text("流程", "flow"),
    "reject_policy": Text("审核不通过时", "after a rejection"),
    "requires_capture_code": Text("图像采集码", "capture code"),
    "roster_mode": Text("名单方式", "roster"),
}


class BatchActionRefused(BackofficeError):
    """The batch is not in a state for this step."""

    code = "batch_action_refused"
    title = Text("批次状态不允许", "Not possible in this state")
    detail = Text(
        "批次现在的状态不能执行此操作，请刷新页面查看最新状态。",
        "This cannot be done in the batch's present state; reload the page to see it.",
    )


class BatchArchived(BatchActionRefused):
    """An archived batch does not change."""

    code = "batch_archived"
    title = Text("批次已归档", "The batch is archived")
    detail = Text(
        "已归档的批次不能修改，请先取消归档。",
        "An archived batch does not change; bring it back first.",
    )


class BatchAtWork(BackofficeError):
    """Orders of the batch still wait for us."""

    code = "batch_at_work"
    title = Text("还有未办完的订单", "Orders are unfinished")
    detail = Text(
        "还有 {count} 个订单待审核、待制作、制作中或退款中，办完后才能归档。",
        "{count} orders are in review, in production or being refunded; finish them first.",
    )


@dataclass(frozen=True)
class Step:
    """From which states an action leads where. `needs_end`: the window must reach the future."""

    sources: frozenset[str]
    target: str
    needs_end: bool = False


STEPS: dict[str, Step] = {
    BatchAction.OPEN: Step(frozenset({BatchState.DRAFT}), BatchState.OPEN, needs_end=True),
    BatchAction.EXTEND: Step(frozenset({BatchState.OPEN}), BatchState.OPEN, needs_end=True),
    BatchAction.CLOSE: Step(frozenset({BatchState.OPEN}), BatchState.CLOSED),
    BatchAction.REOPEN: Step(frozenset({BatchState.CLOSED}), BatchState.OPEN, needs_end=True),
    BatchAction.ARCHIVE: Step(
        frozenset({BatchState.DRAFT, BatchState.CLOSED}), BatchState.ARCHIVED
    ),
    BatchAction.UNARCHIVE: Step(frozenset({BatchState.ARCHIVED}), BatchState.CLOSED),
}


def steps_from(batch: Batch) -> list[str]:
    """Return the actions possible in the batch's present state."""
    return [name for name, step in STEPS.items() if batch.state in step.sources]


def take_step(
    session: Session,
    batch: Batch,
    action: str,
    author: Author,
    closes_at: datetime | None = None,
) -> Batch:
    """Move a batch by one of STEPS, with a new end where one is given. Flushes, does not commit.

    Raises BatchActionRefused, BatchAtWork, InvalidInput.
    """
    step = STEPS.get(action)
    batch = _locked(session, batch)
    if step is None or batch.state not in step.sources:
        raise BatchActionRefused()
    if action == BatchAction.ARCHIVE:
        _check_nothing_at_work(session, batch)
    changes: list[Change] = []
    if closes_at is not None and step.needs_end:
        changes += _move_end(batch, closes_at)
    if step.needs_end and batch.closes_at <= datetime.now(UTC):
        raise InvalidInput(
            "closes_at",
            Text("请填写今后的结束时间。", "Give an end that lies in the future."),
        )
    if batch.state != step.target:
        changes.insert(0, {"field": "state", "old": batch.state, "new": step.target})
        batch.state = step.target
    if not changes:
        return batch
    session.flush()
    arm_closing(session, batch)
    record_change(session, batch, BatchAction(action), author, changes)
    return batch


def _move_end(batch: Batch, closes_at: datetime) -> list[Change]:
    if closes_at <= batch.opens_at:
        raise InvalidInput(
            "closes_at", Text("结束时间必须晚于开始时间。", "The end must be after the start.")
        )
    if closes_at == batch.closes_at:
        return []
    old = batch.closes_at
    batch.closes_at = closes_at
    return [
        {
            "field": "closes_at",
            "old": old.astimezone(UTC).isoformat(timespec="seconds"),
            "new": closes_at.astimezone(UTC).isoformat(timespec="seconds"),
        }
    ]


def change_batch(session: Session, batch: Batch, plan: BatchPlan, author: Author) -> list[Change]:
    """Make the batch what `plan` says and return what differed. Flushes, does not commit.

    Orders that were placed keep the prices, the standard and the payment time they have. A plan's
    state and feature code are not looked at. Raises InvalidInput naming the field, also for a
    term that is fixed since students have joined; BatchArchived.
    """
    batch = _locked(session, batch)
    if batch.state == BatchState.ARCHIVED:
        raise BatchArchived()
    present = plan_of(batch)
    check_plan(plan, present)
    changes = differences(present, plan)
    if not changes:
        return []
    _check_fixed(session, batch, {change["field"] for change in changes})
    batch.name = plan.name.strip()
    for name in SETTINGS:
        value = getattr(plan, name)
        if value is not None or name == "legal_basis":
            setattr(batch, name, value)
    batch.delivery_methods = list(plan.delivery_methods)
    batch.layouts = plan_layouts(plan)
    if plan.standard != present.standard:
        batch.standard = newest_standard(session, plan.standard)
    _write_services(session, batch, plan)
    session.flush()
    arm_closing(session, batch)
    record_change(session, batch, BatchAction.CHANGE, author, changes)
    return changes


def _write_services(session: Session, batch: Batch, plan: BatchPlan) -> None:
    known = {service.code: service for service in batch.services}
    wanted = services_of(plan)
    for service in wanted:
        old = known.get(service.code)
        if old is None:
            batch.services.append(service)
            continue
        for name in ("name_zh", "name_en", "price_fen", "required", "position"):
            setattr(old, name, getattr(service, name))
    kept = {service.code for service in wanted}
    for code, service in known.items():
        if code not in kept:
            batch.services.remove(service)
    session.flush()
    batch.services.sort(key=lambda service: service.position)


def fixed_fields(session: Session, batch: Batch) -> frozenset[str]:
    """Return the settings that may not change any more, because of who has joined or been listed.

    Terms: once a student has joined. The roster mode: once anybody is on the list.
    """
    listed = session.scalar(select(exists().where(Enrolment.batch_id == batch.id)))
    if not listed:
        return frozenset()
    joined = session.scalar(
        select(exists().where(Enrolment.batch_id == batch.id, Enrolment.student_id.is_not(None)))
    )
    return frozenset({"roster_mode", *TERMS} if joined else {"roster_mode"})


def _check_fixed(session: Session, batch: Batch, changed: set[str]) -> None:
    for name in sorted(changed & fixed_fields(session, batch)):
        label = LABELS[name]
        raise InvalidInput(
            name, Text(FIXED.zh.format(label=label.zh), FIXED.en.format(label=label.en))
        )


def _check_nothing_at_work(session: Session, batch: Batch) -> None:
    count = session.scalar(
        select(func.count()).where(Order.batch_id == batch.id, Order.state.in_(AT_WORK))
    )
    if count:
        raise BatchAtWork(count=count)


def _locked(session: Session, batch: Batch) -> Batch:
    return session.get_one(Batch, batch.id, with_for_update=True, populate_existing=True)
