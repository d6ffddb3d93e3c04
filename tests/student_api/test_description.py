"""The description: valid OpenAPI 3.1, complete, and what the answers really look like."""

from __future__ import annotations

import json
import re

import pytest

from backoffice.identity.errors import InvalidIdNumber
from backoffice.photos.errors import PhotoRefused
from backoffice.settings import ROOT
from student_api import chinese
from student_api.description import english_text, fields_of
from student_api.error_codes import all_codes
from student_api.examples import MISSING_EXAMPLE, example_for, sample_of
from student_api.openapi import ABOUT, TAGS, document
from student_api.operations import OPERATIONS
from student_api.problems import STATUS, problem_of
from tests.student_api.conftest import identified, ordered

METHODS = {"get", "post", "put", "patch", "delete"}
CONTRACT = """
POST /auth/register|POST /auth/login|POST /auth/wechat|POST /auth/refresh|POST /auth/logout|POST /auth/password
GET /me|PATCH /me|DELETE /me|POST /ocr/id-card|GET /consents|GET /guides/{kind}|GET /batches/{feature_code}
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
    "POST /batch-codes/decode|GET /addresses/{id}|GET /files/{token}|POST /me/identity|POST /me/wechat|GET /me/consents|"
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
    assert described - wanted == set(BESIDES.split("|"))


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
                if status[0] in "45":
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


REGENERATE = "run: .venv/bin/flask --app wsgi api {0} > docs/{1}"


@pytest.mark.parametrize(
    ("command", "name"), [("description", "openapi.json"), ("errors", "api-errors.md")]
)
def test_the_committed_copy_is_what_the_code_says(app, command, name):
    printed = app.test_cli_runner().invoke(args=["api", command]).output
    kept = (ROOT / "docs" / name).read_text(encoding="utf-8")
    assert printed == kept, REGENERATE.format(command, name)


def test_the_command_answers_json_too(app):
    runner = app.test_cli_runner()
    codes = json.loads(runner.invoke(args=["api", "errors", "--json"]).output)["codes"]
    assert codes["batch_not_found"] == 404
    assert json.loads(runner.invoke(args=["api", "description", "--json"]).output)["paths"]


def test_every_example_is_a_valid_message(app):
    for declared in OPERATIONS:
        for model, mode in (
            (declared.request, "validation"),
            (declared.answer, "serialization"),
        ):
            if isinstance(model, type):
                example = json.dumps(example_for(model, mode))
                assert MISSING_EXAMPLE not in example, example
                model.model_validate_json(example)


def test_every_call_and_every_code_has_an_example(spec):
    for path, item in spec["paths"].items():
        for method, operation in item.items():
            body = operation.get("requestBody", {}).get("content", {}).get("application/json")
            assert body is None or body["example"] is not None, f"{method} {path}"
            for status, answer in operation["responses"].items():
                for media, content in answer.get("content", {}).items():
                    if media == "application/problem+json":
                        named = set(re.findall("`([a-z0-9_]+)`", answer["description"]))
                        assert named == set(content["examples"]), f"{method} {path} {status}"
                    elif media == "application/json":
                        assert content["example"] is not None, f"{method} {path} {status}"


def test_texts_of_example_errors_are_filled_in(app):
    for kind in all_codes():
        for locale in ("zh", "en"):
            shown = problem_of(sample_of(kind), locale)
            text = json.dumps(shown.model_dump(), ensure_ascii=False)
            assert re.search(r"\{\w+\}", text) is None, text


def all_subclasses(kind):
    return {sub for direct in kind.__subclasses__() for sub in (direct, *all_subclasses(direct))}


def test_refinements_of_a_declared_error_are_declared_too(app):
    """`checked_upload` says some of the pictures' errors in its own words; the rest show."""
    reworded = {"not_an_image", "image_truncated", "photo_refused"}
    known = {kind.code for kind in all_codes()}
    for kind in all_subclasses(PhotoRefused) | all_subclasses(InvalidIdNumber):
        if kind.__module__.startswith("backoffice"):
            assert kind.code in known | reworded, kind


def test_the_docs_page_shows_a_request_for_every_call(api):
    text = api.get("/docs").get_data(as_text=True)
    assert text.count("curl -X") == len(OPERATIONS)


def test_english_is_english_and_chinese_is_chinese(app):
    """Foreign students read nothing but English: every text of every code has both."""
    han = re.compile(r"[\u4e00-\u9fff]")
    for kind in all_codes():
        sample = sample_of(kind)
        assert not han.search(sample.title.en + sample.text("en")), kind.code
        assert han.search(sample.title.zh), kind.code
        assert han.search(sample.text("zh")), kind.code


def words_in_backticks(text):
    return set(re.findall(r"`([^`]+)`", text))


def test_the_chinese_description_says_what_the_english_one_says():
    """Every call, and the same names of fields, codes, states and headers in each."""
    assert set(chinese.CALLS) == {o.name for o in OPERATIONS}
    assert set(chinese.TAGS) == set(TAGS)
    for declared in OPERATIONS:
        summary, text = chinese.CALLS[declared.name]
        assert words_in_backticks(text) == words_in_backticks(english_text(declared)), declared.name
        assert not summary.isascii()
    assert words_in_backticks(chinese.ABOUT) == words_in_backticks(ABOUT)
    notes = {
        note
        for declared in OPERATIONS
        for which in ("request", "query", "answer")
        for *_, note in fields_of(declared, which)
    }
    assert set(chinese.NOTES) == notes - {""}
    for english, translated in chinese.NOTES.items():
        assert words_in_backticks(english) <= words_in_backticks(translated), english


@pytest.mark.parametrize(("language", "words"), [("zh-CN", "核验身份"), ("en", "Identify")])
def test_the_docs_speak_the_readers_language(api, language, words):
    page = api.get("/docs", headers={"Accept-Language": language}).get_data(as_text=True)
    body = page.partition("<body>")[2]
    assert words in body
    prose = re.sub(r"<(pre|code|table|details)[^>]*>.*?</\1>", "", body, flags=re.DOTALL)
    if language == "en":
        assert not re.search("[一-鿿]", prose)
    notes = set(re.findall(r"<br><small>(.*?)</small>", body.partition('id="codes"')[0]))
    assert notes
    assert all(bool(re.search("[一-鿿]", note)) == (language == "zh-CN") for note in notes)
