"""The charts of the dashboard, for those whose work they show."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from markupsafe import Markup
from sqlalchemy import select

from backoffice.admin import figures
from backoffice.admin.charts import Bar, Series, bars, columns
from backoffice.admin.labels import badge
from backoffice.admin.language import ago, local_time, t
from backoffice.admin.people import may
from backoffice.db import db
from backoffice.models import RejectionReason


@dataclass(frozen=True)
class Panel:
    """One chart with its heading; hint: what the reader should know of it."""

    title: str
    body: Markup
    hint: str = ""


def panels() -> Iterator[Panel]:
    """Return the panels of the signed-in member, most useful first."""
    if may("review") or may("batches.edit"):
        yield _hours()
        yield _ages()
        yield _reasons()
    if may("finance"):
        yield _money()
    if may("outbox"):
        yield _health()


def _hours() -> Panel:
    hours, arrived, decided = figures.per_hour()
    steps = [local_time(h, "%H") if n % 3 == 0 else "" for n, h in enumerate(hours)]
    title = t("近 24 小时：提交与审核", "Last 24 hours: photos in, decisions out")
    lines = (
        Series(t("提交", "Submitted"), "working", arrived),
        Series(t("审核", "Decided"), "good", decided),
    )
    return Panel(title, columns(title, steps, lines))


def _ages() -> Panel:
    title = t("待审核照片等待时间", "How long photos have waited")
    words = (
        t("1 小时内", "up to 1 h"),
        t("1–4 小时", "1–4 h"),
        t("4–24 小时", "4–24 h"),
        t("1–3 天", "1–3 days"),
        t("超过 3 天", "over 3 days"),
    )
    tones = ("good", "good", "working", "waiting", "bad")
    rows = [
        Bar(word, number, f"{number:,}", tone)
        for word, number, tone in zip(words, figures.ages_of_queue(), tones, strict=True)
    ]
    return Panel(title, bars(title, rows))


def _reasons() -> Panel:
    title = t("近 30 天驳回原因", "Why photos were rejected, last 30 days")
    found = figures.rejection_reasons()
    if not found:
        text = t("近 30 天没有驳回。", "Nothing was rejected in 30 days.")
        return Panel(title, Markup('<p class="empty">{}</p>').format(text))
    query = select(RejectionReason).where(RejectionReason.code.in_([code for code, _ in found]))
    known = {reason.code: reason for reason in db.session.scalars(query)}
    rows = [
        Bar(
            t(known[code].message_zh, known[code].message_en) if code in known else code,
            number,
            f"{number:,}",
            "bad",
        )
        for code, number in found
    ]
    return Panel(title, bars(title, rows))


def _money() -> Panel:
    days, paid, back = figures.money_per_day()
    steps = [f"{d:%m-%d}" if n % 2 == 0 else "" for n, d in enumerate(days)]
    title = t("近 14 天收款与退款（元）", "Received and refunded, last 14 days (yuan)")
    lines = (
        Series(t("收款", "Received"), "good", paid),
        Series(t("退款", "Refunded"), "bad", back),
    )
    return Panel(title, columns(title, steps, lines))


def _health() -> Panel:
    found = figures.health()
    title = t("后台任务", "Background work")
    workers = (
        badge(t("队列服务无响应", "Valkey does not answer"), "bad")
        if found.workers is None
        else badge(str(found.workers), "good" if found.workers else "bad")
    )
    rows = (
        (t("工作进程", "Workers"), workers),
        (t("等待派发", "Waiting"), f"{found.waiting:,}"),
        (t("已派发", "Published"), f"{found.published:,}"),
        (t("失败停止", "Dead"), badge(f"{found.dead:,}", "bad" if found.dead else "good")),
        (t("最早等待", "Oldest waiting"), ago(found.oldest) if found.oldest else "—"),
    )
    body = Markup("").join(Markup("<dt>{}</dt><dd>{}</dd>").format(*row) for row in rows)
    return Panel(title, Markup('<dl class="facts">{}</dl>').format(body))
