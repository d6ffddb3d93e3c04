"""Reminders: by the clock before a batch closes, and by hand to those who stand at a stage.

Each is one outbox row; the key of the row holds the student and the day, so nobody is reminded
twice a day, whoever asks.
"""

from __future__ import annotations

import uuid
from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Float, String, cast, exists, func, literal, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from backoffice.batches.stages import ClassRef, Stage, joined_people
from backoffice.errors import BackofficeError
from backoffice.i18n import Text
from backoffice.models import Batch, Enrolment, OutboxRow
from backoffice.models.vocabulary import BatchState
from backoffice.workflows import timers

REMIND = "batch.remind"
EFFECT = "notify.reminder"
BEFORE_CLOSING = timedelta(days=3)
UNFINISHED = (Stage.ORDERED, Stage.PAID, Stage.REJECTED)
REMINDABLE = (Stage.NOT_STARTED, Stage.IDENTIFIED, *UNFINISHED)
PER_SECOND = 20  # a mass reminder does not hold up the messages of others
CHINA = ZoneInfo("Asia/Shanghai")  # the day of people, wherever the server stands


class NobodyToRemind(BackofficeError):
    """The chosen stages hold nobody who can be reminded."""

    code = "nobody_to_remind"
    title = Text("没有可提醒的学生", "Nobody to remind")
    detail = Text(
        "批次未开放，或所选范围内没有可提醒的学生（名单上没有手机号，或今天已提醒过）。",
        "The batch is not open, or nobody chosen can be reminded: no phone, or reminded today.",
    )


@dataclass(frozen=True)
class Reach:
    """Of the students at one stage: how many can be reached, were reminded today, would be now."""

    stage: Stage
    students: int
    reachable: int
    reminded: int

    @property
    def due(self) -> int:
        """Students a reminder would go to now."""
        return self.reachable - self.reminded


def arm_reminder(session: Session, batch: Batch) -> None:
    """Let the batch remind three days before it closes; not at all if that is over already."""
    due = batch.closes_at - BEFORE_CLOSING
    if due > datetime.now(UTC):
        timers.arm(session, REMIND, batch.id, due)
    else:
        timers.disarm(session, REMIND, batch.id)


def remind_unfinished(session: Session, batch_id: uuid.UUID, now: datetime) -> str:
    """Remind who ordered and has not finished; a window that moved is waited for."""
    batch = session.get_one(Batch, batch_id, populate_existing=True)
    if batch.state != BatchState.OPEN:
        return "not_open"
    if batch.closes_at - BEFORE_CLOSING > now:
        arm_reminder(session, batch)
        return "extended"
    return f"reminded {queue_reminders(session, batch, UNFINISHED, now=now)}"


def reach(
    session: Session, batch: Batch, class_ref: ClassRef | None = None, now: datetime | None = None
) -> dict[Stage, Reach]:
    """Return for every stage that can be reminded whom a reminder would go to, in one query."""
    query, stage, _ = joined_people(batch.id)
    reachable = _reachable()
    today = exists().where(OutboxRow.dedupe_key == _key(_day(now)))
    rows = session.execute(
        query.add_columns(
            stage.label("stage"),
            func.count(),
            func.count().filter(reachable),
            func.count().filter(reachable, today),
        )
        .where(stage.in_([s.value for s in REMINDABLE]), *_of(class_ref))
        .group_by(stage)
    )
    found = {row[0]: Reach(Stage(row[0]), *row[1:]) for row in rows}
    return {stage: found.get(stage.value, Reach(stage, 0, 0, 0)) for stage in REMINDABLE}


def queue_reminders(
    session: Session,
    batch: Batch,
    stages: Collection[Stage],
    class_ref: ClassRef | None = None,
    now: datetime | None = None,
) -> int:
    """Write one outbox row for everybody at `stages` who was not reminded today; return how many.

    One statement, whatever the number; the caller commits. The rows leave PER_SECOND a second.
    """
    moment = now or datetime.now(UTC)
    query, stage, live = joined_people(batch.id)
    wanted = (
        query.add_columns(
            Enrolment.id.label("enrolment_id"),
            live.c.order_id,
            _key(_day(moment)).label("dedupe_key"),
            func.row_number().over(order_by=Enrolment.student_no).label("place"),
        )
        .where(stage.in_([s.value for s in stages]), _reachable(), *_of(class_ref))
        .subquery()
    )
    seconds = cast(wanted.c.place, Float) / PER_SECOND
    rows = select(
        func.gen_random_uuid(),
        wanted.c.order_id,
        literal(EFFECT),
        func.jsonb_build_object("enrolment_id", cast(wanted.c.enrolment_id, String)),
        wanted.c.dedupe_key,
        func.now() + func.make_interval(0, 0, 0, 0, 0, 0, seconds),
    )
    written = session.execute(
        insert(OutboxRow)
        .from_select(
            ["id", "order_id", "effect", "payload", "dedupe_key", "available_at"],
            rows,
            include_defaults=False,
        )
        .on_conflict_do_nothing(index_elements=["dedupe_key"])
        .returning(OutboxRow.id)
    )
    return len(written.all())


def _of(class_ref: ClassRef | None) -> list[Any]:
    return [class_ref.condition()] if class_ref else []


def _reachable() -> Any:
    """An account has a phone; who has none yet may have one on the roster."""
    return Enrolment.student_id.is_not(None) | Enrolment.phone.is_not(None)


def _day(now: datetime | None) -> date:
    return (now or datetime.now(UTC)).astimezone(CHINA).date()


def _key(day: date) -> Any:
    who = func.coalesce(Enrolment.student_id, Enrolment.id)
    return func.concat("remind/", cast(who, String), f"/{day:%Y%m%d}")
