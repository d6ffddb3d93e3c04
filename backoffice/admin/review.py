"""The review desk: one photo at a time, decided from the keyboard, the next one follows."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from flask import Response, flash, make_response, redirect, request
from sqlalchemy import select

from backoffice.admin import answers, moves
from backoffice.admin.language import locale, say, t
from backoffice.admin.orders import batch_options
from backoffice.admin.people import me, own_school, record
from backoffice.admin.review_queue import next_case
from backoffice.admin.room import Page, expose, one_or_404, parse_uuid
from backoffice.db import db
from backoffice.errors import BackofficeError
from backoffice.i18n import Text
from backoffice.models import Order, OrderEvent
from backoffice.models.vocabulary import OrderState
from backoffice.review import leases
from backoffice.security.tenancy import visible

DECISIONS = ("approve", "reject")


@dataclass(frozen=True)
class Decided:
    """What the reviewer has just decided. until: the end of the undo window, None when over."""

    order: Order
    approved: bool
    until: datetime | None

    @property
    def seconds_left(self) -> int:
        """Whole seconds until the window ends."""
        return int((self.until - datetime.now(UTC)).total_seconds()) if self.until else 0


class ReviewRoom(Page):
    """The desk itself. A decision names the picture and the version it was made on."""

    room = "review"
    label = Text("审核台", "Review desk")
    section = Text("审核", "Review")

    @expose("/")
    def desk(self) -> Response:
        """Show the photo that has waited longest, or the one behind `?after=`."""
        return self._show()

    @expose("/decide", methods=("POST",))
    def decide(self) -> Any:
        """Decide one photo and go on to the next.

        A stale page, another picture or another reviewer's decision answers 409 with the next
        photo already on the desk; nothing has changed then.
        """
        decision = request.form.get("decision", "")
        if decision not in DECISIONS:
            return self._show(400)
        order = self._order(request.form.get("order_id", ""))
        order_id = order.id
        try:
            if order.state == OrderState.PENDING_REVIEW:
                leases.require(db.session(), me().id, order_id)
            moves.fire(order_id, decision, request.form, request.form.get("photo_id", ""))
        except BackofficeError as error:
            db.session.rollback()
            self._explain(error)
            return self._show(answers.status_of(error))
        leases.give_up(db.session(), me().id, order_id, "decided")
        db.session.commit()
        return redirect(self.get_url(".desk", **self._place(), decided=order_id), 303)

    @expose("/heartbeat", methods=("POST",))
    def heartbeat(self) -> Any:
        """Count a sign of life from the page: the photo stays on this desk."""
        order = self._order(request.form.get("order_id", ""))
        try:
            leases.extend(db.session(), me().id, order.id)
        except leases.LeaseLost as error:
            db.session.rollback()
            return make_response(error.text(locale()), answers.status_of(error))
        db.session.commit()
        return make_response("", 204)

    @expose("/undo", methods=("POST",))
    def undo(self) -> Any:
        """Take the reviewer's last decision back and put that photo on the desk again."""
        order = self._order(request.form.get("decided", ""))
        try:
            moves.undo(order.id)
        except BackofficeError as error:
            flash(f"{say(error.title)}: {error.text(locale())}", "warning")
            return self._show(answers.status_of(error))
        leases.clear_desk(db.session(), me().id)  # the photo that was next goes back
        db.session.commit()
        flash(t("已撤回，请重新审核。", "Taken back; please review it again."), "success")
        return redirect(self.get_url(".desk", **self._place(), first=order.id), 303)

    def _order(self, raw: str) -> Order:
        query = select(Order).where(Order.id == parse_uuid(raw), visible(Order, own_school()))
        order: Order = one_or_404(query)
        return order

    def _decided(self) -> Decided | None:
        """Return the decision behind `?decided=`, if it is this reviewer's last on that order."""
        raw = request.args.get("decided", "")
        if not raw:
            return None
        order = self._order(raw)
        event = db.session.scalars(
            select(OrderEvent)
            .where(
                OrderEvent.order_id == order.id,
                OrderEvent.transition.in_(DECISIONS),
                OrderEvent.actor_id == str(me().id),
            )
            .order_by(OrderEvent.sequence.desc())
            .limit(1)
        ).one_or_none()
        if event is None:
            return None
        return Decided(order, event.transition == "approve", moves.undo_until(order))

    def _explain(self, error: BackofficeError) -> None:
        text = error.text(locale())
        if answers.status_of(error) == 409:
            text += t(
                " 未作任何更改，请继续审核下面的照片。", " Nothing was changed; please go on below."
            )
        flash(f"{say(error.title)}: {text}", "warning")

    def _place(self) -> dict[str, str]:
        """Return where in the queue this reviewer works: the batch filter and skipped photos."""
        given = {name: request.values.get(name, "") for name in ("batch", "after")}
        return {name: value for name, value in given.items() if value}

    def _show(self, status: int = 200) -> Response:
        place = self._place()
        first = _id(request.args.get("first"))
        skipped = _id(place.get("after"))
        if skipped is not None:
            leases.give_up(db.session(), me().id, skipped, "skipped")
        case = next_case(me().id, own_school(), _id(place.get("batch")), skipped, first)
        if case is not None:
            record("review:open", "photo", case.photo.id)
        db.session.commit()
        html = self.render(
            "backoffice/review.html",
            case=case,
            place=place,
            decided=self._decided(),
            batches=batch_options(),
            reasons=moves.live_reasons(),
            key=moves.new_key(),
            language=locale(),
        )
        return make_response(html, status)


def _id(raw: str | None) -> uuid.UUID | None:
    return parse_uuid(raw) if raw else None
