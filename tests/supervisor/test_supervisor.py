"""The whole machinery as processes: start, kill, recover, stop, restart, complain."""

from __future__ import annotations

import itertools
import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import psutil
import psycopg
import pytest
from redis import Redis

from backoffice.settings import ROOT
from supervisor.accounts import database_account
from supervisor.children import end_leftovers
from supervisor.postgres import Postgres
from supervisor.valkey import Valkey
from tests.supervisor.conftest import free_port, lives, wait_for


def write_row(var: Path, value: str) -> None:
    with Postgres(var).connect("backoffice") as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS kept (value text)")
        connection.execute("INSERT INTO kept VALUES (%s)", [value])


def rows(var: Path) -> list[str]:
    with Postgres(var).connect("backoffice") as connection:
        return [row[0] for row in connection.execute("SELECT value FROM kept ORDER BY value")]


def valkey(var: Path) -> Redis:
    return Redis.from_url(Valkey(var).url())


def test_data_survives_a_clean_stop_and_a_start(supervise, tmp_path):
    var = tmp_path / "var"
    first = supervise().until_ready()
    write_row(var, "one")
    valkey(var).set("job", "1")
    family = first.family()
    assert first.end(signal.SIGINT) == 0
    assert not [p for p in family if lives(p)]
    assert not (var / "postgres" / "postmaster.pid").exists()
    assert "the data is kept" in first.said

    supervise().until_ready()
    assert rows(var) == ["one"]
    assert valkey(var).get("job") == b"1"


def test_kill_9_of_everything_is_recovered_without_losing_committed_rows(supervise, tmp_path):
    var = tmp_path / "var"
    first = supervise().until_ready()
    write_row(var, "committed")
    valkey(var).set("job", "1")
    time.sleep(1.2)  # appendfsync everysec
    family = first.family()
    assert {"postgres", "valkey-server"} <= {p.name() for p in first.children()}
    # An open, uncommitted transaction at the moment of the kill must leave nothing.
    other = psycopg.connect(host=str(Postgres(var).sockets), user="postgres", dbname="backoffice")
    other.execute("INSERT INTO kept VALUES ('never committed')")
    first.process.kill()
    for process in family:
        with suppress(psutil.NoSuchProcess):
            process.kill()
    first.process.wait()
    other.close()
    assert (var / "postgres" / "postmaster.pid").exists()

    supervise().until_ready()
    assert rows(var) == ["committed"]
    assert valkey(var).get("job") == b"1"
    write_row(var, "later")
    assert rows(var) == ["committed", "later"]


@pytest.mark.parametrize("holder", ["a zombie", "a reused process id"])
def test_a_stale_pid_file_is_not_believed(supervise, tmp_path, holder):
    """The pid in postmaster.pid exists but is no PostgreSQL: probe, clear, start, spare it."""
    var = tmp_path / "var"
    first = supervise().until_ready()
    write_row(var, "one")
    pid_file = var / "postgres" / "postmaster.pid"
    content = pid_file.read_text().splitlines()
    first.end()
    # PostgreSQL refuses to start over the id of a process of its own account, so be one of those.
    account = database_account(var / "postgres")
    other = subprocess.Popen(["sleep", "60"], user=account.uid if account.switch else None)
    try:
        if holder == "a zombie":
            other.kill()
            wait_for(lambda: psutil.Process(other.pid).status() == psutil.STATUS_ZOMBIE)
        pid_file.write_text("\n".join([str(other.pid), *content[1:]]) + "\n")
        supervise().until_ready()
        assert rows(var) == ["one"]
        assert other.poll() is None or holder == "a zombie"
    finally:
        other.kill()
        other.wait()


def test_children_die_with_a_killed_supervisor_and_the_next_start_works(supervise, tmp_path):
    var = tmp_path / "var"
    first = supervise().until_ready()
    write_row(var, "one")
    family = first.children()
    first.process.kill()
    first.process.wait()
    wait_for(lambda: not any(lives(p) for p in family))
    # asked to stop, not cut off: it took its pid file with it
    assert not (var / "postgres" / "postmaster.pid").exists()
    supervise().until_ready()
    assert rows(var) == ["one"]


def test_a_stubborn_child_of_a_killed_supervisor_is_ended_by_the_next_start(supervise):
    deaf = (
        "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); "
        "print('deaf', flush=True); time.sleep(600)"
    )
    first = supervise([["deaf", [sys.executable, "-c", deaf], 1]]).until_ready()
    wait_for(lambda: "deaf" in (first.var / "log" / "deaf.log").read_text())
    child = next(p for p in first.children() if "signal.SIG_IGN" in " ".join(p.cmdline()))
    first.process.kill()
    first.process.wait()
    time.sleep(0.5)
    assert child.is_running()

    second = supervise()
    wait_for(lambda: not lives(child), 20)
    second.until_ready()
    assert "left-over processes were ended" in second.said


def test_a_recorded_process_id_given_to_another_program_is_spared(tmp_path):
    import json

    record = tmp_path / "children.json"
    myself = psutil.Process()
    record.write_text(json.dumps([[myself.pid, myself.create_time() - 100]]))
    assert end_leftovers(record) == 0
    assert not record.exists()


def test_a_crashing_child_starts_again_with_growing_pauses(supervise):
    crash = "import time; print(time.time(), flush=True); raise SystemExit(3)"
    one = supervise([["crasher", [sys.executable, "-c", crash], 1]])
    log = one.var / "log" / "crasher.log"
    wait_for(lambda: log.exists() and len(log.read_text().split()) >= 4, 30)
    times = [float(word) for word in log.read_text().split()]
    gaps = [b - a for a, b in itertools.pairwise(times)]
    assert gaps[0] >= 0.5
    assert gaps[2] >= 1.8 > gaps[0]
    assert "crasher ended (3)" in one.said


@pytest.mark.parametrize("server", ["postgres", "valkey-server"])
def test_a_killed_server_is_started_again(supervise, tmp_path, server):
    var = tmp_path / "var"
    one = supervise().until_ready()
    write_row(var, "one")
    main = next(p for p in one.family() if p.name() == server and p.parent().pid == one.process.pid)
    main.kill()
    wait_for(lambda: "was started again" in one.said)
    assert rows(var) == ["one"]
    assert valkey(var).ping()


def test_stages_stop_in_order_and_a_second_signal_kills(supervise):
    slow = (
        "import signal, sys, time\n"
        "def end(*_):\n    time.sleep(60)\n"
        "signal.signal(signal.SIGTERM, end); print('armed', flush=True); time.sleep(600)"
    )
    one = supervise([["slow", [sys.executable, "-c", slow], 1]]).until_ready()
    wait_for(lambda: "armed" in (one.var / "log" / "slow.log").read_text())
    began = time.monotonic()
    one.process.send_signal(signal.SIGINT)
    wait_for(lambda: "Stopping" in one.said)
    time.sleep(0.3)
    one.process.send_signal(signal.SIGINT)
    assert one.process.wait(15) == 0
    assert time.monotonic() - began < 10  # not the 15 seconds of grace


def test_web_stops_before_workers_and_both_while_the_servers_still_answer(supervise, tmp_path):
    """Each child notes when it was asked to stop and whether PostgreSQL answered then."""
    note = (
        "import os, signal, sys, time, psycopg\n"
        "from sqlalchemy import make_url\n"
        "url = make_url(os.environ['DATABASE_URL'])\n"
        "def end(*_):\n"
        "    c = psycopg.connect(host=url.query['host'], user='postgres', dbname='backoffice')\n"
        "    print(time.time(), c.execute('select 42').fetchone()[0], flush=True)\n"
        "    time.sleep(0.3)\n"
        "    sys.exit(0)\n"
        "signal.signal(signal.SIGTERM, end); print('armed', flush=True)\n"
        "while True: time.sleep(0.1)"
    )
    argv = [sys.executable, "-c", note]
    one = supervise([["worker", argv, 1], ["web", argv, 0]]).until_ready()
    logs = [one.var / "log" / f"{name}.log" for name in ("web", "worker")]
    wait_for(lambda: all("armed" in log.read_text() for log in logs))
    assert one.end() == 0
    said = [log.read_text().split() for log in logs]
    assert [words[2] for words in said] == ["42", "42"]
    assert float(said[1][1]) - float(said[0][1]) >= 0.3


def test_a_taken_port_is_one_sentence_naming_another(supervise):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        one = supervise(port=port)
        assert one.process.wait(20) == 1
    assert one.said.count("\n") == 1
    assert f"Port {port} is taken" in one.said
    assert "make up PORT=" in one.said


def test_a_second_supervisor_over_the_same_folder_says_where_the_first_is(supervise):
    first = supervise().until_ready()
    second = supervise(port=free_port())
    assert second.process.wait(20) == 1
    assert f"already running at http://127.0.0.1:{first.port}" in second.said
    assert "Traceback" not in second.said
    assert first.process.poll() is None


def test_make_down_stops_the_running_system_and_says_when_none_runs(supervise, tmp_path):
    def down() -> str:
        return subprocess.run(
            [sys.executable, "-m", "supervisor", "down"],
            cwd=ROOT,
            env={**os.environ, "VAR_DIR": str(tmp_path / "var"), "LANG": "en_US.UTF-8"},
            capture_output=True,
            text=True,
            check=True,
        ).stdout

    one = supervise().until_ready()
    assert down() == "Stopped.\n"
    assert one.process.wait(5) == 0
    assert "not running" in down()
