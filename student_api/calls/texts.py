"""Texts to read before anything else: what to agree to, and how it is done."""

from __future__ import annotations

from typing import Literal

from backoffice.accounts.consents import consents_in_force
from backoffice.errors import NotFound
from backoffice.i18n import Text
from student_api.guides import GUIDES, guide
from student_api.operations import Call, operation
from student_api.schemas import Answer


class GuideNotFound(NotFound):
    """No guide of this kind."""

    code = "guide_not_found"
    title = Text("没有该说明", "No such guide")
    detail = Text("没有该说明，可选：{known}。", "No such guide; there are: {known}.")


class ConsentAnswer(Answer):
    """One text; `body` is Markdown."""

    kind: Literal["terms", "privacy", "portrait"]
    version: str
    title: str
    body: str


class ConsentsAnswer(Answer):
    """All texts in force."""

    items: list[ConsentAnswer]


class GuideAnswer(Answer):
    """One guide; `body` is Markdown."""

    kind: str
    title: str
    body: str


@operation(
    "GET",
    "/consents",
    tag="texts",
    summary="Texts to agree to",
    answer=ConsentsAnswer,
    auth=False,
    public=True,
    polled=True,
)
def get_consents(call: Call) -> ConsentsAnswer:
    """Return terms, privacy policy and portrait consent in the versions in force."""
    return ConsentsAnswer.model_validate(
        {"items": [vars(text) for text in consents_in_force(call.locale)]}
    )


@operation(
    "GET",
    "/guides/{kind}",
    tag="texts",
    summary="A guide",
    answer=GuideAnswer,
    auth=False,
    public=True,
    polled=True,
    errors=(GuideNotFound,),
)
def get_guide(call: Call) -> GuideAnswer:
    """Return a guide: `shooting`, `standard` or `capture-code`."""
    kind = call.args["kind"]
    if kind not in GUIDES:
        raise GuideNotFound(known=", ".join(GUIDES))
    title, body = guide(kind, call.locale)
    return GuideAnswer(kind=kind, title=title, body=body)
