"""OpenAPI 3.1 out of the registry: the models that validate are the models that are described."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from backoffice.accounts.errors import PasswordChangeRequired, TokenExpired, TokenInvalid
from backoffice.errors import BackofficeError
from student_api import errors
from student_api.examples import example_for, sample_of
from student_api.links import LINKS, links_of
from student_api.operations import OPERATIONS, PREFIX, Operation
from student_api.parsing import PART_MAX_BYTES, PART_TYPE
from student_api.problems import MEDIA_TYPE, Problem, problem_of, status_of

REF = "#/components/schemas/{model}"
TAGS = {
    "auth": "Registering, signing in, tokens",
    "me": "The student's own data",
    "texts": "Texts to agree to, guides",
    "batches": "Batches and layouts",
    "enrolments": "Capture codes and identification",
    "addresses": "Address book",
    "orders": "Orders and their moves",
    "payments": "Paying",
    "photos": "Pictures",
    "reprints": "Extra prints",
    "tickets": "Online customer service",
}
ABOUT = """Student API of the graduate photo back office.

JSON in snake_case, UTF-8. Times are RFC 3339 UTC, money is whole fen (CNY). Every error is
`application/problem+json` (RFC 9457) with a stable `code`; texts follow `Accept-Language` (zh-CN
by default, en). Somebody else's id is 404.

**Repeating.** Every POST that makes or moves something honours `Idempotency-Key`: the same key and
body give the same answer for two days, another body is refused. Moves of an order take the
`version` the client has seen.

**Waiting.** What clients poll has an `ETag`; with `If-None-Match` nothing new is 304. An order's
events (`after`, `wait`) and a photo (`wait`) can be waited for up to 20 seconds; a busy server
answers at once, so pause a second before asking again.

**Limits.** Counted per account, address and school; over them 429 with `Retry-After` (seconds).

**Uploads.** A picture goes up whole (POST photos), or in parts: begin (POST uploads), PATCH the
parts in order with `Upload-Offset`, complete. After a dropped connection GET the upload and go on
at its `offset`; parts and `complete` may be sent again.

**Accounts.** Tokens are opaque; a refresh token works once, and a second use ends the sign-in. A
first password (the end of the ID number) must be changed within a day, else every call but a few
is 403 `password_change_required`. WeChat opens accounts without an ID document."""


@lru_cache(maxsize=1)
def document() -> dict[str, Any]:
    """Return the whole description. Every call must be declared before the first use."""
    names, schemas = _schemas()
    paths: dict[str, dict[str, Any]] = {}
    for declared in OPERATIONS:
        path = paths.setdefault(f"{PREFIX}{declared.path}", {})
        path[declared.method.lower()] = _operation(declared, names)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "学历图像采集 学生接口 / Student API",
            "version": "1",
            "description": ABOUT,
        },
        "servers": [{"url": "/"}],
        "tags": [{"name": name, "description": text} for name, text in TAGS.items()],
        "paths": paths,
        "components": {
            "schemas": schemas,
            "securitySchemes": {"bearer": {"type": "http", "scheme": "bearer"}},
            "parameters": _COMMON_PARAMETERS,
            "examples": _problem_examples(),
        },
    }


def error_classes(declared: Operation) -> list[type[BackofficeError]]:
    """Return every error a call can answer, the common ones included."""
    found: list[type[BackofficeError]] = list(declared.errors)
    if declared.auth:
        found += [TokenInvalid, TokenExpired, errors.TooManyRequests]
        if not declared.first_password:
            found.append(PasswordChangeRequired)
    if declared.request or declared.query or declared.upload or declared.part:
        found.append(errors.RequestInvalid)
    if declared.request is not None or declared.upload or declared.part:
        found += [errors.UnsupportedMediaType, errors.MalformedBody, errors.RequestTooLarge]
    if declared.idempotent:
        found += [
            errors.IdempotencyKeyInvalid,
            _reused(),
            errors.RequestInProgress,
        ]
    found += [errors.ServiceUnavailable, errors.InternalError]
    return list(dict.fromkeys(found))


def example_problem(kind: type[BackofficeError]) -> dict[str, Any]:
    """Return what the documentation shows for an error code, in English."""
    return problem_of(sample_of(kind), "en").model_dump()


def _reused() -> type[BackofficeError]:
    from backoffice.workflows.errors import IdempotencyKeyReused

    return IdempotencyKeyReused


_COMMON_PARAMETERS: dict[str, Any] = {
    "Language": {
        "name": "Accept-Language",
        "in": "header",
        "description": "`zh-CN` (default) or `en`",
        "schema": {"type": "string"},
    },
    "IdempotencyKey": {
        "name": "Idempotency-Key",
        "in": "header",
        "description": "1 to 128 visible ASCII characters, best a UUID; new for every new act",
        "schema": {"type": "string", "pattern": "^[!-~]{1,128}$"},
    },
}

_COMMON_PARAMETERS |= {
    "IfNoneMatch": {
        "name": "If-None-Match",
        "in": "header",
        "description": "the ETag of an earlier answer; 304 when nothing is new",
        "schema": {"type": "string"},
    },
    "UploadOffset": {
        "name": "Upload-Offset",
        "in": "header",
        "required": True,
        "description": "where in the file the part begins, in bytes",
        "schema": {"type": "integer", "minimum": 0, "maximum": 9_999_999_999},
    },
}
_PART = {
    "type": "string",
    "contentMediaType": "application/octet-stream",
    "maxLength": PART_MAX_BYTES,
}

Names = dict[tuple[Any, str], str]


def _schemas() -> tuple[Names, dict[str, Any]]:
    wanted: list[tuple[type[BaseModel], Any]] = [(Problem, "serialization")]
    for declared in OPERATIONS:
        if isinstance(declared.answer, type):
            wanted.append((declared.answer, "serialization"))
        if declared.request is not None:
            wanted.append((declared.request, "validation"))
    unique = list(dict.fromkeys(wanted))
    refs, definitions = models_json_schema(unique, ref_template=REF, by_alias=True)
    names: Names = {
        (model, mode): str(schema["$ref"]).rsplit("/", 1)[1]
        for (model, mode), schema in refs.items()
    }
    return names, definitions.get("$defs", {})


def _operation(declared: Operation, names: Names) -> dict[str, Any]:
    described: dict[str, Any] = {
        "operationId": declared.name,
        "tags": [declared.tag],
        "summary": declared.summary,
        "description": _whole_docstring(declared),
        "parameters": _parameters(declared),
        "responses": _responses(declared, names),
        "security": [{"bearer": []}] if declared.auth else [],
    }
    body = _body(declared, names)
    if body:
        described["requestBody"] = body
    return described


def _problem_examples() -> dict[str, Any]:
    kinds = {kind.code: kind for declared in OPERATIONS for kind in error_classes(declared)}
    return {code: {"value": example_problem(kinds[code])} for code in sorted(kinds)}


def _whole_docstring(declared: Operation) -> str:
    return " ".join((declared.handler.__doc__ or "").split())


def _parameters(declared: Operation) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
        for name in re.findall(r"\{(\w+)\}", declared.path)
    ]
    if declared.query is not None:
        schema = declared.query.model_json_schema()
        found += [
            {"name": name, "in": "query", "required": False, "schema": value}
            for name, value in schema["properties"].items()
        ]
    found.append({"$ref": "#/components/parameters/Language"})
    if declared.idempotent:
        found.append({"$ref": "#/components/parameters/IdempotencyKey"})
    if declared.polled:
        found.append({"$ref": "#/components/parameters/IfNoneMatch"})
    if declared.part:
        found.append({"$ref": "#/components/parameters/UploadOffset"})
    return found


def _body(declared: Operation, names: Names) -> dict[str, Any] | None:
    if declared.part:
        return {"required": True, "content": {PART_TYPE: {"schema": _PART}}}
    if declared.upload is not None:
        return {"required": True, "content": {"multipart/form-data": {"schema": _form(declared)}}}
    if declared.request is None:
        return None
    name = names[(declared.request, "validation")]
    return {
        "required": any(f.is_required() for f in declared.request.model_fields.values()),
        "content": {
            "application/json": {
                "schema": {"$ref": REF.format(model=name)},
                "example": example_for(declared.request, "validation"),
            }
        },
    }


def _form(declared: Operation) -> dict[str, Any]:
    schema: dict[str, Any] = {"type": "object", "properties": {}, "required": []}
    if declared.request is not None:
        schema = declared.request.model_json_schema(ref_template=REF)
    upload = declared.upload or "image"
    schema["properties"][upload] = {
        "type": "string",
        "contentMediaType": "application/octet-stream",
        "description": "the picture file",
    }
    schema["required"] = [upload, *schema.get("required", [])]
    return schema


def _responses(declared: Operation, names: Names) -> dict[str, Any]:
    if isinstance(declared.answer, str):
        content: dict[str, Any] = {declared.answer: {}}
    else:
        name = names[(declared.answer, "serialization")]
        content = {
            "application/json": {
                "schema": {"$ref": REF.format(model=name)},
                "example": example_for(declared.answer, "serialization"),
            }
        }
    responses: dict[str, Any] = {
        str(declared.status): {"description": "Success", "content": content}
    }
    if declared.name in LINKS:
        responses[str(declared.status)]["links"] = links_of(declared.name)
    if declared.polled:
        responses[str(declared.status)]["headers"] = {"ETag": {"schema": {"type": "string"}}}
        responses["304"] = {"description": "Nothing new since the ETag of If-None-Match"}
    by_status: dict[int, list[type[BackofficeError]]] = {}
    for kind in error_classes(declared):
        by_status.setdefault(status_of(kind), []).append(kind)
    for status, kinds in sorted(by_status.items()):
        responses[str(status)] = _problem(kinds, names, retry=status in (429, 503))
    return responses


def _problem(kinds: list[type[BackofficeError]], names: Names, *, retry: bool) -> dict[str, Any]:
    name = names[(Problem, "serialization")]
    answer: dict[str, Any] = {
        "description": ", ".join(f"`{kind.code}`" for kind in kinds),
        "content": {
            MEDIA_TYPE: {
                "schema": {"$ref": REF.format(model=name)},
                "examples": {
                    kind.code: {"$ref": f"#/components/examples/{kind.code}"} for kind in kinds
                },
            }
        },
    }
    if retry:
        answer["headers"] = {
            "Retry-After": {"description": "seconds", "schema": {"type": "integer"}}
        }
    return answer
