"""The servers a command needs: outside ones when configured, otherwise embedded under VAR_DIR.

Who starts the embedded servers owns them and holds `run/owner.lock`; every other command attaches,
holding `run/users.lock` shared. The kernel drops both locks when a process dies, so the lock, not
a pid file, says whether an owner lives. An owner that is only a passing command waits for the
attached ones before it stops the servers; the supervisor does not.
"""

from __future__ import annotations

import atexit
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from backoffice.i18n import Text
from backoffice.settings import Settings
from supervisor.console import SupervisorError
from supervisor.locks import FileLock
from supervisor.postgres import Postgres
from supervisor.valkey import Valkey

ATTACH_SECONDS = 200.0


class ServersBusy(SupervisorError):
    """Another process owns the embedded servers and they do not answer."""

    code = "servers_busy"
    title = Text("内置服务被占用", "The embedded servers are in use")
    detail = Text(
        "另一个命令正在使用 {var} 下的内置数据库，请等它结束后重试。",
        "Another command is using the embedded servers under {var}; wait for it, then retry.",
    )


@dataclass
class Embedded:
    """Addresses of running servers; `stop` ends what this process started and nothing else."""

    database_url: str
    redis_url: str
    servers: list[Postgres | Valkey] = field(default_factory=list)
    owner_lock: FileLock | None = None
    users_lock: FileLock | None = None

    def environment(self) -> dict[str, str]:
        """Return what child processes need in their environment to use these servers."""
        return {"DATABASE_URL": self.database_url, "REDIS_URL": self.redis_url}

    def revive(self) -> list[str]:
        """Start again every server of ours that ended; return their names."""
        dead = [server for server in self.servers if server.dead]
        for server in dead:
            server.start()
        return [server.name for server in dead]

    def stop(self, *, wait_for_users: bool = True) -> None:
        """Stop what we started (Valkey, then PostgreSQL); without servers of ours only detach."""
        if self.owner_lock is not None and self.users_lock is not None and wait_for_users:
            self.users_lock.acquire()
        for server in reversed(self.servers):
            server.stop()
        self.servers = []
        for lock in (self.users_lock, self.owner_lock):
            if lock is not None:
                lock.release()


def expected_addresses(settings: Settings) -> Settings:
    """Return `settings` with the addresses the servers will have; starts nothing.

    For commands that may never need them: `with_addresses` starts what they turn out to need.
    """
    var = Path(settings.var_dir).resolve()
    return replace(
        settings,
        database_url=settings.database_url or Postgres(var).url(),
        redis_url=settings.redis_url or Valkey(var).url(),
    )


def with_addresses(settings: Settings) -> Settings:
    """Return `settings` with the addresses of running servers filled in, for one command's life.

    What has to be started for it is stopped again when the process exits. Within `make up` both
    addresses are given and nothing happens here.
    """
    servers = ensure_running(settings)
    atexit.register(servers.stop)
    return replace(settings, database_url=servers.database_url, redis_url=servers.redis_url)


def ensure_running(
    settings: Settings,
    *,
    own: bool = False,
    postgres_overrides: Mapping[str, str] | None = None,
    give_up: Callable[[], bool] = lambda: False,
) -> Embedded:
    """Return running servers for `settings`, starting embedded ones only where none is configured.

    Servers that already run are attached to and left running by `stop()`. `own=True` (the
    supervisor) never attaches: it waits until a passing command has let go, or `give_up()`.
    Call it from the main thread. Raises SupervisorError when a server cannot be started.
    """
    if settings.database_url and settings.redis_url:
        return Embedded(settings.database_url, settings.redis_url)
    var = Path(settings.var_dir).resolve()
    postgres = None if settings.database_url else Postgres(var, postgres_overrides)
    valkey = None if settings.redis_url else Valkey(var)
    servers: list[Postgres | Valkey] = [s for s in (postgres, valkey) if s is not None]
    owner, users = FileLock(var / "run" / "owner.lock"), FileLock(var / "run" / "users.lock")
    wanted = Embedded(
        postgres.url() if postgres else settings.database_url,
        valkey.url() if valkey else settings.redis_url,
        users_lock=users,
    )
    if own and not owner.acquire(give_up=give_up):
        raise ServersBusy(var=var)
    if owner.held or not _attach(servers, owner, users):
        wanted.owner_lock = owner
        _start(wanted, servers)
    if not all(server.answers() for server in servers):
        wanted.stop(wait_for_users=False)
        raise ServersBusy(var=var)
    return wanted


def _attach(servers: list[Postgres | Valkey], owner: FileLock, users: FileLock) -> bool:
    """Attach to the living owner's servers; False when there is none and the owner's lock is ours.

    An owner that is still starting or already stopping is waited for.
    """
    deadline = time.monotonic() + ATTACH_SECONDS
    while time.monotonic() < deadline:
        if owner.try_acquire():
            users.release()
            return False
        # The users' lock first: an owner that gets it before us is stopping, so try again.
        if users.try_acquire(shared=True):
            if all(server.answers() for server in servers):
                return True
            users.release()
        time.sleep(0.1)
    return True  # the owner lives but does not answer: the caller says so


def _start(wanted: Embedded, servers: list[Postgres | Valkey]) -> None:
    try:
        for server in servers:
            wanted.servers.append(server)
            server.start()
    except BaseException:
        wanted.stop(wait_for_users=False)
        raise
