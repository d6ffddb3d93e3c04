"""Rules of the review: who is a senior reviewer, and how each batch is reviewed."""

from __future__ import annotations

from typing import Any

from flask import flash, redirect, request
from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert

from backoffice.admin.language import t
from backoffice.admin.people import me, record
from backoffice.admin.room import Page, expose, one_or_404, parse_uuid
from backoffice.db import db
from backoffice.errors import InvalidInput
from backoffice.i18n import Text
from backoffice.models import Batch, ReviewRule, School, SeniorReviewer, Staff
from backoffice.models.vocabulary import BatchState, StaffRole
from backoffice.services import services

SHOWN = 200


class ReviewRulesRoom(Page):
    """For the house's administrators."""

    room = "review_rules"
    label = Text("审核规则", "Review rules")
    section = Text("审核", "Review")

    @expose("/")
    def index(self) -> Any:
        """Show the reviewers and the batches that are not archived."""
        reviewers = db.session.execute(
            select(Staff, SeniorReviewer.staff_id)
            .outerjoin(SeniorReviewer, SeniorReviewer.staff_id == Staff.id)
            .where(Staff.active.is_(True), Staff.roles.any(name=StaffRole.REVIEWER))
            .order_by(Staff.name)
            .limit(SHOWN)
        ).all()
        batches = db.session.execute(
            select(Batch.id, Batch.name, School.name.label("school"), ReviewRule)
            .join(School, School.id == Batch.school_id)
            .outerjoin(ReviewRule, ReviewRule.batch_id == Batch.id)
            .where(Batch.state != BatchState.ARCHIVED)
            .order_by(Batch.created_at.desc())
            .limit(SHOWN)
        ).all()
        return self.render(
            "backoffice/review_rules.html",
            reviewers=[(staff, senior is not None) for staff, senior in reviewers],
            batches=batches,
            house_percent=services().settings.second_opinion_percent,
        )

    @expose("/senior", methods=("POST",))
    def senior(self) -> Any:
        """Make a reviewer a senior, or no longer."""
        query = select(Staff).where(
            Staff.id == parse_uuid(request.form.get("staff", "")),
            Staff.roles.any(name=StaffRole.REVIEWER),
        )
        staff: Staff = one_or_404(query)
        if request.form.get("senior") == "yes":
            row = insert(SeniorReviewer).values(staff_id=staff.id, named_by=me().id)
            db.session.execute(row.on_conflict_do_nothing())
            record("senior:name", "staff", staff.id)
        else:
            db.session.execute(delete(SeniorReviewer).where(SeniorReviewer.staff_id == staff.id))
            record("senior:end", "staff", staff.id)
        return self._saved()

    @expose("/batch", methods=("POST",))
    def batch(self) -> Any:
        """Keep a batch's own share of second opinions and whether reviewers keep their students."""
        batch: Batch = one_or_404(
            select(Batch).where(Batch.id == parse_uuid(request.form.get("batch", "")))
        )
        values = {
            "second_opinion_percent": _percent(request.form.get("percent", "")),
            "keep_reviewer": request.form.get("keep") == "yes",
        }
        row = insert(ReviewRule).values(batch_id=batch.id, **values)
        db.session.execute(row.on_conflict_do_update(index_elements=["batch_id"], set_=values))
        record("review_rule:change", "batch", batch.id)
        return self._saved()

    def _saved(self) -> Any:
        db.session.commit()
        flash(t("已保存。", "Saved."), "success")
        return redirect(self.get_url(".index"), 303)


def _percent(raw: str) -> int | None:
    """Return a share in percent; None (empty) for the house's. Raises InvalidInput."""
    if not raw.strip():
        return None
    if not (raw.strip().isascii() and raw.strip().isdigit() and int(raw) <= 100):
        raise InvalidInput(
            "percent", Text("请填写 0 到 100 的整数。", "Enter a whole number from 0 to 100.")
        )
    return int(raw)
