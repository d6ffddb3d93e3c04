"""The language and the clock of the pages: `t(zh, en)`, local times, money."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from flask import Flask, has_request_context, session
from flask_babel import Babel, LazyString
from flask_security import current_user

from backoffice.i18n import DEFAULT_LOCALE, LOCALES, Text
from backoffice.services import services

# The names under which Flask-Admin, Flask-Security and WTForms carry their own texts.
BABEL_LOCALES = {"zh": "zh_Hans_CN", "en": "en"}


def locale() -> str:
    """Return "zh" or "en": the choice made in this session, else the account's, else Chinese."""
    if not has_request_context():
        return DEFAULT_LOCALE
    chosen = session.get("locale")
    if chosen in LOCALES:
        return str(chosen)
    own = getattr(current_user, "locale", None)
    return own if own in LOCALES else DEFAULT_LOCALE


def t(zh: str, en: str) -> str:
    """Return the text in the reader's language."""
    return en if locale() == "en" else zh


def say(text: Text) -> str:
    """Return a two-language text in the reader's language."""
    return t(text.zh, text.en)


def lazy(zh: str, en: str) -> LazyString:
    """Return a text that is chosen when it is shown (menus, form labels)."""
    return LazyString(t, zh, en)


def local_time(moment: datetime | None, form: str = "%Y-%m-%d %H:%M") -> str:
    """Return a UTC moment in the pages' time zone; a dash for None."""
    if moment is None:
        return "—"
    return moment.astimezone(zone()).strftime(form)


def zone() -> ZoneInfo:
    """Return the time zone of the pages (setting TIMEZONE)."""
    return ZoneInfo(services().settings.timezone)


def to_utc(local: datetime) -> datetime:
    """Return the moment a person meant by a clock time without zone."""
    return local.replace(tzinfo=zone()).astimezone(UTC)


def yuan(fen: int | None) -> str:
    """Return an amount of fen as yuan; a dash for None."""
    return "—" if fen is None else f"¥{fen / 100:,.2f}"


def ago(moment: datetime | None) -> str:
    """Return how long ago a moment was, in one unit."""
    if moment is None:
        return "—"
    seconds = max(0, int((datetime.now(UTC) - moment).total_seconds()))
    for size, zh, en in ((86400, "天", "d"), (3600, "小时", "h"), (60, "分钟", "min")):
        if seconds >= size:
            return t(f"{seconds // size} {zh}", f"{seconds // size} {en}")
    return t("刚刚", "just now")


def span(seconds: float | None) -> str:
    """Return a length of time in its two largest units; a dash for None."""
    if seconds is None:
        return "—"
    whole = max(0, round(seconds))
    units = ((86400, "天", "d"), (3600, "小时", "h"), (60, "分", "min"), (1, "秒", "s"))
    for number, (size, zh, en) in enumerate(units):
        if whole >= size or size == 1:
            text = t(f"{whole // size} {zh}", f"{whole // size} {en}")
            if number + 1 < len(units):
                smaller, zh, en = units[number + 1]
                rest = whole % size // smaller
                text += t(f" {rest} {zh}", f" {rest} {en}") if rest else ""
            return text
    raise AssertionError("the smallest unit always fits")


def init_app(app: Flask) -> None:
    """Hook the choice of language into the libraries and the templates."""
    Babel(app, locale_selector=lambda: BABEL_LOCALES[locale()], default_timezone="UTC")
    app.jinja_env.globals.update(
        t=t, say=say, local_time=local_time, yuan=yuan, ago=ago, span=span, locale=locale
    )
