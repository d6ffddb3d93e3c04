"""How the pages answer when something does not go: coded errors in the reader's language."""

from __future__ import annotations

from typing import Any

from flask import Response, flash, make_response, render_template
from werkzeug.exceptions import HTTPException

from backoffice.admin.language import locale, say, t
from backoffice.db import db
from backoffice.errors import BackofficeError, InvalidInput, NotFound
from backoffice.i18n import Text
from backoffice.lists.exporting import ExportForbidden
from backoffice.review.leases import LeaseLost
from backoffice.workflows.bulk import FAILED
from backoffice.workflows.errors import (
    IdempotencyKeyReused,
    OrderBusy,
    TransitionDataMissing,
    TransitionDenied,
    TransitionForbidden,
    TransitionNotAllowed,
    VersionConflict,
)

# The first class that fits decides; anything else is 422: the request was understood, not possible.
STATUS: tuple[tuple[type[BackofficeError], int], ...] = (
    (NotFound, 404),
    (TransitionForbidden, 403),
    (ExportForbidden, 403),
    (VersionConflict, 409),
    (LeaseLost, 409),
    (TransitionNotAllowed, 409),
    (TransitionDenied, 409),
    (OrderBusy, 409),
    (IdempotencyKeyReused, 422),
    (TransitionDataMissing, 422),
    (InvalidInput, 422),
)

PAGES: dict[int, tuple[Text, Text]] = {
    400: (
        Text("请求无法处理", "The request could not be read"),
        Text("请返回上一页，刷新后重试。", "Please go back, reload the page and try again."),
    ),
    403: (
        Text("没有权限", "Not permitted"),
        Text(
            "您的账号不能打开此页面。如需使用，请联系管理员调整角色。",
            "Your account may not open this page. Ask an administrator if you need it.",
        ),
    ),
    404: (
        Text("没有找到", "Not found"),
        Text(
            "这里没有您要的内容，或者它不属于您的学校。",
            "There is nothing here, or it does not belong to your school.",
        ),
    ),
    413: (
        Text("文件过大", "The file is too large"),
        Text("请上传更小的文件。", "Please upload a smaller file."),
    ),
    429: (
        Text("尝试次数过多", "Too many attempts"),
        Text("请稍后再试。", "Please try again later."),
    ),
}


def status_of(error: BackofficeError) -> int:
    """Return the HTTP status of a coded error."""
    return next((status for kind, status in STATUS if isinstance(error, kind)), 422)


def flash_error(error: BackofficeError) -> None:
    """Keep the error's text for the next page, in the reader's language."""
    flash(f"{say(error.title)}: {error.text(locale())}", "error")


def reason_of(code: str) -> str:
    """Return what the error with this code says, in the reader's language.

    For errors that were written down (a bulk run's results): a detail that needs values which are
    gone gives way to the title.
    """
    if code == FAILED:
        return t("系统故障，请联系管理员", "A fault on our side; please tell an administrator")
    kinds: list[type[BackofficeError]] = [BackofficeError]
    while kinds:
        kind = kinds.pop()
        if kind.code == code:
            return say(kind.title if "{" in kind.detail.zh else kind.detail)
        kinds += kind.__subclasses__()
    return code


def error_page(status: int, title: str, detail: str, code: str = "") -> Response:
    """Return a page of its own for an error."""
    html = render_template("backoffice/error.html", title=title, detail=detail, code=code)
    return make_response(html, status)


def coded_error(error: BackofficeError) -> Response:
    """Answer an error that no view has handled; nothing of the request is kept."""
    db.session.rollback()
    return error_page(status_of(error), say(error.title), error.text(locale()), error.code)


def http_error(error: HTTPException) -> Any:
    """Answer an HTTP error with a page of ours; redirects pass."""
    status = error.code or 500
    if status < 400 or error.response is not None:
        return error
    title, detail = PAGES.get(status, PAGES[400])
    return error_page(status, say(title), say(detail))


def refused() -> Response:
    """Answer somebody who is signed in but may not be here."""
    title, detail = PAGES[403]
    return error_page(403, say(title), say(detail), "forbidden")


def csrf_refused(error: HTTPException) -> Response:
    """Answer a form that does not carry this session's token."""
    title = Text("页面已过期", "The page has expired")
    detail = Text(
        "为了安全，本次操作没有执行。请返回上一页刷新后重新提交。",
        "For your safety nothing was done. Please go back, reload the page and submit again.",
    )
    return error_page(400, say(title), say(detail), "csrf_failed")
