"""The description: valid OpenAPI 3.1, complete, and what the answers really look like."""

from __future__ import annotations

import json
import re

import pytest

from student_api.openapi import document
from student_api.operations import OPERATIONS
from student_api.problems import STATUS
from tests.student_api.conftest import identified, ordered

METHODS = {"get", "post", "put", "patch", "delete"}
CONTRACT = """
POST /auth/register|POST /auth/login|POST /auth/wechat|POST /auth/refresh|POST /auth/logout|POST /auth/password
GET /me|PATCH /me|DELETE /me|GET /consents|GET /guides/{kind}|GET /batches/{feature_code}
POST /capture-codes/decode|POST /batches/{feature_code}/identify|POST /enrolments
POST /enrolments/{id}/confirm|GET /addresses|POST /addresses|PATCH /addresses/{id}
DELETE /addresses/{id}|POST /orders|GET /orders|GET /orders/{id}|GET /orders/{id}/events
POST /orders/{id}/cancel|POST /orders/{id}/submit|POST /orders/{id}/withdraw
POST /orders/{id}/request-refund|POST /orders/{id}/confirm-receipt|POST /orders/{id}/payments
POST /orders/{id}/photos|GET /orders/{id}/photos/{photo_id}|GET /orders/{id}/photo
POST /orders/{id}/email|GET /layouts|POST /reprints|POST /tickets|GET /tickets
GET /tickets/{id}/messages|POST /tickets/{id}/messages
"""
# What the contract does not name and clients may use all the same.
BESIDES = (
    "GET /addresses/{id}|GET /files/{token}|POST /me/identity|POST /me/wechat|GET /me/consents|"
    "POST /me/consents|GET /enrolments|GET /enrolments/{id}|POST /enrolments/{id}/corrections|"
    "POST /batches/{feature_code}/contest|GET /enrolment-requests|POST /orders/{id}/uploads|"
    "GET /uploads/{id}|PATCH /uploads/{id}|DELETE /uploads/{id}|POST /uploads/{id}/complete"
)


@pytest.fixture
def spec(app, api):
    answer = api.get("/openapi.json")
    assert answer.content_type == "application/json"
    return answer.get_json()


def test_every_call_of_the_contract_is_described(spec):
    described = {
        f"{method.upper()} {path.removeprefix('/api/v1')}"
        for path, item in spec["paths"].items()
        for method in item
    }
    wanted = set(CONTRACT.replace("\n", "|").split("|")) - {""}
    assert wanted <= described
    assert described - wanted - {"POST /ocr/id-card"} == set(BESIDES.split("|"))


def test_the_structure_is_openapi_3_1(spec):
    assert spec["openapi"] == "3.1.0"
    assert {"openapi", "info", "servers", "tags", "paths", "components"} == set(spec)
    names, tags = [], {tag["name"] for tag in spec["tags"]}
    for path, item in spec["paths"].items():
        assert path.startswith("/api/v1/")
        assert set(item) <= METHODS
        for operation in item.values():
            names.append(operation["operationId"])
            assert set(operation["tags"]) <= tags
            assert operation["summary"]
            assert operation["description"]
            given = {p["name"] for p in operation["parameters"] if p.get("in") == "path"}
            assert given == set(re.findall(r"\{(\w+)\}", path))
            assert any(code.startswith("2") for code in operation["responses"])
            for status, answer in operation["responses"].items():
                assert re.fullmatch("[1-5][0-9][0-9]", status)
                assert answer["description"]
                if not status.startswith("2"):
                    assert list(answer["content"]) == ["application/problem+json"]
    assert len(names) == len(set(names))


def test_every_reference_leads_somewhere(spec):
    for reference in re.findall(r'"\$ref": "([^"]+)"', json.dumps(spec)):
        node = spec
        for part in reference.removeprefix("#/").split("/"):
            node = node[part]


def test_every_call_with_a_sign_in_says_so_and_can_answer_401(app, spec):
    for declared in OPERATIONS:
        described = spec["paths"][f"/api/v1{declared.path}"][declared.method.lower()]
        assert described["security"] == ([{"bearer": []}] if declared.auth else [])
        assert (not declared.auth) or "401" in described["responses"]


def test_error_codes_are_unique_to_their_meaning(app):
    """One code, one status: clients branch on it. (A subclass may refine the words.)"""
    from student_api.openapi import error_classes
    from student_api.problems import status_of

    statuses = {}
    for declared in OPERATIONS:
        for kind in error_classes(declared):
            statuses.setdefault(kind.code, set()).add(status_of(kind))
    assert {code: found for code, found in statuses.items() if len(found) > 1} == {}
    assert len(STATUS) > 30


def matches(schema, value, definitions):
    """A small JSON Schema check: types, required, no unknown fields, references, enums."""
    if "$ref" in schema:
        return matches(definitions[schema["$ref"].rsplit("/", 1)[1]], value, definitions)
    if "anyOf" in schema:
        return any(matches(option, value, definitions) for option in schema["anyOf"])
    if "enum" in schema and value not in schema["enum"]:
        return False
    if "const" in schema and value != schema["const"]:
        return False
    kind = schema.get("type")
    if kind == "object" and "properties" in schema:
        known = schema["properties"]
        return (
            isinstance(value, dict)
            and set(schema.get("required", [])) <= set(value) <= set(known)
            and all(matches(known[k], v, definitions) for k, v in value.items())
        )
    if kind == "array":
        return isinstance(value, list) and all(
            matches(schema["items"], item, definitions) for item in value
        )
    types = {"string": str, "integer": int, "boolean": bool, "null": type(None), "object": dict}
    return kind not in types or isinstance(value, types[kind])


def test_answers_are_as_described(api, spec, student, settings, committed, batch, person):
    order = ordered(student, identified(student, settings, committed, batch, person))
    definitions = spec["components"]["schemas"]
    for template, path in [
        ("/orders/{id}", f"/orders/{order['id']}"),
        ("/orders", "/orders"),
        ("/orders/{id}/events", f"/orders/{order['id']}/events"),
        ("/batches/{feature_code}", f"/batches/{batch.feature_code}"),
        ("/me", "/me"),
        ("/consents", "/consents"),
        ("/layouts", "/layouts"),
        ("/addresses", "/addresses"),
    ]:
        described = spec["paths"][f"/api/v1{template}"]["get"]["responses"]["200"]
        schema = described["content"]["application/json"]["schema"]
        assert matches(schema, student.get(path).get_json(), definitions), path
    problem = student.get("/orders/x").get_json()
    assert matches(definitions["Problem"], problem, definitions)


def test_the_document_is_the_same_twice(app):
    document.cache_clear()
    first = json.dumps(document())
    document.cache_clear()
    assert json.dumps(document()) == first


def test_the_docs_page_needs_nothing_from_outside(api):
    for language, word in (("zh-CN", "错误码"), ("en", "Error codes")):
        page = api.get("/docs", headers={"Accept-Language": language})
        text = page.get_data(as_text=True)
        assert page.status_code == 200
        assert word in text
        assert "script-src" not in page.headers["Content-Security-Policy"]
        assert re.findall(r'(?:src|href)="(?:https?:)?//', text) == []
        for declared in OPERATIONS:
            assert f'id="{declared.name}"' in text
        assert 'id="batch_not_found"' in text
    style = api.get("/static/docs.css")
    assert style.mimetype == "text/css"
