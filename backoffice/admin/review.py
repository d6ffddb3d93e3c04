"""The review desk: one photo at a time, decided from the keyboard, the next one follows."""

from __future__ import annotations

import uuid
from typing import Any

from flask import Response, flash, make_response, redirect, request
from sqlalchemy import select

from backoffice.admin import answers, moves
from backoffice.admin.language import locale, say, t
from backoffice.admin.orders import batch_options
from backoffice.admin.people import own_school, record
from backoffice.admin.review_queue import next_case
from backoffice.admin.room import Page, expose, one_or_404, parse_uuid
from backoffice.db import db
from backoffice.errors import BackofficeError
from backoffice.i18n import Text
from backoffice.models import Order
from backoffice.security.tenancy import visible

DECISIONS = ("approve", "reject")


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
        order_id = parse_uuid(request.form.get("order_id", ""))
        one_or_404(select(Order).where(Order.id == order_id, visible(Order, own_school())))
        try:
            moves.fire(order_id, decision, request.form, request.form.get("photo_id", ""))
        except BackofficeError as error:
            self._explain(error)
            return self._show(answers.status_of(error))
        flash(
            t("已通过。", "Approved.") if decision == "approve" else t("已驳回。", "Rejected."),
            "success",
        )
        return redirect(self.get_url(".desk", **self._place()), 303)

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
        case = next_case(own_school(), _id(place.get("batch")), _id(place.get("after")))
        if case is not None:
            record("review:open", "photo", case.photo.id)
            db.session.commit()
        html = self.render(
            "backoffice/review.html",
            case=case,
            place=place,
            batches=batch_options(),
            reasons=moves.live_reasons(),
            key=moves.new_key(),
            language=locale(),
        )
        return make_response(html, status)


def _id(raw: str | None) -> uuid.UUID | None:
    return parse_uuid(raw) if raw else None
