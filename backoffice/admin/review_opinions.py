"""Approvals the second reviewer would not have given: a senior lets them stand or takes them back."""

from __future__ import annotations

import uuid
from typing import Any

from flask import abort, flash, make_response, redirect, request
from sqlalchemy import select
from sqlalchemy.orm import joinedload

from backoffice.admin import answers
from backoffice.admin.language import t
from backoffice.admin.people import actor, me, own_school, record, senior
from backoffice.admin.room import Page, expose
from backoffice.db import db
from backoffice.errors import BackofficeError
from backoffice.i18n import Text
from backoffice.models import Order, RejectionReason, SecondOpinion
from backoffice.review import second_opinions
from backoffice.services import services

SHOWN = 20


class OpinionsRoom(Page):
    """Open to senior reviewers only."""

    room = "opinions"
    label = Text("复核分歧", "Disagreements")
    section = Text("审核", "Review")

    def is_accessible(self) -> bool:
        """Return whether the signed-in member is a senior reviewer."""
        return super().is_accessible() and senior()

    @expose("/")
    def index(self) -> Any:
        """Show the disagreements that wait, oldest first."""
        return self._show()

    @expose("/<uuid:id>/settle", methods=("POST",))
    def settle(self, id: uuid.UUID) -> Any:
        """Let an approval stand (`upheld`) or take it back (`revoked`, with a note)."""
        outcome = request.form.get("outcome", "")
        if outcome not in ("upheld", "revoked"):
            abort(400)
        try:
            second_opinions.settle(
                db.session(),
                services().engine,
                id,
                outcome,
                actor=actor(),
                note=request.form.get("note", ""),
            )
            record(f"opinion:{outcome}", "opinion", id)
        except BackofficeError as error:
            db.session.rollback()
            answers.flash_error(error)
            return self._show(answers.status_of(error))
        db.session.commit()
        done = (t("已撤销通过，订单回到待审核。", "Revoked; the order awaits review again.")
                if outcome == "revoked" else t("已维持通过。", "The approval stands."))  # fmt: skip
        flash(done, "success")
        return redirect(self.get_url(".index"), 303)

    def _show(self, status: int = 200) -> Any:
        query = (
            select(SecondOpinion)
            .where(second_opinions.disputed(own_school()))
            .options(
                joinedload(SecondOpinion.order).options(
                    joinedload(Order.enrolment), joinedload(Order.batch)
                ),
                joinedload(SecondOpinion.first_staff),
                joinedload(SecondOpinion.staff),
            )
            .order_by(SecondOpinion.answered_at, SecondOpinion.id)
            .limit(SHOWN)
        )
        found = db.session.scalars(query).all()
        for opinion in found:
            record("opinion:open", "photo", opinion.photo_id)
        texts = {r.code: r for r in db.session.scalars(select(RejectionReason))}
        html = self.render(
            "backoffice/review_opinions.html",
            found=found,
            texts=texts,
            still_approved=second_opinions.still_approved,
            me=me(),
        )
        db.session.commit()
        return make_response(html, status)
