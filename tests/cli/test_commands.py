"""Every command by CONTRACT section 1: fields, exit status, one JSON object on standard output."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from dataclasses import replace

import click
import pytest
from flask.cli import AppGroup
from sqlalchemy import func, select, text

import wsgi
from backoffice.cli import common
from backoffice.models import Batch, Enrolment, Order, RosterImport, School
from backoffice.settings import ROOT
from backoffice.workflows.engine import Engine
from backoffice.workflows.orders import DEFINITIONS
from tests import factories_workbooks as workbooks
from tests.factories import make_batch, make_enrolment, make_order, make_school

OURS = ("audit", "batch", "capture-code", "demo", "export", "photo", "roster", "school",
        "settings", "staff", "workflow")  # fmt: skip


def count(committed, table):
    with committed() as session:
        return session.scalar(select(func.count()).select_from(table))


def every_command(app):
    for name in OURS:
        group = app.cli.commands[name]
        assert isinstance(group, AppGroup)
        for child, command in group.commands.items():
            yield name, child, command


def test_every_command_has_help_and_json(command_app, run):
    commands = list(every_command(command_app))
    assert len(commands) >= 14
    for name, child, command in commands:
        answer = run(name, child, "--help")
        assert answer.status == 0
        assert "Usage:" in answer.out
        assert command.help, f"{name} {child} says nothing"
        options = [o for p in command.params if isinstance(p, click.Option) for o in p.opts]
        assert "--json" in options, f"{name} {child}"


# school, batch


def test_a_school_is_created_and_renamed(run, committed):
    answer = run("school", "create", "--code", "10001", "--name", "旧名大学", "--json")
    assert (answer.status, answer.json) == (0, {"code": "10001", "name": "旧名大学"})
    assert run("school", "create", "--code", "10001", "--name", "新名大学").status == 0
    with committed() as session:
        assert session.scalars(select(School.name)).all() == ["新名大学"]


def test_a_batch_is_created_with_what_was_asked_for(run, committed, settings):
    with committed() as session:
        make_school(session, code="10001")
        session.commit()
    answer = run(
        "batch", "create", "--school", "10001", "--name", "2027届", "--kind", "graduate",
        "--mode", "photo_first", "--roster-mode", "minimal", "--standard", "chsi-degree-blue",
        "--fee-fen", "1500", "--fee-fen", "0", "--reject-policy", "refund", "--no-album",
        "--unlisted", "--unpaid-minutes", "45", "--max-attempts", "5", "--json",
    )  # fmt: skip
    assert answer.status == 0
    feature_code = answer.json["feature_code"]
    assert answer.json == {
        "feature_code": feature_code,
        "url": f"{settings.public_url}/s/{feature_code}",
    }
    with committed() as session:
        batch = session.scalars(select(Batch)).one()
        assert batch.feature_code == feature_code
        said = (batch.mode, batch.roster_mode, batch.reject_policy, batch.allow_album)
        assert said == ("photo_first", "minimal", "refund", False)
        assert (batch.allow_unlisted, batch.unpaid_minutes, batch.max_attempts) == (True, 45, 5)
        assert [s.price_fen for s in batch.services] == [1500, 0]


@pytest.mark.parametrize(
    ("kind", "standard", "capture_code"),
    [("graduate", "chsi-degree-blue", True), ("freshman", "freshman-white", False)],
)
def test_the_kind_decides_what_was_not_said(run, committed, kind, standard, capture_code):
    with committed() as session:
        make_school(session, code="10001")
        session.commit()
    assert run("batch", "create", "--school", "10001", "--name", "x", "--kind", kind).status == 0
    with committed() as session:
        batch = session.scalars(select(Batch)).one()
        assert batch.standard.name == standard
        assert batch.requires_capture_code is capture_code


@pytest.mark.parametrize(
    ("change", "error"),
    [
        (("--school", "99999"), "school_not_found"),
        (("--standard", "no-such"), "standard_not_found"),
        (("--fee-fen", "-1"), "invalid_input"),
        (("--unpaid-minutes", "0"), "invalid_input"),
        (("--max-attempts", "100000"), "invalid_input"),
        (("--name", " "), "invalid_input"),
        (("--fee-fen", "1", "--fee-fen", "2", "--fee-fen", "3"), "invalid_input"),
    ],
)
def test_a_batch_that_cannot_be(run, code, committed, change, error):
    arguments = ["batch", "create", "--school", "10001", "--name", "x", *change]
    answer = run(*arguments, "--json")
    assert (answer.status, answer.code) == (1, error)
    readable = run(*arguments)
    assert (readable.status, readable.out) == (1, "")
    assert f"[{error}]" in readable.err
    assert count(committed, Batch) == 1


def test_a_misspelt_option_is_a_usage_error(run, code):
    answer = run("batch", "create", "--school", "10001", "--name", "x", "--mode", "later")
    assert (answer.status, answer.out) == (2, "")
    assert "--mode" in answer.err
    answer = run("batch", "create", "--school", "10001", "--json")
    assert (answer.status, answer.code, answer.err) == (2, "usage", "")
    assert "--name" in answer.json["error"]["message"]


def test_addresses_lead_to_the_running_system(run, code, settings):
    """`make up PORT=8790` leaves a note; a command that knows nothing of PORT reads it."""
    note = settings.var / "run" / "supervisor.json"
    note.parent.mkdir(parents=True, exist_ok=True)
    arguments = ("batch", "create", "--school", "10001", "--name", "x", "--roster-mode", "none")
    try:
        for pid, base in ((os.getpid(), "http://127.0.0.1:8790"), (2**22 + 1, settings.public_url)):
            note.write_text(json.dumps({"pid": pid, "url": "http://127.0.0.1:8790"}))
            assert run(*arguments, "--json").json["url"].startswith(f"{base}/s/")
    finally:
        note.unlink()


def test_the_printables_of_a_batch(run, code, committed, tmp_path):
    with committed() as session:
        make_enrolment(session, session.scalars(select(Batch)).one())
        session.commit()
    answer = run("batch", "qr", code.lower(), "--out", tmp_path / "new" / "qr", "--json")
    assert answer.status == 0
    files = answer.json["files"]
    assert [f.rsplit(".", 1)[1] for f in files] == ["png", "svg", "pdf", "pdf"]
    assert all(os.path.getsize(f) > 500 for f in files)
    missing = run("batch", "qr", "ZZZZZZ", "--out", tmp_path, "--json")
    assert (missing.status, missing.code) == (1, "batch_not_found")


def test_a_folder_that_cannot_be_written_is_a_sentence(run, code, tmp_path):
    (tmp_path / "file").write_text("no folder")
    answer = run("batch", "qr", code, "--out", tmp_path / "file" / "qr", "--json")
    assert (answer.status, answer.code) == (1, "file_unusable")
    assert str(tmp_path) not in answer.out


# roster


@pytest.fixture
def roster(tmp_path):
    path = tmp_path / "名单.xlsx"
    path.write_bytes(workbooks.xlsx([workbooks.HEADINGS, *workbooks.people(4)]))
    return path


def test_a_dry_run_changes_nothing(run, code, committed, roster):
    answer = run("roster", "import", "--batch", code, roster, "--dry-run", "--json")
    assert answer.status == 0
    assert set(answer.json) >= {
        "rows", "new", "changed", "same", "rejected", "errors", "applied", "seconds",
    }  # fmt: skip
    assert (answer.json["rows"], answer.json["new"], answer.json["applied"]) == (4, 4, False)
    assert count(committed, Enrolment) == count(committed, RosterImport) == 0
    assert run("roster", "import", "--batch", code, roster, "--json").json["applied"] is True
    assert count(committed, Enrolment) == 4
    assert count(committed, RosterImport) == 1


@pytest.mark.parametrize("headings", [["甲", "乙"], ["学号", "班级"], ["学号", "姓名", "姓名"]])
def test_a_table_that_is_no_roster_ends_with_status_2(run, code, tmp_path, headings):
    path = tmp_path / "table.xlsx"
    path.write_bytes(workbooks.xlsx([headings, ["1", "2", "3"][: len(headings)]]))
    answer = run("roster", "import", "--batch", code, path, "--json")
    assert (answer.status, answer.code.split("_")[0]) == (2, "roster")


@pytest.mark.parametrize("what", ["missing", "folder", "pdf", "empty"])
def test_a_roster_that_cannot_be_read_ends_with_status_2(run, code, tmp_path, what):
    path = tmp_path / what
    if what == "folder":
        path.mkdir()
    elif what != "missing":
        path.write_bytes(b"%PDF-1.7" if what == "pdf" else b"")
    answer = run("roster", "import", "--batch", code, path, "--json")
    assert answer.status == 2
    assert answer.code in ("file_unusable", "workbook_unsupported", "workbook_empty")


def test_a_roster_for_no_batch(run, committed, roster):
    answer = run("roster", "import", "--batch", "ZZZZZZ", roster, "--json")
    assert (answer.status, answer.code) == (1, "batch_not_found")


@pytest.mark.parametrize("pair", ["编码", "=student_no", "编码="])
def test_a_mapping_needs_both_sides(run, code, roster, pair):
    answer = run("roster", "import", "--batch", code, roster, "--map", pair, "--json")
    assert (answer.status, answer.code) == (2, "usage")
    assert "--map" in answer.json["error"]["message"]


# capture codes


def test_a_capture_code_is_issued_and_read_back(run, code, committed, tmp_path):
    with committed() as session:
        entry = make_enrolment(
            session, session.scalars(select(Batch)).one(), student_no="2023000001"
        )
        number, name = entry.id_number, entry.name
        session.commit()
    out = tmp_path / "code.png"
    issued = run(
        "capture-code", "issue", "--batch", code, "--student-no", "2023000001",
        "--out", out, "--json",
    )  # fmt: skip
    assert issued.status == 0
    assert issued.json["text"].startswith("GPC1.")
    payload = issued.json["payload"]
    assert set(payload) == {
        "serial", "name_masked", "id_masked", "id_last4", "school_code", "school_name",
        "level", "major", "expires_at",
    }  # fmt: skip
    assert (payload["school_code"], payload["id_last4"]) == ("10001", number[-4:])
    assert number not in issued.out
    assert name not in issued.out
    read = run("capture-code", "read", out, "--json")
    assert (read.status, read.json) == (0, issued.json)
    assert run("capture-code", "read", out).out.strip() == issued.json["text"]


def test_a_capture_code_of_somebody_on_no_roster_is_genuine_too(run, code, tmp_path):
    out = tmp_path / "code.png"
    issued = run(
        "capture-code", "issue", "--school", "10001", "--student-no", "9", "--name", "陈大文",
        "--id-number", "A123456(3)", "--out", out, "--json",
    )  # fmt: skip
    assert issued.status == 0
    assert issued.json["payload"]["id_last4"] == "6(3)"
    assert run("capture-code", "read", out, "--json").json == issued.json


def test_a_roster_without_majors_has_genuine_codes_too(run, code, committed, tmp_path):
    with committed() as session:
        batch = session.scalars(select(Batch)).one()
        make_enrolment(session, batch, student_no="1", major=None, level=None)
        make_enrolment(session, batch, student_no="2", id_last4=None)
        session.commit()
    out = tmp_path / "code.png"
    issue = ("capture-code", "issue", "--batch", code, "--out", out, "--json", "--student-no")
    assert run(*issue, "1").status == 0
    assert run("capture-code", "read", out, "--json").status == 0
    unknown = run(*issue, "2")
    assert (unknown.status, unknown.code) == (1, "invalid_input")


def test_expired_and_unreadable_codes(run, code, committed, tmp_path):
    with committed() as session:
        make_enrolment(session, session.scalars(select(Batch)).one(), student_no="1")
        session.commit()
    out = tmp_path / "code.png"
    run("capture-code", "issue", "--student-no", "1", "--days", "-1", "--out", out)
    expired = run("capture-code", "read", out, "--json")
    assert (expired.status, expired.code) == (1, "capture_code_expired")
    out.write_bytes(b"no picture")
    unreadable = run("capture-code", "read", out, "--json")
    assert (unreadable.status, unreadable.code) == (1, "capture_code_unreadable")


def test_whose_capture_code_is_not_clear(run, code, committed, tmp_path):
    with committed() as session:
        for batch in (session.scalars(select(Batch)).one(), make_batch(session)):
            make_enrolment(session, batch, student_no="1")
        session.commit()
    issue = ("capture-code", "issue", "--out", tmp_path / "c.png", "--json", "--student-no")
    assert run(*issue, "1").code == "invalid_input"
    assert run(*issue, "1", "--batch", code).status == 0
    assert run(*issue, "404").code == "enrolment_not_found"
    nameless = run(*issue, "9", "--name", "陈大文", "--id-number", "A123456(3)")
    assert nameless.code == "invalid_input"


# workflow, audit, export, seed, settings


def test_the_workflows_are_sound(run):
    answer = run("workflow", "check", "--json")
    assert answer.status == 0
    assert answer.json["flaws"] == []
    assert "capture_order v1" in answer.json["definitions"]
    assert "reprint_order v1: ok" in run("workflow", "check").out


def test_a_flawed_workflow_is_named(run, monkeypatch):
    flawed = {k: replace(d, transitions=d.transitions[1:]) for k, d in DEFINITIONS.items()}
    monkeypatch.setattr("backoffice.workflows.orders.DEFINITIONS", flawed)
    answer = run("workflow", "check", "--json")
    assert answer.status == 1
    assert answer.json["flaws"]


def test_a_flawed_workflow_does_not_start_and_every_flaw_is_a_sentence(settings, monkeypatch):
    """What `flask --app wsgi workflow check` prints when the application itself cannot start."""
    flawed = {k: replace(d, transitions=d.transitions[1:]) for k, d in DEFINITIONS.items()}
    monkeypatch.setattr("backoffice.workflows.orders.DEFINITIONS", flawed)
    with pytest.raises(SystemExit) as ended:
        wsgi.create_app(settings)
    said = str(ended.value).splitlines()
    assert "capture_order v1: state 'paid' cannot be reached" in said
    assert "reprint_order v1: state 'paid' cannot be reached" in said


@pytest.mark.parametrize(("kind", "start"), [("mermaid", "stateDiagram-v2"), ("svg", "<svg")])
@pytest.mark.parametrize("name", ["capture_order", "reprint_order"])
def test_the_workflows_are_drawn(run, kind, start, name):
    answer = run("workflow", "diagram", "--format", kind, "--workflow", name, "--json")
    assert answer.status == 0
    assert answer.json["format"] == kind
    drawn = answer.json["diagram"]
    assert (
        drawn.lstrip().removeprefix('<?xml version="1.0" encoding="UTF-8"?>').lstrip()[: len(start)]
        == start
    )
    assert run("workflow", "diagram", "--format", kind, "--workflow", name).out.strip() == (
        drawn.strip()
    )
    for state in next(d for (n, _), d in DEFINITIONS.items() if n == name).states:
        assert state.label.zh in drawn


def test_an_unknown_workflow_is_a_usage_error(run):
    assert run("workflow", "diagram", "--workflow", "no_such").status == 2
    assert run("workflow", "migrate", "--workflow", "capture_order", "--to", "99").status == 2


def test_a_migration_to_the_present_version_moves_nobody(run, committed):
    with committed() as session:
        make_order(session, state="paid")
        session.commit()
    answer = run("workflow", "migrate", "--to", "1", "--json")
    assert (answer.status, answer.json) == (0, {"steps": [], "moved": 0})
    assert "nothing changed" in run("workflow", "migrate", "--to", "1", "--dry-run").out


def test_a_migration_says_what_would_change_before_it_does(
    run, committed, command_app, monkeypatch
):
    parts = command_app.extensions["backoffice"]
    second = replace(DEFINITIONS[("capture_order", 1)], version=2)
    definitions = {**DEFINITIONS, ("capture_order", 2): second}
    newer = Engine(replace(parts.engine.binding, definitions=definitions))
    monkeypatch.setattr(parts, "engine", newer)
    with committed() as session:
        for state in ("paid", "paid", "rejected"):
            make_order(session, state=state)
        session.commit()

    def orders():
        with committed() as session:
            query = select(Order.workflow_version, Order.version, Order.last_hash)
            return sorted(tuple(row) for row in session.execute(query))

    before = orders()
    dry = run("workflow", "migrate", "--to", "2", "--dry-run")
    assert dry.out.splitlines() == [
        "v1 paid -> paid: 2",
        "v1 rejected -> rejected: 1",
        "nothing changed (dry run)",
    ]
    assert orders() == before
    assert run("workflow", "migrate", "--to", "2", "--json").json["moved"] == 3
    assert {row[0] for row in orders()} == {2}
    assert run("audit", "verify", "--json").json == {"checked": 3, "broken": None}


def test_the_audit_finds_a_broken_chain(run, committed):
    with committed() as session:
        orders = [make_order(session, state=state) for state in ("paid", "rejected")]
        session.commit()
        order_id = orders[1].id
    assert run("audit", "verify", "--json").json == {"checked": 2, "broken": None}
    with committed() as session:
        session.execute(text("SET LOCAL session_replication_role = replica"))
        session.execute(
            text("UPDATE order_events SET actor_kind = 'system' WHERE order_id = :o "
                 "AND sequence = 2"), {"o": order_id},
        )  # fmt: skip
        session.commit()
    broken = run("audit", "verify", "--json")
    assert broken.status == 1
    assert (broken.json["broken"]["order_id"], broken.json["broken"]["sequence"]) == (
        str(order_id), 2,
    )  # fmt: skip
    assert "broken: order" in run("audit", "verify").out


def test_a_package_is_written(run, code, committed, tmp_path):
    with committed() as session:
        make_enrolment(session, session.scalars(select(Batch)).one())
        session.commit()
    out = tmp_path / "package.zip"
    answer = run("export", "package", "--batch", code, "--out", out, "--json")
    assert (answer.status, answer.json) == (
        0, {"photos": 0, "exceptions": 1, "bytes": out.stat().st_size},
    )  # fmt: skip
    assert zipfile.is_zipfile(out)
    refused = run(
        "export", "package", "--batch", code, "--out", tmp_path / "b.zip", "--names", "../x.jpg",
        "--json",
    )  # fmt: skip
    assert (refused.status, refused.code) == (1, "invalid_input")
    assert not (tmp_path / "b.zip").exists()


def test_volume_is_seeded(run, code, committed):
    answer = run("demo", "seed", "--orders", "30", "--batch", code, "--json")
    assert (answer.status, answer.json["orders"]) == (0, 30)
    assert count(committed, Order) == 30
    assert run("demo", "seed", "--orders", "0").status == 2


def test_volume_needs_a_batch(run):
    answer = run("demo", "seed", "--orders", "1", "--json")
    assert (answer.status, answer.code) == (1, "no_batch")


def test_production_takes_no_demo_data(run, code, committed, command_app, settings):
    shared = command_app.extensions["backoffice"]
    shared.settings = replace(settings, app_env="production")
    try:
        answer = run("demo", "seed", "--orders", "1", "--json")
    finally:
        shared.settings = settings
    assert (answer.status, answer.code) == (1, "demo_only")
    assert count(committed, Order) == 0


def test_the_settings_are_documented(run):
    answer = run("settings", "document")
    assert answer.status == 0
    assert answer.out == (ROOT / "docs" / "settings.md").read_text()
    assert run("settings", "document", "--json").json["document"] == answer.out


# what all share


def test_outside_servers_start_nothing_of_ours(run, code, settings):
    assert run("audit", "verify").status == 0
    assert not (settings.var / "run" / "owner.lock").exists()
    assert not (settings.var / "postgres").exists()


def test_a_failure_of_ours_is_not_dressed_up_as_the_callers(run, code, monkeypatch):
    """A broken connection is an OSError too, and no file of the caller's is to blame."""

    def fail(*_):
        raise ConnectionResetError("peer")

    monkeypatch.setattr("backoffice.cli.export.find_batch", fail)
    with pytest.raises(ConnectionResetError):
        run("export", "package", "--batch", code, "--out", "x.zip")


def test_nothing_is_written_when_a_command_fails(command_app, committed):
    with (
        command_app.app_context(),
        pytest.raises(ZeroDivisionError),
        common.transaction() as session,
    ):
        make_school(session)
        1 / 0
    assert count(committed, School) == 0


def test_a_real_process_keeps_logs_off_standard_output(settings, committed):
    """The whole application, by the command of the contract, against outside servers."""
    environment = {
        **os.environ,
        "APP_ENV": "test",
        "VAR_DIR": settings.var_dir,
        "DATABASE_URL": settings.database_url,
        "REDIS_URL": settings.redis_url,
        "LOG_LEVEL": "DEBUG",
    }

    def flask(*arguments):
        return subprocess.run(
            [sys.executable, "-m", "flask", "--app", "wsgi", *arguments],
            cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60,
        )  # fmt: skip

    made = flask("school", "create", "--code", "10009", "--name", "甲大学", "--json")
    assert made.returncode == 0, made.stderr
    assert json.loads(made.stdout) == {"code": "10009", "name": "甲大学"}
    assert count(committed, School) == 1
    lost = flask("batch", "qr", "ZZZZZZ", "--out", "/nowhere", "--json")
    assert lost.returncode == 1
    assert json.loads(lost.stdout)["error"]["code"] == "batch_not_found"
    assert "Traceback" not in lost.stderr
