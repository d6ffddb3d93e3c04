"""The figures of the review: how quick, how sure, how much two reviewers agree."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

from flask import request
from sqlalchemy import select

from backoffice.admin.charts import Bar, Series, bars, columns
from backoffice.admin.keeping import kept
from backoffice.admin.language import t
from backoffice.admin.people import may, me, own_school, senior
from backoffice.admin.room import Page, expose
from backoffice.db import db
from backoffice.i18n import Text
from backoffice.models import RejectionReason
from backoffice.review.figures import BUCKETS, Figures, figures
from backoffice.services import services

PERIODS = (7, 30, 90)


class ReviewFiguresRoom(Page):
    """A reviewer sees the total and their own row; seniors and administrators see every row."""

    room = "review_figures"
    label = Text("审核统计", "Review figures")
    section = Text("审核", "Review")

    @expose("/")
    def index(self) -> Any:
        """Show the last 7, 30 or 90 days."""
        days = request.args.get("days", "")
        period = int(days) if days in [str(p) for p in PERIODS] else PERIODS[1]
        since = datetime.now(UTC) - timedelta(days=period)
        zone = services().settings.timezone
        found = kept("review", lambda: figures(db.session(), own_school(), since, zone), period)
        everyone = may("review_rules") or may("reasons.edit") or senior()
        rows = [one for one in found.reviewers if everyone or one.staff_id == me().id]
        texts = {r.code: r for r in db.session.scalars(select(RejectionReason))}
        return self.render(
            "backoffice/review_figures.html",
            found=found,
            rows=rows,
            texts=texts,
            period=period,
            periods=PERIODS,
            by_day=_by_day(found),
            by_time=_by_time(found),
        )


def _by_day(found: Figures) -> Any:
    every = max(1, -(-len(found.days) // 12))  # as many dates as can be read
    return columns(
        t("每天的决定", "Decisions a day"),
        [f"{day:%m-%d}" if i % every == 0 else "" for i, (day, _, _) in enumerate(found.days)],
        [
            Series(t("通过", "Approved"), "good", [a for _, a, _ in found.days]),
            Series(t("不通过", "Rejected"), "bad", [r for _, _, r in found.days]),
        ],
    )


def _by_time(found: Figures) -> Any:
    ends = [str(end) for end in BUCKETS]
    labels = [f"<{ends[0]}", *(f"{a}–{b}" for a, b in pairwise(ends)), f"≥{ends[-1]}"]
    return bars(
        t("每张用时（秒）", "Seconds per decision"),
        [
            Bar(t(f"{label} 秒", f"{label} s"), count, f"{count:,}")
            for label, count in zip(labels, found.times, strict=True)
        ],
    )
