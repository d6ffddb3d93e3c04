"""Production and shipping: approved orders on to the press, and out of the house."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from flask import make_response, redirect, request
from sqlalchemy import select
from sqlalchemy.orm import joinedload
from werkzeug.datastructures import MultiDict

from backoffice.admin import moves
from backoffice.admin.labels import state_of
from backoffice.admin.language import locale, say
from backoffice.admin.orders import batch_options
from backoffice.admin.people import own_school
from backoffice.admin.room import Page, expose, parse_uuid
from backoffice.db import db
from backoffice.errors import BackofficeError, NotFound
from backoffice.i18n import Text
from backoffice.models import Order
from backoffice.security.tenancy import visible

SHOWN = 200


@dataclass(frozen=True)
class Line:
    """One order of the list with the moves this member may make now."""

    order: Order
    offered: frozenset[str]


@dataclass(frozen=True)
class Outcome:
    """What became of one parcel."""

    number: str
    order_id: uuid.UUID | None
    done: bool
    text: str


class FulfilmentRoom(Page):
    """The operator's room."""

    room = "fulfilment"
    label = Text("制作与发货", "Production")
    section = Text("制作", "Fulfilment")

    @expose("/")
    def index(self) -> str:
        """Show what waits for production and what is in production."""
        return self._show([])

    @expose("/ship", methods=("POST",))
    def ship(self) -> Any:
        """Ship every chosen order with its own number; each succeeds or fails by itself.

        Moves that need nothing of their own for each order are bulk runs: `BulkRoom.start`.
        """
        chosen = request.form.getlist("order")
        if not chosen:
            return redirect(self.get_url(".index", batch=request.form.get("batch") or None), 303)
        outcomes = [self._one(raw) for raw in chosen[:SHOWN]]
        failed = any(not outcome.done for outcome in outcomes)
        return make_response(self._show(outcomes), 409 if failed else 200)

    def _one(self, raw: str) -> Outcome:
        """Ship one order in a transaction of its own. `raw` is `id:version`."""
        id_text, _, version = raw.partition(":")
        order = db.session.scalars(
            select(Order).where(Order.id == parse_uuid(id_text), visible(Order, own_school()))
        ).one_or_none()
        if order is None:
            return Outcome("—", None, False, NotFound.title.get(locale()))
        number, order_id = order.number, order.id
        form: MultiDict[str, str] = MultiDict({"version": version})
        for field in ("carrier", "tracking_no"):
            form[field] = request.form.get(f"{field}-{id_text}", "")
        if not form["carrier"]:
            form["carrier"] = request.form.get("carrier", "")
        try:
            event = moves.fire(order_id, "ship", form)
        except BackofficeError as error:
            return Outcome(number, order_id, False, error.text(locale()))
        moved = db.session.get_one(Order, event.order_id)
        return Outcome(number, order_id, True, say(state_of(moved).label))

    def _show(self, outcomes: Sequence[Outcome]) -> str:
        batch = request.values.get("batch") or None
        lines = [Line(o, frozenset(m.name for m in moves.offered(o))) for o in _waiting(batch)]
        return str(
            self.render(
                "backoffice/fulfilment.html",
                to_start=[line for line in lines if "start_processing" in line.offered],
                to_ship=[line for line in lines if "ship" in line.offered],
                to_complete=[line for line in lines if "complete" in line.offered],
                outcomes=outcomes,
                batches=batch_options(),
                chosen_batch=batch,
                key=moves.new_key(),
            )
        )


def _waiting(batch: str | None) -> list[Order]:
    query = select(Order).where(
        Order.state.in_(("approved", "processing", "shipped", "paid")), visible(Order, own_school())
    )
    # a paid order waits for the operator only when it is a reprint
    query = query.where((Order.state != "paid") | (Order.kind == "reprint"))
    if batch:
        query = query.where(Order.batch_id == parse_uuid(batch))
    query = query.options(joinedload(Order.enrolment), joinedload(Order.batch))
    return list(db.session.scalars(query.order_by(Order.entered_at, Order.id).limit(SHOWN)))
