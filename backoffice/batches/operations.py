"""Opening batches: what a school's clerk or a command asks for, checked and written."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from backoffice.batches.closing import arm_closing
from backoffice.batches.feature_codes import (
    is_feature_code,
    new_feature_code,
    normalise_feature_code,
)
from backoffice.errors import InvalidInput, NotFound
from backoffice.i18n import Text
from backoffice.models import Batch, BatchService, PhotoStandard, School
from backoffice.models.vocabulary import (
    BatchKind,
    BatchMode,
    BatchState,
    DeliveryMethod,
    RejectPolicy,
    RosterMode,
)

DEFAULT_WINDOW_DAYS = 60
MAX_PRICE_FEN = 1_000_000
# The database holds the same ranges (models/batch.py); here they get a sentence.
UNPAID_MINUTES = range(1, 10080 + 1)
ATTEMPTS = range(1, 1000 + 1)
TRIES_FOR_A_FREE_CODE = 20


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


@dataclass(frozen=True)
class ServicePrice:
    """One thing students can order in the batch; the price in fen."""

    code: str
    name: Text
    price_fen: int
    required: bool = False


PORTRAIT = Text("图像采集（含电子版）", "Portrait with digital copy")
PRINTS = Text("纸质照片一版", "One sheet of prints")


def default_services(fees_fen: Sequence[int]) -> list[ServicePrice]:
    """Return the usual services: the portrait, and prints; the fees in that order.

    Defaults are 2000 and 1000 fen, inside the range of DOMAIN section 7. Raises InvalidInput when
    there are more fees than services.
    """
    if len(fees_fen) > 2:
        raise InvalidInput(
            "fee_fen",
            Text("最多两个价格：图像采集、纸质照片。", "At most two fees: portrait, prints."),
        )
    fees = [*fees_fen, *(2000, 1000)[len(fees_fen) :]]
    return [
        ServicePrice("portrait", PORTRAIT, fees[0], required=True),
        ServicePrice("prints", PRINTS, fees[1]),
    ]


@dataclass(frozen=True)
class BatchPlan:
    """Everything a new batch needs. Times are aware UTC; None means now, and 60 days later."""

    name: str
    kind: str = BatchKind.GRADUATE
    mode: str = BatchMode.PAY_FIRST
    roster_mode: str = RosterMode.FULL
    standard: str = "chsi-degree-blue"
    reject_policy: str = RejectPolicy.RESUBMIT
    legal_basis: str | None = None
    opens_at: datetime | None = None
    closes_at: datetime | None = None
    services: Sequence[ServicePrice] = field(default_factory=lambda: default_services(()))
    delivery_methods: Sequence[str] = tuple(m.value for m in DeliveryMethod)
    layouts: Sequence[str] | None = None
    requires_capture_code: bool | None = None
    allow_album: bool = True
    allow_unlisted: bool = False
    unpaid_minutes: int = 30
    max_attempts: int = 30
    feature_code: str | None = None


def find_batch(session: Session, feature_code: str) -> Batch:
    """Return the batch of a feature code, any case or width. Raises BatchNotFound."""
    code = normalise_feature_code(feature_code)
    batch = session.scalars(select(Batch).where(Batch.feature_code == code)).one_or_none()
    if batch is None:
        raise BatchNotFound()
    return batch


def find_school(session: Session, code: str) -> School:
    """Return the school of a code. Raises SchoolNotFound."""
    school = session.scalars(select(School).where(School.code == code.strip())).one_or_none()
    if school is None:
        raise SchoolNotFound()
    return school


def create_batch(session: Session, school: School, plan: BatchPlan) -> Batch:
    """Write a batch with a fresh feature code and return it. Flushes, does not commit.

    Raises InvalidInput naming the field, StandardNotFound.
    """
    _check(plan)
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
        state=BatchState.OPEN,
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
        layouts=_layouts(plan),
        services=_services(plan),
    )
    session.add(batch)
    session.flush()
    arm_closing(session, batch)
    return batch


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


def _check(plan: BatchPlan) -> None:
    words = {
        "kind": (plan.kind, BatchKind),
        "mode": (plan.mode, BatchMode),
        "roster_mode": (plan.roster_mode, RosterMode),
        "reject_policy": (plan.reject_policy, RejectPolicy),
    }
    for name, (value, known) in words.items():
        if value not in [word.value for word in known]:
            listed = "/".join(known)
            raise InvalidInput(name, Text(f"只能是 {listed}。", f"Must be one of {listed}."))
    if not 1 <= len(plan.name.strip()) <= 100 or not plan.name.strip().isprintable():
        raise InvalidInput(
            "name", Text("请填写 1–100 字的批次名称。", "Give a name of 1–100 letters.")
        )
    _check_ranges(plan)
    methods = {m.value for m in DeliveryMethod}
    if not plan.delivery_methods or not set(plan.delivery_methods) <= methods:
        raise InvalidInput(
            "delivery_methods",
            Text("请选择至少一种取件方式。", "Choose at least one delivery method."),
        )
    _check_services(plan.services)


def _check_ranges(plan: BatchPlan) -> None:
    numbers = {
        "unpaid_minutes": (plan.unpaid_minutes, UNPAID_MINUTES),
        "max_attempts": (plan.max_attempts, ATTEMPTS),
    }
    for name, (value, allowed) in numbers.items():
        if value not in allowed:
            low, high = allowed[0], allowed[-1]
            raise InvalidInput(
                name, Text(f"应在 {low} 到 {high} 之间。", f"Must be from {low} to {high}.")
            )


def _check_services(services: Sequence[ServicePrice]) -> None:
    codes = [service.code for service in services]
    if not codes or len(set(codes)) < len(codes):
        raise InvalidInput(
            "services",
            Text(
                "请至少提供一项服务，且服务代码不能重复。",
                "Offer at least one service, each code once.",
            ),
        )
    for service in services:
        if not 0 <= service.price_fen <= MAX_PRICE_FEN:
            raise InvalidInput(
                "price_fen",
                Text("价格应在 0 到 10000 元之间。", "Prices are from 0 to 10,000 yuan."),
            )


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


def _layouts(plan: BatchPlan) -> list[str]:
    from backoffice.photos.layouts import LAYOUTS

    chosen = list(LAYOUTS) if plan.layouts is None else list(plan.layouts)
    unknown = [name for name in chosen if name not in LAYOUTS]
    if unknown:
        raise InvalidInput("layouts", Text("版式不存在。", "There is no such layout."))
    return chosen


def _services(plan: BatchPlan) -> list[BatchService]:
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
