"""What the desk shows of a photo: picture, checks, the standard's lines, earlier decisions."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session, contains_eager, defer, joinedload

from backoffice.models import (
    Batch,
    Enrolment,
    Order,
    Photo,
    PhotoStandard,
    RejectionReason,
    ReviewDecision,
    ReviewEscalation,
)
from backoffice.models.photo import review_decision_reasons
from backoffice.review.escalations import open_of

SEVERITY_ORDER = {"refuse": 0, "warn": 1, "note": 2}
ATTEMPTS_SHOWN = 6


@dataclass(frozen=True)
class Attempt:
    """One earlier decision about this order, with the picture it was about."""

    photo_id: uuid.UUID
    attempt: int
    decision: str
    reasons: tuple[str, ...]
    note: str | None
    at: datetime


@dataclass(frozen=True)
class Line:
    """One of the standard's measures on the result, in pixels: the allowed range, what was found."""

    code: str
    low: float
    high: float
    found: float | None

    @property
    def good(self) -> bool:
        """True unless the measure lies outside its range."""
        return self.found is None or self.low <= self.found <= self.high


@dataclass(frozen=True)
class Case:
    """One photo on the desk. token, version: what a decision has to bring back."""

    order: Order
    photo: Photo
    token: uuid.UUID
    since: datetime | None
    checks: Sequence[dict[str, Any]]
    lines: Sequence[Line]
    attempts: Sequence[Attempt] = ()
    suggested: frozenset[str] = frozenset()
    escalation: ReviewEscalation | None = None

    @property
    def framing(self) -> dict[str, float] | None:
        """Where the result was cut from the upright original, in shares of its sides.

        None for pictures of which it is not known, or that were turned beyond what the file says.
        """
        crop, source = self.photo.making.get("crop"), self.photo.making.get("source")
        if not crop or not source or self.photo.making.get("turned_degrees"):
            return None
        return {
            "left": crop["left"] / source["width"],
            "top": crop["top"] / source["height"],
            "width": crop["width"] / source["width"],
            "height": crop["height"] / source["height"],
        }

    @property
    def panel(self) -> tuple[uuid.UUID, str]:
        """Which set of reasons this photo is judged with: batch and standard."""
        return self.order.batch_id, self.order.standard.name


@dataclass(frozen=True)
class Held:
    """An order and the hold on it; `photo_id`, `before` and `since` only for a second opinion.

    before: decisions from this event on are not shown: the second reviewer must not know them.
    """

    order_id: uuid.UUID
    token: uuid.UUID
    photo_id: uuid.UUID | None = None
    before: int | None = None
    since: datetime | None = None


@dataclass
class _Loaded:
    orders: Mapping[uuid.UUID, tuple[Order, Photo]]
    attempts: dict[uuid.UUID, list[tuple[int, Attempt]]] = field(default_factory=dict)
    escalations: Mapping[uuid.UUID, ReviewEscalation] = field(default_factory=dict)


def load(session: Session, held: Sequence[Held], *, escalated: bool = False) -> list[Case]:
    """Return the cases of what is held, in that order, in two queries (three for a senior)."""
    if not held:
        return []
    ids = [h.order_id for h in held]
    loaded = _Loaded(_orders(session, held), _attempts(session, ids))
    if escalated:
        loaded.escalations = open_of(session, ids)
    return [_case(h, loaded) for h in held if h.order_id in loaded.orders]


def _orders(session: Session, held: Sequence[Held]) -> dict[uuid.UUID, tuple[Order, Photo]]:
    other = {h.order_id: h.photo_id for h in held if h.photo_id}
    shown = Photo.id == Order.photo_id
    if other:
        shown = (shown & Order.id.not_in(other)) | Photo.id.in_(other.values())
    rows = session.execute(
        select(Order, Photo)
        .join(Photo, (Photo.order_id == Order.id) & shown)
        .join(Order.enrolment)
        .join(Order.batch)
        .where(Order.id.in_([h.order_id for h in held]))
        .options(
            contains_eager(Order.enrolment).load_only(
                Enrolment.name_masked, Enrolment.student_no, Enrolment.class_name
            ),
            contains_eager(Order.batch).load_only(Batch.name),
            joinedload(Order.standard).load_only(
                PhotoStandard.name,
                PhotoStandard.version,
                PhotoStandard.title_zh,
                PhotoStandard.title_en,
                PhotoStandard.data,
            ),
            defer(Order.delivery_address),
            defer(Order.remark),
        )
        .execution_options(populate_existing=True)
    )
    return {row.Order.id: (row.Order, row.Photo) for row in rows}


def _attempts(
    session: Session, order_ids: Sequence[uuid.UUID]
) -> dict[uuid.UUID, list[tuple[int, Attempt]]]:
    codes = func.array_agg(review_decision_reasons.c.reason_code).filter(
        review_decision_reasons.c.reason_code.is_not(None)
    )
    rows = session.execute(
        select(ReviewDecision, Photo.attempt, codes.label("codes"))
        .join(Photo, Photo.id == ReviewDecision.photo_id)
        .outerjoin(
            review_decision_reasons, review_decision_reasons.c.decision_id == ReviewDecision.id
        )
        .where(ReviewDecision.order_id.in_(order_ids), ReviewDecision.undone_at.is_(None))
        .group_by(ReviewDecision.id, Photo.attempt)
        .order_by(ReviewDecision.event_sequence.desc())
    )
    found: dict[uuid.UUID, list[tuple[int, Attempt]]] = {}
    for row in rows:
        decision = row.ReviewDecision
        attempt = Attempt(
            decision.photo_id,
            row.attempt,
            decision.decision,
            tuple(sorted(row.codes or ())),
            decision.note,
            decision.created_at,
        )
        found.setdefault(decision.order_id, []).append((decision.event_sequence, attempt))
    return found


def _case(held: Held, loaded: _Loaded) -> Case:
    order, photo = loaded.orders[held.order_id]
    earlier = loaded.attempts.get(order.id, [])
    shown = [a for sequence, a in earlier if held.before is None or sequence < held.before]
    checks = worst_first(photo.checks)
    return Case(
        order=order,
        photo=photo,
        token=held.token,
        since=held.since or order.entered_at,
        checks=checks,
        lines=standard_lines(order.standard.data, photo.geometry),
        attempts=shown[:ATTEMPTS_SHOWN],
        suggested=suggested_reasons(checks),
        escalation=loaded.escalations.get(order.id),
    )


def suggested_reasons(checks: Sequence[Mapping[str, Any]]) -> frozenset[str]:
    """Return the reasons the failed checks point to."""
    return frozenset(
        str(c["rejection_code"]) for c in checks if not c["passed"] and c.get("rejection_code")
    )


def worst_first(checks: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the automatic checks, failed ones first and the gravest of them on top."""
    return sorted(
        checks, key=lambda c: (bool(c.get("passed")), SEVERITY_ORDER.get(c.get("severity", ""), 3))
    )


def standard_lines(standard: Mapping[str, Any], geometry: Mapping[str, Any]) -> list[Line]:
    """Return hair top, eye line and face width: the standard's range and what was measured."""
    return [
        Line(code, float(standard[code][0]), float(standard[code][1]), _number(geometry.get(code)))
        for code in ("hair_top", "eye_line", "face_width")
        if code in standard
    ]


def _number(value: Any) -> float | None:
    return float(value) if isinstance(value, int | float) else None


def reason_texts(session: Session, cases: Sequence[Case]) -> dict[str, RejectionReason]:
    """Return the reasons earlier decisions name, retired ones too; no query when there are none."""
    codes = {code for case in cases for attempt in case.attempts for code in attempt.reasons}
    if not codes:
        return {}
    rows = session.scalars(select(RejectionReason).where(RejectionReason.code.in_(codes)))
    return {row.code: row for row in rows}
