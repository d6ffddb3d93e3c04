"""`flask batch …` beyond opening one: the steps of its life, copies, progress, progress bars."""

from __future__ import annotations

import io
import sys
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select

from backoffice.cli.progress import progress_bar
from backoffice.models import Batch, BatchChange
from backoffice.photos.layouts import LAYOUTS
from tests.factories import make_enrolment, make_order


def batch_of(session, code: str) -> Batch:
    return session.scalars(select(Batch).where(Batch.feature_code == code)).one()


def test_a_batch_with_its_window_and_terms_kept_as_a_draft(run, code, committed):
    answer = run(
        "batch", "create", "--school", "10001", "--name", "2028届", "--opens", "2028-03-01T08:00",
        "--closes", "2028-03-09T18:00", "--delivery", "digital", "--layout", next(iter(LAYOUTS)),
        "--draft", "--json",
    )  # fmt: skip
    with committed() as session:
        batch = batch_of(session, answer.json["feature_code"])
        assert batch.opens_at == datetime(2028, 3, 1, 0, 0, tzinfo=UTC)
        assert batch.closes_at == datetime(2028, 3, 9, 10, 0, tzinfo=UTC)
        assert (batch.state, batch.delivery_methods, len(batch.layouts)) == (
            "draft",
            ["digital"],
            1,
        )


def test_the_steps_of_its_life(run, code, committed):
    assert run("batch", "step", code.lower(), "close", "--json").json["state"] == "closed"
    refused = run("batch", "step", code, "close", "--json")
    assert (refused.status, refused.code) == (1, "batch_action_refused")
    end = f"{datetime.now(UTC) + timedelta(days=99):%Y-%m-%dT08:00}"
    assert run("batch", "step", code, "reopen", "--closes", end, "--json").json["state"] == "open"
    assert run("batch", "step", code, "explode", "--json").status == 2
    with committed() as session:
        changes = session.scalars(select(BatchChange).order_by(BatchChange.created_at)).all()
        assert [(c.action, c.source) for c in changes] == [
            ("close", "command"),
            ("reopen", "command"),
        ]


def test_a_copy(run, code, committed):
    answer = run("batch", "copy", code, "--name", "又一批", "--json")
    assert answer.json["url"].endswith(answer.json["feature_code"])
    with committed() as session:
        copy = batch_of(session, answer.json["feature_code"])
        assert (copy.name, copy.school_id) == ("又一批", batch_of(session, code).school_id)


def test_progress_in_numbers(run, code, committed):
    with committed() as session:
        batch = batch_of(session, code)
        make_order(session, batch, "paid")
        make_enrolment(session, batch, class_name="二班")
        session.commit()
    answer = run("batch", "progress", code, "--json").json
    assert answer["students"] == 2
    assert (answer["stages"]["paid"], answer["stages"]["not_started"]) == (1, 1)
    assert {c["class_name"] for c in answer["classes"]} == {"软工2301", "二班"}
    assert "待提交照片\t1\t50.0%" in run("batch", "progress", code).out


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(("terminal", "as_json"), [(True, False), (True, True), (False, False)])
def test_a_bar_is_drawn_on_a_terminal_only(monkeypatch, terminal, as_json):
    err = Terminal() if terminal else io.StringIO()
    monkeypatch.setattr(sys, "stderr", err)
    with progress_bar("个人码", as_json) as tell:
        for done in (21, 40, 50):
            tell(done, 50)
    if terminal and not as_json:
        assert "个人码" in err.getvalue()
        assert "50/50" in err.getvalue()
    else:
        assert err.getvalue() == ""
