"""Batches as students see them, and the layouts of prints."""

from __future__ import annotations

from typing import Literal

from backoffice.batches.operations import BatchNotFound, find_batch
from backoffice.enrolments.windows import batch_phase
from backoffice.models import Batch
from backoffice.photos.layouts import LAYOUTS
from student_api.operations import Call, operation
from student_api.schemas import Answer, Fen, Time


class SchoolAnswer(Answer):
    """The school of a batch."""

    code: str
    name: str


class ServiceAnswer(Answer):
    """Something that can be ordered. `required` ones are part of every order."""

    code: str
    name: str
    price_fen: Fen
    required: bool


class BatchAnswer(Answer):
    """One collection round."""

    feature_code: str
    name: str
    school: SchoolAnswer
    kind: Literal["graduate", "freshman"]
    mode: Literal["pay_first", "photo_first"]
    roster_mode: Literal["full", "minimal", "none"]
    standard: str
    standard_version: int
    standard_title: str
    reject_policy: Literal["resubmit", "refund"]
    opens_at: Time
    closes_at: Time
    state: Literal["upcoming", "open", "closed"]
    services: list[ServiceAnswer]
    layouts: list[str]
    delivery_methods: list[Literal["digital", "school", "courier"]]
    requires_capture_code: bool
    allow_album: bool
    allow_unlisted: bool
    unpaid_minutes: int
    max_attempts: int


class LayoutAnswer(Answer):
    """One way to arrange prints on a sheet."""

    code: str
    title: str


class LayoutsAnswer(Answer):
    """All layouts."""

    items: list[LayoutAnswer]


def visible_batch(call: Call) -> Batch:
    """Return the batch of the path's feature code; drafts are not shown. Raises BatchNotFound."""
    return known_batch(call, call.args["feature_code"])


def known_batch(call: Call, feature_code: str) -> Batch:
    """Return the batch of a feature code; drafts are not shown. Raises BatchNotFound."""
    batch = find_batch(call.session, feature_code)
    if batch_phase(batch) == "draft":
        raise BatchNotFound()
    return batch


@operation(
    "GET",
    "/batches/{feature_code}",
    tag="batches",
    summary="A batch",
    answer=BatchAnswer,
    auth=False,
    public=True,
    polled=True,
    errors=(BatchNotFound,),
)
def get_batch(call: Call) -> BatchAnswer:
    """Return a batch by its feature code, upper or lower case."""
    batch = visible_batch(call)
    english = call.locale == "en"
    return BatchAnswer.model_validate(
        {
            "feature_code": batch.feature_code,
            "name": batch.name,
            "school": {"code": batch.school.code, "name": batch.school.name},
            "kind": batch.kind,
            "mode": batch.mode,
            "roster_mode": batch.roster_mode,
            "standard": batch.standard.name,
            "standard_version": batch.standard.version,
            "standard_title": batch.standard.title_en if english else batch.standard.title_zh,
            "reject_policy": batch.reject_policy,
            "opens_at": batch.opens_at,
            "closes_at": batch.closes_at,
            "state": batch_phase(batch),
            "services": [
                {
                    "code": service.code,
                    "name": service.name_en if english else service.name_zh,
                    "price_fen": service.price_fen,
                    "required": service.required,
                }
                for service in batch.services
            ],
            "layouts": batch.layouts,
            "delivery_methods": batch.delivery_methods,
            "requires_capture_code": batch.requires_capture_code,
            "allow_album": batch.allow_album and batch.standard.allows_album,
            "allow_unlisted": batch.allow_unlisted,
            "unpaid_minutes": batch.unpaid_minutes,
            "max_attempts": batch.standard.attempts_within(batch.max_attempts),
        }
    )


@operation(
    "GET",
    "/layouts",
    tag="batches",
    summary="Layouts of prints",
    answer=LayoutsAnswer,
    auth=False,
    public=True,
    polled=True,
)
def get_layouts(call: Call) -> LayoutsAnswer:
    """Return every layout; a batch names those it offers."""
    return LayoutsAnswer(
        items=[
            LayoutAnswer(code=code, title=layout.title.get(call.locale))
            for code, layout in LAYOUTS.items()
        ]
    )
