"""Hooks of other doors run before the API does; its answers must stay its own."""

from __future__ import annotations

import pytest
from sqlalchemy.exc import OperationalError

from tests.student_api.test_sign_in import problem

MEBIBYTE = 1024 * 1024


@pytest.mark.parametrize("content_type", ["application/json", "multipart/form-data; boundary=x"])
def test_a_body_beyond_every_limit_is_answered_with_a_problem(api, student, content_type):
    body = b"{" + b" " * (23 * MEBIBYTE)
    answer = api.post("/auth/login", data=body, content_type=content_type)
    assert answer.status_code in (413, 415)
    assert problem(answer)[0] == answer.status_code


def test_a_staff_session_means_nothing_here(api):
    api.client.set_cookie("session", "forged")
    assert problem(api.get("/me")) == (401, "token_invalid")


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (RuntimeError("310101200309150019 leaked"), 500, "internal_error"),
        (OperationalError("SELECT 1", {}, Exception("310101200309150019 leaked")), 503,
         "service_unavailable"),
    ],
)  # fmt: skip
def test_the_unexpected_says_nothing_from_inside(api, monkeypatch, caplog, error, status, code):
    def fail(locale):
        raise error

    monkeypatch.setattr("student_api.calls.texts.consents_in_force", fail)
    answer = api.get("/consents")
    assert problem(answer) == (status, code)
    assert ("Retry-After" in answer.headers) == (status == 503)
    assert "leaked" not in answer.get_data(as_text=True)
    assert "leaked" not in caplog.text
    assert caplog.text, "the log says that something happened"
    monkeypatch.undo()
    assert api.get("/consents").status_code == 200
