"""The start of a system: what an empty demo gets, what survives, what production never sees."""

from __future__ import annotations

import json
import stat
from dataclasses import replace

import pytest
from sqlalchemy import func, select, text

from backoffice import admin, bootstrap, create_app, demo_data
from backoffice.capture_codes.demo import DemoCaptureCodes
from backoffice.identity.documents import validate
from backoffice.models import Batch, Enrolment, School, Staff
from backoffice.settings import SettingsError
from tests.admin.house import sign_in
from tests.factories import make_batch, make_enrolment, make_school

ROLES = {"admin", "school", "reviewer", "operator", "finance"}


@pytest.fixture(scope="module")
def back_office(settings, database):
    """The back office beside the bootstrapped database: for signing in with what was written."""
    app = create_app(settings)
    admin.init_app(app)
    return app


@pytest.fixture
def demo_settings(settings, tmp_path, committed, redis):
    """The tests' servers and keys in demo mode, with a data folder of its own."""
    return replace(settings, app_env="demo", var_dir=str(tmp_path / "var"))


@pytest.fixture
def start(demo_settings):
    """Prepare the database like `make up` does."""

    def call(**change):
        return bootstrap.prepare(replace(demo_settings, **change))

    return call


@pytest.fixture
def demo_file(tmp_path):
    return tmp_path / "var" / "demo.json"


def works(app, login):
    """True when these words open the back office."""
    client = app.test_client()
    sign_in(client, login["email"], login["password"])
    return client.get("/admin/").status_code == 200


def test_an_empty_demo_gets_three_open_batches(start, committed, demo_file, demo_settings):
    content = start()
    assert content == json.loads(demo_file.read_text())
    assert stat.S_IMODE(demo_file.stat().st_mode) == 0o600
    assert content["base_url"] == demo_settings.public_url
    assert set(content["staff"]) == ROLES
    assert all(set(login) == {"email", "password"} for login in content["staff"].values())
    described = [(b["kind"], b["mode"], b["school_code"]) for b in content["batches"]]
    assert described == [
        ("graduate", "pay_first", "10001"),
        ("graduate", "photo_first", "10002"),
        ("freshman", "pay_first", "10001"),
    ]
    with committed() as session:
        for told in content["batches"]:
            batch = session.scalars(
                select(Batch).where(Batch.feature_code == told["feature_code"])
            ).one()
            graduate = batch.kind == "graduate"
            assert (batch.state, batch.roster_mode) == ("open", "full")
            assert batch.legal_basis
            assert batch.allow_album
            assert batch.requires_capture_code is graduate
            standard = "chsi-degree-blue" if graduate else "freshman-white"
            assert batch.standard.name == standard
        numbers = session.scalars(select(Enrolment.id_number)).all()
        assert len(numbers) == 3 * demo_data.STUDENTS_PER_BATCH
        assert len(set(numbers)) == len(numbers)
        assert all(validate("resident_id", number).number == number for number in numbers)


def test_the_sample_students_are_on_the_roster_with_a_genuine_code(start, demo_settings):
    content = start()
    decoder = DemoCaptureCodes.from_settings(demo_settings)
    for student, batch in zip(content["students"], content["batches"], strict=True):
        payload = decoder.decode(student["capture_code"])
        assert student["feature_code"] == batch["feature_code"]
        assert payload.school_code == batch["school_code"]
        assert payload.id_last4 == student["id_number"][-4:]
    assert content["capture_code_keys"]["key_base64url"] == demo_settings.capture_code_key


def test_a_second_start_keeps_data_and_log_ins(start, committed, demo_file, back_office):
    first = start()
    second = start(port=8123)
    assert second["staff"] == first["staff"]
    assert second["batches"] == first["batches"]
    assert second["base_url"] == "http://127.0.0.1:8123"
    with committed() as session:
        assert session.scalar(select(func.count()).select_from(School)) == 2
        assert session.scalar(select(func.count()).select_from(Staff)) == 5
    assert works(back_office, second["staff"]["admin"])


@pytest.mark.parametrize("damage", [None, '{"staff": {"admin"'])
def test_a_lost_file_is_written_again_with_log_ins_that_work(start, demo_file, back_office, damage):
    first = start()
    demo_file.unlink() if damage is None else demo_file.write_text(damage)
    second = start()
    assert json.loads(demo_file.read_text()) == second
    assert second["batches"] == first["batches"]
    assert second["staff"] != first["staff"]
    assert works(back_office, second["staff"]["school"])
    assert not works(back_office, first["staff"]["school"])


@pytest.mark.parametrize(
    "content",
    [
        "",
        "[]",
        "null",
        '{"staff": null}',
        '{"staff": {}}',
        json.dumps({"staff": {r: {"email": f"{r}@demo.example.com"} for r in ROLES}}),
        json.dumps({"staff": {r: {"email": f"{r}@x.com", "password": "p"} for r in ROLES}}),
    ],
)
def test_a_file_without_all_log_ins_of_this_database_counts_as_lost(session, tmp_path, content):
    path = tmp_path / "demo.json"
    path.write_text(content)
    assert demo_data.known_logins(session, path) is None


def test_log_ins_of_a_database_that_is_gone_are_not_kept(start, demo_file, back_office):
    demo_file.parent.mkdir(parents=True)
    stale = {r: {"email": f"{r}@demo.example.com", "password": "old"} for r in ROLES}
    demo_file.write_text(json.dumps({"staff": stale}))
    content = start()
    assert content["staff"] != stale
    assert works(back_office, content["staff"]["finance"])


def test_the_demo_adds_nothing_to_a_database_in_use(start, committed, demo_file):
    """Not even a file: it would carry a real student's name and number."""
    with committed() as session:
        make_enrolment(session, make_batch(session, make_school(session, code="10001")))
        session.commit()
    demo_file.parent.mkdir(parents=True)
    demo_file.write_text('{"staff": {}}')
    assert start() is None
    assert demo_file.read_text() == '{"staff": {}}'
    with committed() as session:
        assert session.scalar(select(func.count()).select_from(School)) == 1
        assert session.scalar(select(func.count()).select_from(Staff)) == 0


def test_batches_opened_later_do_not_push_into_the_demo_file(start, committed):
    first = start()
    with committed() as session:
        make_batch(session)
        session.commit()
    assert start()["batches"] == first["batches"]


@pytest.mark.parametrize("mode", ["production", "test"])
def test_only_the_demo_loads_anything(start, committed, demo_file, mode):
    assert start(app_env=mode) is None
    assert not demo_file.exists()
    with committed() as session:
        assert session.scalar(select(func.count()).select_from(School)) == 0
        assert session.scalar(text("SELECT count(*) FROM roles")) == 5


def test_production_refuses_a_database_with_demo_data(start):
    start()
    with pytest.raises(SettingsError, match="demo data"):
        start(app_env="production")


def test_a_production_application_does_not_start_on_demo_data(committed, settings, capsys):
    """Also without the bootstrap command: whoever starts the application meets the refusal."""
    from dataclasses import replace

    from wsgi import create_app

    production = replace(
        settings,
        app_env="production",
        payment_providers="wechat",
        capture_code_provider="none",
    )
    create_app(production)
    with committed() as session:
        demo_data.load(session)
        session.commit()
    with pytest.raises(SystemExit, match="demo data"):
        create_app(production)
