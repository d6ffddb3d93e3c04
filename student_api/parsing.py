"""Requests into models: JSON, multipart with one picture, query strings; each strictly."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

from flask import request
from pydantic import BaseModel, ValidationError

from backoffice.settings import Settings
from student_api.errors import MalformedBody, RequestTooLarge, UnsupportedMediaType
from student_api.field_messages import one_field, request_invalid

JSON_MAX_BYTES = 64 * 1024
PART_TYPE = "application/offset+octet-stream"  # of tus, whose protocol ours is a small relative of
PART_MAX_BYTES = 4 * 1024 * 1024
FORM_SLACK_BYTES = 256 * 1024  # boundaries, headers and fields around the picture


@dataclass(frozen=True, repr=False)
class Parsed:
    """What a request said. `file` is the uploaded picture, empty where there is none."""

    body: Any = None
    query: Any = None
    file: bytes = b""


class Shape(Protocol):
    """What a declared call takes; `operations.Operation` is one."""

    @property
    def request(self) -> type[BaseModel] | None:
        """Model of the body."""
        ...

    @property
    def query(self) -> type[BaseModel] | None:
        """Model of the query string."""
        ...

    @property
    def upload(self) -> str | None:
        """Name of the form's file."""
        ...

    @property
    def part(self) -> bool:
        """Whether the body is a piece of a file."""
        ...


def parse(shape: Shape, settings: Settings) -> Parsed:
    """Return the parsed request. Raises RequestInvalid, MalformedBody, UnsupportedMediaType.

    werkzeug raises RequestEntityTooLarge for bodies over the call's limit.
    """
    asked = _model(shape.query, request.args.to_dict()) if shape.query else None
    if shape.part:
        return Parsed(None, asked, _part())
    if shape.upload is not None:
        request.max_content_length = settings.upload_max_bytes + FORM_SLACK_BYTES
        return Parsed(*_form(shape.request, shape.upload, asked))
    request.max_content_length = JSON_MAX_BYTES
    return Parsed(_json(shape.request) if shape.request else None, asked)


def _part() -> bytes:
    if request.mimetype != PART_TYPE:
        raise UnsupportedMediaType(wanted=PART_TYPE)
    request.max_content_length = PART_MAX_BYTES
    if (request.content_length or 0) > PART_MAX_BYTES:
        raise RequestTooLarge()
    return request.get_data(cache=False)


def _json(model: type[BaseModel]) -> BaseModel:
    # said again in our own words: another door's hook may have opened the stream with its limit
    if (request.content_length or 0) > JSON_MAX_BYTES:
        raise RequestTooLarge()
    data = request.get_data(cache=False)
    if len(data) > JSON_MAX_BYTES:
        raise RequestTooLarge()
    if not data.strip():
        data = b"{}"
    elif request.mimetype != "application/json":
        raise UnsupportedMediaType(wanted="application/json")
    try:
        return model.model_validate_json(data)
    except ValidationError as error:
        if any(item["type"] == "json_invalid" for item in error.errors(include_url=False)):
            raise MalformedBody() from None
        raise request_invalid(error) from None


def _form(
    model: type[BaseModel] | None, upload: str, asked: BaseModel | None
) -> tuple[BaseModel | None, BaseModel | None, bytes]:
    if request.mimetype != "multipart/form-data":
        raise UnsupportedMediaType(wanted="multipart/form-data")
    files = request.files.to_dict(flat=False)
    for name in files:
        if name != upload:
            raise one_field(name[:60], "extra_forbidden")
    sent = files.get(upload, [])
    if len(sent) != 1:
        raise one_field(upload, "file_missing")
    body = _model(model, request.form.to_dict()) if model else None
    return body, asked, sent[0].stream.read()


def _model(model: type[BaseModel], values: dict[str, str]) -> BaseModel:
    try:
        return model.model_validate_strings(values, strict=False)
    except ValidationError as error:
        raise request_invalid(error) from None
