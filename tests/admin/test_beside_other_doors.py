"""The back office in the whole application: its cookie rules do not reach the other doors."""

from __future__ import annotations

import pytest
from flask import Flask

from backoffice.settings import Settings


@pytest.fixture(scope="module")
def whole(settings: Settings, database) -> Flask:
    from wsgi import create_app

    return create_app(settings)


def test_the_student_api_asks_for_no_form_token(whole: Flask, committed):
    answer = whole.test_client().post("/api/v1/auth/login", json={"login": "1", "password": "x"})
    assert answer.status_code in (401, 422)
    assert answer.mimetype == "application/problem+json"
    assert "backoffice" not in answer.headers.get("Set-Cookie", "")


def test_the_back_office_stands_in_the_whole_application(whole: Flask, committed):
    client = whole.test_client()
    assert client.get("/admin/").location.startswith("/admin/login")
    page = client.get("/admin/login")
    assert page.status_code == 200
    assert "Path=/admin" in page.headers["Set-Cookie"]
    assert "HttpOnly" in page.headers["Set-Cookie"]
