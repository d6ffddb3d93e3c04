"""The errors the domain raises: a stable code and a text in both languages; no HTTP here.

A package defines its own subclasses beside the code that raises them. The edges (API, admin,
commands) turn them into their own shape: see `student_api/problems.py`.
"""

from __future__ import annotations

from typing import Any, ClassVar

from backoffice.i18n import Text


class BackofficeError(Exception):
    """Base of everything a user may be told. `params` fill the fields of `title` and `detail`.

    Never put personal data into `params`: they end up in logs and answers.
    """

    code: ClassVar[str] = "error"
    title: ClassVar[Text] = Text("操作未完成", "The operation could not be completed")
    detail: ClassVar[Text] = Text("请稍后重试。", "Please try again later.")

    def __init__(self, **params: Any) -> None:
        self.params = params
        super().__init__(f"{self.code}: {self.text('en')}")

    def text(self, locale: str = "zh") -> str:
        """Return the detail, filled in, in `locale`: what went wrong and what to do."""
        return self.detail.get(locale, **self.params)


class NotFound(BackofficeError):
    """The thing does not exist, or not for this person: both answer the same."""

    code = "not_found"
    title = Text("没有找到", "Not found")
    detail = Text(
        "没有找到您要的内容，请核对后重试。", "Nothing was found here; please check and retry."
    )


class InvalidInput(BackofficeError):
    """A value breaks a rule. `field` names it; `reason` (a Text) says what to do."""

    code = "invalid_input"
    title = Text("填写有误", "Invalid input")
    detail = Text("请检查填写的内容。", "Please check what you entered.")

    def __init__(self, field: str, reason: Text, **params: Any) -> None:
        self.field = field
        self.reason = reason
        super().__init__(**params)

    def text(self, locale: str = "zh") -> str:
        """Return the reason in `locale`."""
        return self.reason.get(locale, **self.params)
