"""schemathesis against the running application: every check, signed in, along the links."""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from werkzeug.serving import make_server

from student_api import waiting
from student_api.limits import _KEY, NoLimits
from tests.factories import make_batch
from tests.student_api.conftest import (
    code_for,
    identified,
    jpeg,
    list_person,
    ordered,
    paid,
)
from tests.student_api.page_site import Reads

HOOKS = "tests.student_api.schemathesis_hooks"
ROOT = Path(__file__).resolve().parent.parent.parent
# Two runs, because in one the links would get what little time the other phases leave.
RUNS = [("examples,coverage,fuzzing", 35), ("stateful", 20)]


@pytest.fixture
def address(app, redis, monkeypatch):
    """The application behind a real socket, without rate limits, with somebody reading ID cards."""
    monkeypatch.setattr("werkzeug._internal._logger", logging.getLogger("silent"))
    logging.getLogger("silent").setLevel(logging.CRITICAL)
    monkeypatch.setitem(app.extensions, _KEY, NoLimits())
    monkeypatch.setattr(waiting, "MAX_WAIT_SECONDS", 0.2)  # long polls would take all the time
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    reads = Reads(app, redis)
    reads.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    reads.end()


def ids_of(student, order, batch, enrolment, other):
    uploaded = student.upload(f"/orders/{order['id']}/photos", jpeg()).get_json()["photo"]
    ticket = student.post("/tickets", {"subject": "照片", "body": "什么时候寄出？"}).get_json()
    known = {
        f"/api/v1/orders/{{id}}{rest} id": order["id"]
        for rest in ("", "/events", "/photos", "/photo", "/email", "/payments", "/uploads",
                     "/photos/{photo_id}", "/submit", "/withdraw", "/confirm-receipt")
    }  # fmt: skip
    return known | {
        "/api/v1/orders/{id}/photos/{photo_id} photo_id": uploaded["id"],
        "/api/v1/batches/{feature_code} feature_code": batch.feature_code,
        "/api/v1/batches/{feature_code}/identify feature_code": other.feature_code,
        "/api/v1/batches/{feature_code}/contest feature_code": batch.feature_code,
        "/api/v1/enrolments/{id} id": enrolment,
        "/api/v1/enrolments/{id}/confirm id": enrolment,
        "/api/v1/enrolments/{id}/corrections id": enrolment,
        "/api/v1/tickets/{id}/messages id": ticket["ticket"]["id"],
        "/api/v1/guides/{kind} kind": "shooting",
    }


@pytest.mark.parametrize(("phases", "seconds"), RUNS)
def test_every_check_of_schemathesis(
    phases, seconds, address, student, settings, committed, batch, person, tmp_path
):
    enrolment = identified(student, settings, committed, batch, person)
    order = ordered(student, enrolment)
    paid(student, order)
    with committed() as session:
        other = make_batch(session)
        session.commit()
        _ = other.school.code
    entry = list_person(committed, other, person)
    claim = {
        "id_last4": person.id_number[-4:],
        "capture_code": code_for(settings, other, person, entry.student_no),
    }
    known = {
        "base_url": address,
        "token": student.headers["Authorization"].removeprefix("Bearer "),
        "login": {"login": person.id_number, "password": person.id_number[-6:]},
        "ending": ["logout", "password"],
        "ids": ids_of(student, order, batch, enrolment, other),
        "bodies": {"identify_student": claim},
    }
    done = subprocess.run(
        [
            sys.executable, "-m", "schemathesis.cli", "run", f"{address}/api/v1/openapi.json",
            "--checks", "all", "--exclude-checks", "positive_data_acceptance",
            "--max-response-time", "30",  # reading an ID card may take its eight seconds
            "--phases", phases,
            "--max-examples", "4", "--max-time", str(seconds), "--seed", "20261121",
            "--generation-database", "none", "--request-timeout", "40", "--no-color",
            "--continue-on-failure", "--no-shrink",
        ],
        cwd=tmp_path,
        env={
            **os.environ, "SCHEMATHESIS_HOOKS": HOOKS, "PYTHONPATH": str(ROOT),
            "API_KNOWN": json.dumps(known),
        },
        capture_output=True, text=True, timeout=170, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-20000:] + done.stderr[-3000:]
