"""The engine as orders use it: definitions, tables and functions put together once."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from backoffice.models import Order, OrderEvent, OutboxRow, Timer
from backoffice.models.order import engine_may_write_state
from backoffice.workflows.binding import Binding
from backoffice.workflows.capture_order import CAPTURE_ORDER
from backoffice.workflows.definition import Definition
from backoffice.workflows.due_rules import DUE_RULES
from backoffice.workflows.effects import build_effects
from backoffice.workflows.engine import Engine
from backoffice.workflows.guards import GUARDS
from backoffice.workflows.records import RECORDS, UNDO_RECORDS
from backoffice.workflows.reprint_order import REPRINT_ORDER

DEFINITIONS: dict[tuple[str, int], Definition] = {
    (d.name, d.version): d for d in (CAPTURE_ORDER, REPRINT_ORDER)
}
_engine: Engine | None = None


def build_engine(undo_seconds: int = 0, clock: Callable[[], datetime] | None = None) -> Engine:
    """Return an engine over the order tables. Raises DefinitionError if a definition is wrong."""
    binding = Binding(
        order=Order,
        event=OrderEvent,
        timer=Timer,
        outbox=OutboxRow,
        definitions=DEFINITIONS,
        guards=GUARDS,
        records=RECORDS,
        effects=build_effects(undo_seconds),
        due_rules=DUE_RULES,
        undo_records=UNDO_RECORDS,
        state_writer=engine_may_write_state,
        unread=(Order.delivery_address, Order.remark),
    )
    return Engine(binding, clock)


def configure(undo_seconds: int) -> Engine:
    """Build the process's engine; called once by create_app."""
    global _engine
    _engine = build_engine(undo_seconds)
    return _engine


def engine() -> Engine:
    """Return the process's engine."""
    global _engine
    if _engine is None:
        _engine = build_engine()
    return _engine
