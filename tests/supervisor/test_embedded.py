"""Owners and users of the embedded servers; socket paths; outside servers."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import psycopg
import pytest

from backoffice.settings import ROOT, Settings
from supervisor.embedded import ensure_running
from supervisor.locks import FileLock
from supervisor.postgres import Postgres, PostgresVersionDiffers
from supervisor.sockets import LONGEST_PATH_BYTES, SocketFolderTaken, socket_folder
from tests.supervisor.conftest import wait_for

COMMAND = """
import sys, time
sys.path.insert(0, {root!r})
from backoffice.settings import Settings
from supervisor.embedded import ensure_running
servers = ensure_running(Settings(var_dir=sys.argv[1]))
print("owner" if servers.owner_lock else "attached", flush=True)
sys.stdin.readline()
servers.stop()
"""


def command(var: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", COMMAND.format(root=str(ROOT)), str(var)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def test_outside_servers_are_used_as_they_are(tmp_path):
    settings = Settings(database_url="postgresql+psycopg://db/x", redis_url="redis://cache")
    servers = ensure_running(settings)
    assert (servers.database_url, servers.redis_url) == (settings.database_url, settings.redis_url)
    assert servers.servers == []


def test_only_what_is_missing_is_started(tmp_path):
    settings = Settings(var_dir=str(tmp_path), database_url="postgresql+psycopg://db/x")
    servers = ensure_running(settings)
    try:
        assert [s.name for s in servers.servers] == ["valkey"]
        assert not (tmp_path / "postgres").exists()
    finally:
        servers.stop()


def test_of_two_commands_at_once_one_starts_and_one_attaches_and_the_owner_waits(tmp_path):
    both = [command(tmp_path), command(tmp_path)]
    said = [process.stdout.readline().strip() for process in both]
    assert sorted(said) == ["attached", "owner"]
    owner, user = both[said.index("owner")], both[said.index("attached")]
    owner.stdin.write("\n")
    owner.stdin.flush()
    time.sleep(0.5)
    assert owner.poll() is None  # it does not pull the servers from under the other
    assert Postgres(tmp_path).answers()
    user.stdin.write("\n")
    user.stdin.flush()
    assert user.wait(10) == 0
    assert owner.wait(10) == 0
    assert not Postgres(tmp_path).answers()


def test_a_killed_command_leaves_nothing_that_stops_the_next(tmp_path):
    first = command(tmp_path)
    assert first.stdout.readline().strip() == "owner"
    first.kill()
    first.wait()
    servers = ensure_running(Settings(var_dir=str(tmp_path)))
    try:
        assert servers.owner_lock is not None
        assert Postgres(tmp_path).answers()
    finally:
        servers.stop()


def test_an_interrupted_initdb_is_started_afresh(tmp_path):
    """The cluster appears under its name only when it is whole."""
    (tmp_path / "postgres.new").mkdir()
    (tmp_path / "postgres.new" / "PG_VERSION").write_text("18\n")
    server = Postgres(tmp_path)
    server.start()
    try:
        with server.connect("backoffice") as connection:
            assert connection.execute("SHOW fsync").fetchone() == ("on",)
    finally:
        server.stop()


def test_data_of_another_version_is_refused_and_left_alone(tmp_path):
    (tmp_path / "postgres").mkdir()
    (tmp_path / "postgres" / "PG_VERSION").write_text("15\n")
    with pytest.raises(PostgresVersionDiffers, match="PostgreSQL 15"):
        Postgres(tmp_path).start()
    assert [p.name for p in (tmp_path / "postgres").iterdir()] == ["PG_VERSION"]


def test_a_long_data_folder_still_gets_sockets_the_kernel_accepts(tmp_path):
    var = tmp_path / ("long" * 20) / ("path" * 20)
    servers = ensure_running(Settings(var_dir=str(var)))
    try:
        host = Postgres(var).sockets
        assert len(str(host / ".s.PGSQL.5432")) <= LONGEST_PATH_BYTES
        assert host.stat().st_mode & 0o077 == 0
        with psycopg.connect(host=str(host), user="postgres", dbname="backoffice") as connection:
            assert connection.execute("SELECT 1").fetchone() == (1,)
    finally:
        servers.stop()


def test_a_fallback_folder_of_another_user_is_refused(tmp_path, monkeypatch):
    import os
    import tempfile

    if os.geteuid() != 0:
        pytest.skip("only root can make another user's folder")
    monkeypatch.setattr(tempfile, "tempdir", "/tmp")
    var = tmp_path / ("long" * 40)
    folder = socket_folder(var, "valkey", 0).parent
    try:
        os.chown(folder, 65534, 65534)
        with pytest.raises(SocketFolderTaken):
            socket_folder(var, "valkey", 0)
    finally:
        (folder / "valkey").rmdir()
        folder.rmdir()


def test_a_lock_is_freed_by_the_death_of_its_holder_and_not_kept_by_its_children(tmp_path):
    script = (
        f"import sys, subprocess; sys.path.insert(0, {str(ROOT)!r})\n"
        "from pathlib import Path\nfrom supervisor.locks import FileLock\n"
        f"lock = FileLock(Path({str(tmp_path / 'lock')!r})); assert lock.try_acquire()\n"
        "child = subprocess.Popen(['sleep', '30'])\nprint(child.pid, flush=True)\n"
        "sys.stdin.read()"
    )
    holder = subprocess.Popen(
        [sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    child = int(holder.stdout.readline())
    lock = FileLock(tmp_path / "lock")
    assert not lock.try_acquire()
    holder.kill()
    holder.wait()
    try:
        wait_for(lock.try_acquire, 5)
    finally:
        import os

        os.kill(child, 9)


def test_servers_started_for_one_command_end_with_it(tmp_path):
    code = (
        "import sys; from backoffice.settings import Settings\n"
        "from supervisor.embedded import with_addresses\n"
        "print(with_addresses(Settings(var_dir=sys.argv[1])).database_url)"
    )
    said = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert said.stdout.strip() == Postgres(tmp_path).url()
    assert not Postgres(tmp_path).answers()
    assert not (tmp_path / "postgres" / "postmaster.pid").exists()
