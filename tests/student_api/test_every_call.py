"""The same bad input to every call of the registry: coded problems, nothing changed or leaked."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime

import pytest
from sqlalchemy import text, update

from backoffice.models import StudentToken
from student_api import calls
from student_api.examples import example_for
from student_api.operations import OPERATIONS
from student_api.parsing import PART_TYPE
from tests.student_api.conftest import Person, another_person, signed_in
from tests.student_api.test_sign_in import problem

calls.load()
JSON = "application/json"
WITH_BODY = [o for o in OPERATIONS if o.request is not None and o.upload is None]
UPLOADS = [o for o in OPERATIONS if o.upload is not None]
SIGNED_IN = [o for o in OPERATIONS if o.auth]
SECRETS = ("Traceback", "psycopg", "sqlalchemy", "SELECT ", "/backoffice/", "site-packages")


def path_of(declared):
    return re.sub(r"\{\w+\}", "0198b0f2-5d3c-7a11-9c55-3f1f6f0f4f10", declared.path)


def names(operations):
    return [o.name for o in operations]


def rows(committed):
    """How many rows every table has, but for the access log of tokens."""
    with committed() as session:
        tables = session.scalars(
            text(
                "SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace"
            )
        ).all()
        return {t: session.scalar(text(f'SELECT count(*) FROM "{t}"')) for t in tables}


def checked(answer, *allowed):
    status, code = problem(answer)
    assert status in allowed, (status, code)
    body = answer.get_data(as_text=True)
    assert not any(secret in body for secret in SECRETS), body
    return code


BODIES = {
    "no JSON": b"{",
    "a list": b"[]",
    "a string": b'"x"',
    "a number": b"1e999",
    "null": b"null",
    "not UTF-8": b'{"a": "\xff\xfe"}',
    "deep": b"[" * 20000,
    "huge": b'{"a": "' + b"x" * 70_000 + b'"}',
    "unknown field": b'{"is_admin": true}',
    "a lone surrogate": b'{"note": "\\ud800"}',
}


@pytest.mark.parametrize("declared", WITH_BODY, ids=names(WITH_BODY))
def test_bodies_that_are_none_of_ours(client, committed, declared):
    student = signed_in(client, another_person())
    before = rows(committed)
    for name, body in BODIES.items():
        answer = student.call(declared.method, path_of(declared), data=body, content_type=JSON)
        code = checked(answer, 400, 404, 409, 413, 422)
        assert code != "internal_error", name
    assert rows(committed) == before


@pytest.mark.parametrize("declared", WITH_BODY, ids=names(WITH_BODY))
def test_every_field_of_the_wrong_type(client, committed, declared):
    student = signed_in(client, another_person())
    before = rows(committed)
    good = example_for(declared.request, "validation")
    for field in good:
        for wrong in ({"$ne": None}, [[]], 10**30, "\u0000", "x" * 5000):
            body = {**good, field: wrong}
            answer = student.call(declared.method, path_of(declared), body)
            checked(answer, 401, 403, 404, 409, 422)
    assert rows(committed) == before


def test_every_other_content_type(student):
    for declared in WITH_BODY:
        for kind in ("text/plain", "multipart/form-data; boundary=x", "application/xml", ""):
            answer = student.call(
                declared.method, path_of(declared), data=b"{}x", content_type=kind
            )
            assert checked(answer, 415) == "unsupported_media_type", declared.path


def test_forms_that_are_none(student):
    whole = b'--b\r\nContent-Disposition: form-data; name="image"; filename="a"\r\n\r\nabc\r\n--b--'
    for data, content_type in (
        (b"", "multipart/form-data; boundary=b"),
        (whole[:-20], "multipart/form-data; boundary=b"),
        (whole, "multipart/form-data"),
        (whole, "multipart/form-data; boundary=other"),
        (whole.replace(b"image", b"other"), "multipart/form-data; boundary=b"),
        (b"{}", JSON),
        (b"abc", PART_TYPE),
    ):
        for declared in UPLOADS:
            answer = student.call("POST", path_of(declared), data=data, content_type=content_type)
            checked(answer, 400, 404, 415, 422)


@pytest.mark.parametrize(
    "header",
    [
        None,
        "Bearer",
        "Bearer x",
        "Basic eDp5",
        "Bearer " + "a" * 10_000,
        "Bearer \u00ff",
        "bearer null",
    ],
)
def test_no_call_without_its_token(api, header):
    headers = {} if header is None else {"Authorization": header}
    for declared in SIGNED_IN:
        answer = api.call(declared.method, path_of(declared), headers=headers)
        assert checked(answer, 401) == "token_invalid", declared.path
        assert answer.headers["WWW-Authenticate"] == "Bearer"


def test_no_call_with_an_expired_token(client, committed):
    """Its own code, so that a client refreshes instead of asking for the password."""
    student = signed_in(client, another_person())
    with committed() as session:
        session.execute(update(StudentToken).values(expires_at=datetime.now(UTC)))
        session.commit()
    before = rows(committed)
    for declared in SIGNED_IN:
        answer = student.call(declared.method, path_of(declared))
        assert checked(answer, 401) == "token_expired", declared.path
    assert rows(committed) == before


IDS = ["x", "0", "-1", "1 OR 1=1", "' OR ''='", "..%2F..%2Fetc", "%00", "0198b0f2-5d3c-7a11-9c55",
       "𠮷", "a" * 700, "<script>", "{{7*7}}", "0198B0F2-5D3C-7A11-9C55-3F1F6F0F4F10"]  # fmt: skip
WITH_ID = [o for o in SIGNED_IN if "{id}" in o.path and o.request is None and not o.part]


def test_ids_that_are_none(student):
    for declared in WITH_ID:
        for made_up in IDS:
            path = re.sub(r"\{\w+\}", made_up, declared.path)
            answer = student.call(declared.method, path)
            code = checked(answer, 404, 405, 415)
            assert code.endswith(("not_found", "not_allowed", "media_type"))


NAMES = [
    "Robert'); DROP TABLE students;--",
    "<script>alert(1)</script>",
    "{{7*7}}${7*7}#{7*7}",
    "𠮷田",
    "阿卜杜拉·买买提",
    "😀吴",
    "=cmd|' /C calc'!A0",
    "Ĝ\u0301ö\u0308",
    "name with\u202e turned text",
]


def test_names_come_back_as_they_were_and_do_nothing(client):
    for name in NAMES:
        shown = signed_in(client, another_person(name=name)).get("/me")
        assert shown.content_type == JSON
        assert shown.headers["X-Content-Type-Options"] == "nosniff"
        # signs that turn text around are invisible, and the cleaning takes them out
        assert shown.get_json()["student"]["name"] == name.replace("\u202e", "")


def test_a_name_of_the_notice_and_a_rare_character_survive_the_round(client, committed):
    student = signed_in(client, another_person(name="𠮷・买买提"))
    assert student.get("/me").get_json()["student"]["name"] == "𠮷·买买提"


def test_deeply_nested_json_is_no_way_to_stop_the_server(api):
    body = b'{"a":' * 10_000 + b"1" + b"}" * 10_000
    answer = api.post("/auth/login", data=body, content_type=JSON)
    checked(answer, 400, 422, 413)


def test_a_form_with_thousands_of_fields(student):
    parts = b"".join(
        b'--b\r\nContent-Disposition: form-data; name="f%d"\r\n\r\nx\r\n' % n for n in range(3000)
    )
    answer = student.call(
        "POST",
        "/capture-codes/decode",
        data=parts + b"--b--\r\n",
        content_type="multipart/form-data; boundary=b",
    )
    checked(answer, 400, 413, 422)


def test_a_foreign_student_reads_english_all_the_way(client, settings, committed, batch):
    """Passport, Accept-Language: en: nothing but names and addresses of the school is Chinese."""
    from tests.student_api.conftest import identified, ordered

    han = re.compile(r"[\u4e00-\u9fff]")
    person = Person("E98765432", name="Anna Schmidt", id_type="passport", phone="+4915123456789")
    student = signed_in(client, person)
    student.headers["Accept-Language"] = "en"
    enrolment = identified(student, settings, committed, batch, person)
    order = ordered(student, enrolment)
    assert order["state_label"] == "Awaiting payment"
    assert [item["name"] for item in order["items"]] == ["Portrait", "Prints"]
    for path in ("/consents", "/guides/shooting", "/guides/standard", "/guides/capture-code",
                 "/layouts", f"/orders/{order['id']}", f"/orders/{order['id']}/events", "/me",
                 "/enrolment-requests", "/me/consents"):  # fmt: skip
        answer = student.get(path)
        assert answer.headers["Content-Language"] == "en"
        shown = json.dumps(answer.get_json(), ensure_ascii=False)
        found = han.findall(shown)
        # the proper names of sites and codes may stand beside their translation
        assert len(found) < 40, f"{path}: {''.join(found)}"
    refused = student.post(f"/orders/{order['id']}/submit")
    assert not han.search(refused.get_data(as_text=True))
