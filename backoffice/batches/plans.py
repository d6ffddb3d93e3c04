"""What a batch is asked to be: one record for opening, copying and changing it, checked here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from backoffice.errors import InvalidInput
from backoffice.i18n import Text
from backoffice.models import Batch
from backoffice.models.vocabulary import (
    BatchKind,
    BatchMode,
    BatchState,
    DeliveryMethod,
    RejectPolicy,
    RosterMode,
)
from backoffice.photos.layouts import LAYOUTS

MAX_PRICE_FEN = 1_000_000
MAX_SERVICES = 8
# The database holds the same ranges (models/batch.py); here they get a sentence.
UNPAID_MINUTES = range(1, 10080 + 1)
ATTEMPTS = range(1, 1000 + 1)
PORTRAIT_CODE, PRINTS_CODE = "portrait", "prints"
PORTRAIT = Text("图像采集（含电子版）", "Portrait with digital copy")
PRINTS = Text("纸质照片一版", "One sheet of prints")
USUAL_FEES = (2000, 1000)  # inside the range of DOMAIN section 7


@dataclass(frozen=True)
class ServicePrice:
    """One thing students can order in the batch; the price in fen."""

    code: str
    name: Text
    price_fen: int
    required: bool = False


def default_services(fees_fen: Sequence[int]) -> list[ServicePrice]:
    """Return the usual services: the portrait, and prints; the fees in that order.

    Defaults are 2000 and 1000 fen. Raises InvalidInput when there are more fees than services.
    """
    if len(fees_fen) > len(USUAL_FEES):
        raise InvalidInput(
            "fee_fen",
            Text("最多两个价格：图像采集、纸质照片。", "At most two fees: portrait, prints."),
        )
    fees = [*fees_fen, *USUAL_FEES[len(fees_fen) :]]
    return [
        ServicePrice(PORTRAIT_CODE, PORTRAIT, fees[0], required=True),
        ServicePrice(PRINTS_CODE, PRINTS, fees[1]),
    ]


@dataclass(frozen=True)
class BatchPlan:
    """Everything a batch is asked to be. Times are aware UTC; None means now, and 60 days later."""

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
    state: str = BatchState.OPEN


def plan_of(batch: Batch) -> BatchPlan:
    """Return what a batch is now, in the words it was asked for; its code is left out."""
    return BatchPlan(
        name=batch.name,
        kind=batch.kind,
        mode=batch.mode,
        roster_mode=batch.roster_mode,
        standard=batch.standard.name,
        reject_policy=batch.reject_policy,
        legal_basis=batch.legal_basis,
        opens_at=batch.opens_at,
        closes_at=batch.closes_at,
        services=[
            ServicePrice(s.code, Text(s.name_zh, s.name_en), s.price_fen, s.required)
            for s in batch.services
        ],
        delivery_methods=list(batch.delivery_methods),
        layouts=list(batch.layouts),
        requires_capture_code=batch.requires_capture_code,
        allow_album=batch.allow_album,
        allow_unlisted=batch.allow_unlisted,
        unpaid_minutes=batch.unpaid_minutes,
        max_attempts=batch.max_attempts,
    )


def check_plan(plan: BatchPlan, present: BatchPlan | None = None) -> None:
    """Raise InvalidInput, naming the field, for the first thing that cannot be.

    present: what the batch is so far; print sheets it has may stay although none can choose them
    any more.
    """
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
    if plan.state not in (BatchState.DRAFT, BatchState.OPEN):
        raise InvalidInput("state", Text("只能是 draft/open。", "Must be one of draft/open."))
    if not 1 <= len(plan.name.strip()) <= 100 or not plan.name.strip().isprintable():
        raise InvalidInput(
            "name", Text("请填写 1–100 字的批次名称。", "Give a name of 1–100 letters.")
        )
    _check_window(plan)
    _check_ranges(plan)
    _check_services(plan.services)
    _check_delivery(plan, plan_layouts(present) if present else [])


def _check_window(plan: BatchPlan) -> None:
    if plan.opens_at and plan.closes_at and plan.closes_at <= plan.opens_at:
        raise InvalidInput(
            "closes_at", Text("结束时间必须晚于开始时间。", "The end must be after the start.")
        )


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
    if not 1 <= len(codes) <= MAX_SERVICES or len(set(codes)) < len(codes):
        raise InvalidInput(
            "services",
            Text(
                "请提供一至八项服务，且服务代码不能重复。",
                "Offer one to eight services, each code once.",
            ),
        )
    for service in services:
        if not 0 <= service.price_fen <= MAX_PRICE_FEN:
            raise InvalidInput(
                "price_fen",
                Text("价格应在 0 到 10000 元之间。", "Prices are from 0 to 10,000 yuan."),
            )
        if not all(1 <= len(name.strip()) <= 40 for name in service.name):
            raise InvalidInput(
                "services",
                Text("服务名称应为 1–40 字。", "Service names have 1 to 40 letters."),
            )


def _check_delivery(plan: BatchPlan, kept: Sequence[str]) -> None:
    methods = {m.value for m in DeliveryMethod}
    if not plan.delivery_methods or not set(plan.delivery_methods) <= methods:
        raise InvalidInput(
            "delivery_methods",
            Text("请选择至少一种取件方式。", "Choose at least one delivery method."),
        )
    layouts = plan_layouts(plan)
    if any(name not in LAYOUTS and name not in kept for name in layouts):
        raise InvalidInput("layouts", Text("版式不存在。", "There is no such layout."))
    if not layouts and any(s.code == PRINTS_CODE for s in plan.services):
        raise InvalidInput(
            "layouts",
            Text(
                "提供纸质照片时，请至少选择一种冲印版式。",
                "Choose a print sheet, since prints are offered.",
            ),
        )


def plan_layouts(plan: BatchPlan) -> list[str]:
    """Return the print sheets asked for; all there are when nothing was said."""
    return list(LAYOUTS) if plan.layouts is None else list(plan.layouts)
