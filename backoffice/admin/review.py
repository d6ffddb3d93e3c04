"""The review desk: one photo at a time, decided from the keyboard, the next ones already there.

The page is one; everything on it is small calls that carry JSON. A decision names the hold, the
picture and the version it was made on.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from functools import wraps
from typing import Any

from flask import Response, jsonify, make_response, request
from sqlalchemy import select

from backoffice.admin import answers
from backoffice.admin import review_desk as desk
from backoffice.admin.language import locale, say
from backoffice.admin.moves import review_policy
from backoffice.admin.people import actor, me, own_school
from backoffice.admin.review_filter import arguments, filter_from, options, reviewer
from backoffice.admin.review_similar import similar_pictures
from backoffice.admin.room import Page, expose, one_or_404
from backoffice.db import db
from backoffice.errors import BackofficeError
from backoffice.i18n import Text
from backoffice.models import Photo
from backoffice.review import deciding, escalations, holds, leases, second_opinions
from backoffice.review.cases import Held
from backoffice.review.queue import QueueFilter, Reviewer, counted
from backoffice.security.tenancy import visible
from backoffice.services import services

Call = Callable[..., Any]


def call(path: str) -> Callable[[Call], Call]:
    """Give a method an address that takes JSON and answers JSON, coded errors too."""

    def named(view: Call) -> Call:
        @wraps(view)
        def answered(self: Any) -> Any:
            try:
                said = view(self)
            except BackofficeError as error:
                db.session.rollback()
                return refusal(error)
            db.session.commit()
            return jsonify(said)

        return expose(path, methods=("POST",))(answered)

    return named


def refusal(error: BackofficeError, **more: Any) -> Response:
    """Return a coded error as the desk's script shows it."""
    said = {"code": error.code, "title": say(error.title), "detail": error.text(locale()), **more}
    return make_response(jsonify(said), answers.status_of(error))


class ReviewRoom(Page):
    """The desk itself, and its contact sheet."""

    room = "review"
    label = Text("审核台", "Review desk")
    section = Text("审核", "Review")

    @expose("/")
    def desk(self) -> Response:
        """Show the desk with the photos that have waited longest."""
        return self._page("backoffice/review.html", desk.AHEAD, opinions=True)

    @expose("/sheet")
    def sheet(self) -> Response:
        """Show twenty-four results at once."""
        return self._page("backoffice/review_sheet.html", SHEET, opinions=False)

    def _page(self, template: str, count: int, *, opinions: bool) -> Response:
        who, wanted = reviewer(), filter_from(request.args)
        desk.sit_down(who)
        found = desk.claim(who, wanted, count, opinions=opinions)
        html = self.render(
            template,
            cases=desk.rendered(found) if template == "backoffice/review.html" else found,
            panels=desk.panels(found),
            panel_key=desk.panel_key,
            place=arguments(wanted),
            waiting=None if found else _waiting(who, wanted),
            senior=who.senior,
        )
        db.session.commit()  # after rendering: what was loaded is still at hand
        return make_response(html)

    @expose("/filter")
    def filter(self) -> Response:
        """Show the filter's drop-downs, asked for when somebody opens them."""
        who, wanted = reviewer(), filter_from(request.args)
        place = arguments(wanted)
        html = self.render(
            "backoffice/review_filter.html", options=options(wanted, who), place=place
        )
        return make_response(html)

    @call("/claim")
    def claim(self) -> Any:
        """Lease more photos: `{want, skipped, panels, filter}`."""
        sent = desk.body()
        who, wanted = reviewer(), filter_from(sent.get("filter") or {})
        want = sent.get("want")
        count = max(1, min(want, SHEET)) if type(want) is int else 1
        found = desk.claim(who, wanted, count, skipped=desk.ids_of(sent, "skipped"))
        return {
            "cases": desk.rendered(found),
            "panels": desk.panels(found, sent.get("panels") or ()),
        }

    @expose("/decide", methods=("POST",))
    def decide(self) -> Any:
        """Decide one photo. A hold that ran out is renewed if nobody has the photo by now."""
        try:
            choice = desk.choice_of(desk.body())
        except BackofficeError as error:
            return refusal(error)
        try:
            staff_id = me().id
            said = self._decided(choice) | {"undo": desk.undo_list(staff_id)}
        except leases.LeaseLost as error:
            db.session.rollback()
            return refusal(error, token=self._held_again(choice))
        except BackofficeError as error:
            db.session.rollback()
            return refusal(error)
        return jsonify(said)

    @call("/sheet/decide")
    def decide_sheet(self) -> Any:
        """Decide many photos, each in a transaction of its own: a result per photo."""
        listed = desk.body().get("choices")
        results, staff_id = [], me().id
        for sent in (listed if isinstance(listed, list) else [])[:SHEET]:
            given = sent if isinstance(sent, dict) else {}
            try:
                said = self._decided(desk.choice_of(given))
            except BackofficeError as error:
                db.session.rollback()
                said = {"code": error.code, "title": say(error.title)}
                said["detail"] = error.text(locale())
            results.append({"order": given.get("order"), **said})
        return {"results": results, "undo": desk.undo_list(staff_id)}

    @call("/undo")
    def undo(self) -> Any:
        """Take the reviewer's decision about `order` back; the photo returns to this desk."""
        order_id = desk.id_of(desk.body(), "order")
        session, engine = db.session(), services().engine
        token = deciding.undo(session, engine, actor(), order_id, review_policy())
        opinion = second_opinions.find(session, me().id, token)
        held = Held(order_id, token) if opinion is None else desk.held_opinion(opinion)
        found = desk.load([held])
        return {"cases": desk.rendered(found), "panels": desk.panels(found)}

    @call("/skip")
    def skip(self) -> Any:
        """Give photos back: `{tokens}`; the page asks for others."""
        tokens = set(desk.ids_of(desk.body(), "tokens"))
        holds.give_back(db.session(), me().id, "skipped", tokens)
        return {}

    @call("/escalate")
    def escalate(self) -> Any:
        """Hand a photo to a senior reviewer, with a note."""
        sent = desk.body()
        escalations.escalate(
            db.session(),
            services().engine,
            actor(),
            desk.id_of(sent, "order"),
            desk.id_of(sent, "token"),
            str(sent.get("note") or ""),
        )
        return {"decision": "escalate"}

    @call("/heartbeat")
    def heartbeat(self) -> Any:
        """Count a sign of life: `{tokens, filter, first}` → what still holds, and how many wait.

        The page asks as soon as it stands (`first`) and is told what can still be taken back, too.
        """
        sent = desk.body()
        tokens = set(desk.ids_of(sent, "tokens"))
        kept = holds.extend(db.session(), me().id, tokens)
        who, wanted = reviewer(), filter_from(sent.get("filter") or {})
        said = {"held": [str(token) for token in kept], "waiting": _waiting(who, wanted)}
        return said | {"undo": desk.undo_list(who.staff_id)} if sent.get("first") else said

    @expose("/leave", methods=("POST",))
    def leave(self) -> Any:
        """Give everything back that a closed page held (`navigator.sendBeacon`)."""
        tokens = set(desk.ids_of({"tokens": request.form.get("tokens", "").split(",")}, "tokens"))
        if tokens:
            holds.give_back(db.session(), me().id, tokens=tokens)
            db.session.commit()
        return make_response("", 204)

    @expose("/similar/<uuid:id>")
    def similar(self, id: uuid.UUID) -> Any:
        """Show where a picture like this one was found elsewhere."""
        photo: Photo = one_or_404(select(Photo).where(Photo.id == id, visible(Photo, own_school())))
        found = similar_pictures(db.session(), photo, own_school())
        return make_response(self.render("backoffice/review_similar.html", found=found))

    def _decided(self, choice: deciding.Choice) -> dict[str, Any]:
        session = db.session()
        deciding.decide(session, services().engine, actor(), choice, review_policy())
        session.commit()
        return {"decision": choice.decision}

    def _held_again(self, choice: deciding.Choice) -> str | None:
        """Return a new hold on the same photo if nobody else took it meanwhile."""
        token = deciding.hold_again(db.session(), services().engine, actor(), choice)
        db.session.commit()
        return str(token) if token else None


SHEET = 24


def _waiting(who: Reviewer, wanted: QueueFilter) -> int:
    return db.session.scalar(counted(who, wanted, datetime.now(UTC))) or 0
