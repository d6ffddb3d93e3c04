"""The description of the API for programs (openapi.json) and for people (docs)."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any

from flask import Blueprint, Response, make_response, render_template, request
from markdown_it import MarkdownIt

from backoffice.i18n import pick_locale
from student_api import chinese
from student_api.error_codes import all_codes
from student_api.examples import A_TOKEN, AN_ID, ANOTHER_ID, example_for, sample_of
from student_api.openapi import ABOUT, TAGS, document, error_classes
from student_api.operations import OPERATIONS, PREFIX, Operation
from student_api.parsing import PART_TYPE
from student_api.problems import status_of

PAGE_POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self' data:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
BASE = "https://photos.example.edu.cn"
PATH_EXAMPLES = {
    "id": AN_ID,
    "photo_id": ANOTHER_ID,
    "feature_code": "Z3K8F7",
    "kind": "shooting",
    "token": "cGhvdG9z.1795250000.0f3c",
}


@dataclass(frozen=True)
class Section:
    """The calls of one tag."""

    tag: str
    title: str
    operations: list[Operation]


def add_to(blueprint: Blueprint) -> None:
    """Add both descriptions to the API."""
    blueprint.add_url_rule("/openapi.json", view_func=openapi_json)
    blueprint.add_url_rule("/docs", view_func=docs)


def openapi_json() -> Response:
    """Return the OpenAPI 3.1 document."""
    response = Response(json.dumps(document(), ensure_ascii=False), content_type="application/json")
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Cache-Control"] = "no-cache"
    return response


def docs() -> Response:
    """Return the documentation as a page: nothing from outside, no script."""
    locale = pick_locale(request.headers.get("Accept-Language"))
    zh = locale == "zh"
    tags = chinese.TAGS if zh else TAGS
    sections = [Section(tag, tags[tag], [o for o in OPERATIONS if o.tag == tag]) for tag in TAGS]
    page = render_template(
        "docs.html",
        prefix=PREFIX,
        about=MarkdownIt("js-default").render(chinese.ABOUT if zh else ABOUT),
        sections=sections,
        fields=lambda o, which: [(*row, _note(note, zh)) for *row, note in fields_of(o, which)],
        answer_name=_answer_name,
        summary=lambda o: chinese.CALLS[o.name][0] if zh else o.summary,
        text=lambda o: MarkdownIt("js-default").renderInline(
            chinese.CALLS[o.name][1] if zh else english_text(o)
        ),
        errors=lambda o: sorted(error_classes(o), key=lambda e: (status_of(e), e.code)),
        codes=all_codes(),
        sample=sample_of,
        request_example=_request_example,
        answer_example=_answer_example,
        curl=_curl,
        status_of=status_of,
        locale=locale,
    )
    response = make_response(page)
    response.headers["Content-Security-Policy"] = PAGE_POLICY
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Cache-Control"] = "no-cache"
    return response


def english_text(declared: Operation) -> str:
    """Return what the call's docstring says, in one line."""
    return " ".join((declared.handler.__doc__ or "").split())


def _request_example(declared: Operation) -> str | None:
    """Return the call as one would type it, with its body."""
    if declared.upload or declared.part or declared.request is None:
        return None
    return _pretty(example_for(declared.request, "validation"))


def _answer_example(declared: Operation) -> str | None:
    if isinstance(declared.answer, str):
        return None
    return _pretty(example_for(declared.answer, "serialization"))


def _curl(declared: Operation) -> str:
    """Return the call as a command line; the ids are examples."""
    path = re.sub(r"\{(\w+)\}", lambda m: PATH_EXAMPLES[m[1]], declared.path)
    words = [f"curl -X {declared.method} {BASE}{PREFIX}{path}"]
    if declared.auth:
        words.append(f"-H 'Authorization: Bearer {A_TOKEN}'")
    if declared.idempotent:
        words.append(f"-H 'Idempotency-Key: {ANOTHER_ID}'")
    words += _curl_body(declared)
    return " \\\n  ".join(words)


def _curl_body(declared: Operation) -> list[str]:
    if declared.part:
        return [f"-H 'Content-Type: {PART_TYPE}'", "-H 'Upload-Offset: 1048576'",
                "--data-binary @part"]  # fmt: skip
    if declared.upload:
        fields = example_for(declared.request, "validation") if declared.request else {}
        return [f"-F {declared.upload}=@photo.jpg", *(f"-F {k}={v}" for k, v in fields.items())]
    return ["-H 'Content-Type: application/json'", "-d @body.json"] if declared.request else []


def _pretty(value: dict[str, Any]) -> str:
    return json.dumps(value, ensure_ascii=False, indent=2)


def _answer_name(declared: Operation) -> str:
    return declared.answer if isinstance(declared.answer, str) else declared.answer.__name__


def _note(note: str, zh: bool) -> str:
    return str(MarkdownIt("js-default").renderInline(chinese.NOTES[note] if zh and note else note))


def fields_of(declared: Operation, which: str) -> list[tuple[str, str, bool, str]]:
    """Return (name, type, required, note in English) of a call's request, query or answer."""
    model = getattr(declared, which)
    if model is None or isinstance(model, str):
        return []
    mode = "serialization" if which == "answer" else "validation"
    schema = model.model_json_schema(mode=mode)
    rows = _rows(schema, schema.get("$defs", {}), "", 0)
    if which == "request" and declared.upload:
        rows.insert(0, (declared.upload, "file", True, ""))
    return rows


def _rows(
    schema: dict[str, Any], definitions: dict[str, Any], prefix: str, depth: int
) -> list[tuple[str, str, bool, str]]:
    rows = []
    for name, value in schema.get("properties", {}).items():
        required = name in schema.get("required", [])
        rows.append((f"{prefix}{name}", _kind(value), required, value.get("description", "")))
        inner, mark = _inner(value, definitions)
        if inner is not None and depth < 3:
            rows += _rows(inner, definitions, f"{prefix}{name}{mark}.", depth + 1)
    return rows


def _inner(value: dict[str, Any], definitions: dict[str, Any]) -> tuple[dict[str, Any] | None, str]:
    for option in value.get("anyOf", [value]):
        if "$ref" in option:
            return definitions.get(option["$ref"].rsplit("/", 1)[1]), ""
        reference = option.get("items", {}).get("$ref")
        if reference:
            return definitions.get(reference.rsplit("/", 1)[1]), "[]"
    return None, ""


def _kind(value: dict[str, Any]) -> str:
    if "enum" in value:
        return " / ".join(str(word) for word in value["enum"])
    if "const" in value:
        return str(value["const"])
    if "anyOf" in value:
        return " | ".join(_kind(option) for option in value["anyOf"])
    if "$ref" in value:
        return "object"
    kind = str(value.get("type", "any"))
    if kind == "array":
        return f"list of {_kind(value.get('items', {}))}"
    limit = value.get("maxLength")
    form = value.get("format")
    return re.sub(
        r"\s+", " ", f"{kind}{f' ≤{limit}' if limit else ''}{f' ({form})' if form else ''}"
    )
