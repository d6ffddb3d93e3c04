"""Opening batches: what a school's clerk or a command asks for, written."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session, joinedload

from backoffice.batches.changes import COMMAND, Author, differences, record_change
from backoffice.batches.closing import arm_closing
from backoffice.batches.feature_codes import (
    is_feature_code,
    new_feature_code,
    normalise_feature_code,
)
from backoffice.batches.plans import BatchPlan, check_plan, plan_layouts, plan_of
from backoffice.errors import InvalidInput, NotFound
from backoffice.i18n import Text
from backoffice.models import Batch, BatchService, PhotoStandard, School
from backoffice.models.batch_life import BatchAction
from backoffice.models.vocabulary import BatchKind

DEFAULT_WINDOW_DAYS = 60
TRIES_FOR_A_FREE_CODE = 20
_BY_FEATURE_CODE = (
    select(Batch).where(Batch.feature_code == bindparam("code")).options(joinedload(Batch.school))
)


class BatchNotFound(NotFound):
    """No batch has this feature code."""

    code = "batch_not_found"
    title = Text("批次不存在", "Batch not found")
    detail = Text(
        "没有这个特征码对应的采集批次，请向学校核对特征码。",
        "No batch has this feature code; please check it with your school.",
    )


class SchoolNotFound(NotFound):
    """No school has this code."""

    code = "school_not_found"
    title = Text("学校不存在", "School not found")
    detail = Text("没有这个代码的学校，请先建立学校。", "No such school; create the school first.")


class StandardNotFound(NotFound):
    """No photo standard has this name."""

    code = "standard_not_found"
    title = Text("照片标准不存在", "Photo standard not found")
    detail = Text("没有名为 {name} 的照片标准。", "There is no photo standard named {name}.")


def find_batch(session: Session, feature_code: str) -> Batch:
    """Return the batch of a feature code, any case or width. Raises BatchNotFound."""
    code = normalise_feature_code(feature_code)
    batch = session.scalars(_BY_FEATURE_CODE, {"code": code}).one_or_none()
    if batch is None:
        raise BatchNotFound()
    return batch


def find_school(session: Session, code: str) -> School:
    """Return the school of a code. Raises SchoolNotFound."""
    school = session.scalars(select(School).where(School.code == code.strip())).one_or_none()
    if school is None:
        raise SchoolNotFound()
    return school


def create_batch(
    session: Session,
    school: School,
    plan: BatchPlan,
    author: Author = COMMAND,
    copy_of: Batch | None = None,
) -> Batch:
    """Write a batch with a fresh feature code and return it. Flushes, does not commit.

    copy_of: the batch its settings were taken from, for the record.
    Raises InvalidInput naming the field, StandardNotFound.
    """
    check_plan(plan)
    opens_at = plan.opens_at or datetime.now(UTC)
    closes_at = plan.closes_at or opens_at + timedelta(days=DEFAULT_WINDOW_DAYS)
    if closes_at <= opens_at:
        raise InvalidInput(
            "closes_at", Text("结束时间必须晚于开始时间。", "The end must be after the start.")
        )
    graduate = plan.kind == BatchKind.GRADUATE
    batch = Batch(
        school=school,
        feature_code=_feature_code(session, plan.feature_code),
        name=plan.name.strip(),
        kind=plan.kind,
        mode=plan.mode,
        roster_mode=plan.roster_mode,
        legal_basis=plan.legal_basis,
        standard=newest_standard(session, plan.standard),
        reject_policy=plan.reject_policy,
        state=plan.state,
        opens_at=opens_at,
        closes_at=closes_at,
        # graduates bring the code of the national register; freshmen have none (DOMAIN section 2)
        requires_capture_code=graduate
        if plan.requires_capture_code is None
        else plan.requires_capture_code,
        allow_album=plan.allow_album,
        allow_unlisted=plan.allow_unlisted,
        unpaid_minutes=plan.unpaid_minutes,
        max_attempts=plan.max_attempts,
        delivery_methods=list(plan.delivery_methods),
        layouts=plan_layouts(plan),
        services=services_of(plan),
    )
    session.add(batch)
    session.flush()
    arm_closing(session, batch)
    _record_opening(session, batch, author, copy_of)
    return batch


def _record_opening(session: Session, batch: Batch, author: Author, copy_of: Batch | None) -> None:
    action = BatchAction.COPY if copy_of else BatchAction.CREATE
    changes = differences(None, plan_of(batch))
    changes.insert(0, {"field": "state", "old": None, "new": batch.state})
    if copy_of:
        changes.insert(0, {"field": "copy_of", "old": None, "new": copy_of.feature_code})
    record_change(session, batch, action, author, changes)


def newest_standard(session: Session, name: str) -> PhotoStandard:
    """Return the newest version in force of a named standard. Raises StandardNotFound."""
    standard = session.scalars(
        select(PhotoStandard)
        .where(PhotoStandard.name == name, PhotoStandard.retired_at.is_(None))
        .order_by(PhotoStandard.version.desc())
        .limit(1)
    ).one_or_none()
    if standard is None:
        raise StandardNotFound(name=name[:60])
    return standard


def _feature_code(session: Session, wanted: str | None) -> str:
    """Return `wanted` if it is free, or a new free code."""
    taken = Text("这个特征码已被使用。", "This feature code is taken.")
    if wanted is not None:
        code = normalise_feature_code(wanted)
        if not is_feature_code(code):
            raise InvalidInput(
                "feature_code",
                Text(
                    "特征码应为 4–8 位字母或数字。", "Feature codes are 4 to 8 letters or digits."
                ),
            )
        if _taken(session, code):
            raise InvalidInput("feature_code", taken)
        return code
    for _ in range(TRIES_FOR_A_FREE_CODE):
        code = new_feature_code()
        if not _taken(session, code):
            return code
    raise InvalidInput("feature_code", taken)


def _taken(session: Session, code: str) -> bool:
    return session.scalar(select(Batch.id).where(Batch.feature_code == code)) is not None


def services_of(plan: BatchPlan) -> list[BatchService]:
    """Return new rows for the services of a plan, in their order."""
    return [
        BatchService(
            code=service.code,
            name_zh=service.name.zh,
            name_en=service.name.en,
            price_fen=service.price_fen,
            required=service.required,
            position=position,
        )
        for position, service in enumerate(plan.services)
    ]
