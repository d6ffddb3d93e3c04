"""What the form of a new batch begins with: the school's last batch, a year on."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from backoffice.batches.operations import DEFAULT_WINDOW_DAYS, StandardNotFound, newest_standard
from backoffice.batches.plans import BatchPlan, plan_of
from backoffice.models import Batch, School
from backoffice.photos.layouts import LAYOUTS

OPENS, CLOSES = time(8), time(18)  # DOMAIN section 7: windows run 08–18 h
FIRST_NAME = "{year}届毕业生图像采集"
YEAR = re.compile(r"(?<!\d)20\d\d(?!\d)")


def last_batch(session: Session, school: School) -> Batch | None:
    """Return the batch the school opened last."""
    return session.scalars(
        select(Batch)
        .where(Batch.school_id == school.id)
        .order_by(Batch.created_at.desc(), Batch.id.desc())
        .limit(1)
    ).first()


def new_plan(
    session: Session, school: School, zone: ZoneInfo, now: datetime | None = None
) -> tuple[BatchPlan, Batch | None]:
    """Return what a new batch of the school should begin with, and the batch it was taken from.

    From the last batch: everything but the window, which begins tomorrow and is as long, and the
    name, whose year moves on when the last batch was opened in an earlier year.
    """
    moment = now or datetime.now(UTC)
    last = last_batch(session, school)
    if last is None:
        # the class that graduates next: from August on the coming year's
        year = moment.astimezone(zone).year + (moment.astimezone(zone).month >= 8)
        plan = BatchPlan(name=FIRST_NAME.format(year=year))
        opens_at, closes_at = _window(moment, zone, DEFAULT_WINDOW_DAYS)
        return replace(plan, opens_at=opens_at, closes_at=closes_at), None
    return copied_plan(session, last, zone, moment), last


def copied_plan(
    session: Session, batch: Batch, zone: ZoneInfo, now: datetime | None = None
) -> BatchPlan:
    """Return the plan of a batch like `batch`, beginning tomorrow, under a name of its own time."""
    moment = now or datetime.now(UTC)
    years = moment.astimezone(zone).year - batch.created_at.astimezone(zone).year
    days = max(1, (batch.closes_at - batch.opens_at).days)
    opens_at, closes_at = _window(moment, zone, days)
    plan = replace(
        plan_of(batch),
        name=moved_on(batch.name, years),
        opens_at=opens_at,
        closes_at=closes_at,
        layouts=[name for name in batch.layouts if name in LAYOUTS] or None,
    )
    try:
        newest_standard(session, plan.standard)
    except StandardNotFound:  # retired since
        plan = replace(plan, standard=BatchPlan.standard)
    return plan


def moved_on(name: str, years: int) -> str:
    """Return a batch's name with every year in it moved on by `years`."""
    return YEAR.sub(lambda found: str(int(found[0]) + years), name)


def _window(moment: datetime, zone: ZoneInfo, days: int) -> tuple[datetime, datetime]:
    first = moment.astimezone(zone).date() + timedelta(days=1)
    opens_at = datetime.combine(first, OPENS, zone)
    return opens_at.astimezone(UTC), (
        datetime.combine(first + timedelta(days=days), CLOSES, zone).astimezone(UTC)
    )
