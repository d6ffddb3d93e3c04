"""The reprint order (加洗): extra prints of an approved photo, on the same engine."""

from __future__ import annotations

from dataclasses import replace

from backoffice.i18n import Text
from backoffice.workflows.capture_order import CAPTURE_ORDER
from backoffice.workflows.definition import Definition, Transition, Who

_STATES = (
    "draft",
    "paid",
    "processing",
    "shipped",
    "completed",
    "refunding",
    "refunded",
    "closed",
)
_PAID = Text("待制作", "Awaiting production")


def _same(name: str) -> Transition:
    return CAPTURE_ORDER.by_name[name]


REPRINT_ORDER = Definition(
    name="reprint_order",
    version=1,
    title=Text("加洗订单", "Reprint order"),
    initial="draft",
    states=tuple(
        replace(s, label=_PAID) if s.name == "paid" else s
        for s in CAPTURE_ORDER.states
        if s.name in _STATES
    ),
    transitions=(
        replace(_same("pay"), follows=()),
        _same("expire"),
        _same("cancel"),
        replace(_same("start_processing"), sources=("paid",)),
        _same("ship"),
        _same("complete"),
        replace(
            _same("request_refund"),
            sources=("paid",),
            who=(Who("finance"), Who("student", ("paid",))),
        ),
        _same("refund_succeeded"),
        _same("refund_failed"),
    ),
    timers=CAPTURE_ORDER.timers,
)
