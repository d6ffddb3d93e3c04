"""`make up`: everything in one foreground process, until Ctrl-C or SIGTERM."""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any

from backoffice.i18n import Text
from backoffice.settings import ROOT, Settings
from supervisor import ports, spawn
from supervisor.children import Children, end_leftovers
from supervisor.console import SupervisorError, say
from supervisor.embedded import Embedded, ensure_running
from supervisor.locks import FileLock
from supervisor.programs import Program, system_programs

TICK_SECONDS = 0.2
SLOW_START_SECONDS = 60.0
PREPARE = (sys.executable, "-m", "backoffice.bootstrap")

STARTING = Text("正在启动数据库与队列……", "Starting database and queue ...")
PREPARING = Text("正在迁移数据库、准备数据……", "Migrating the database and preparing its data ...")
LAUNCHING = Text("正在启动网站与后台任务……", "Starting web server and workers ...")
RECOVERED = Text(
    "上次未正常退出，已清理 {count} 个残留进程。",
    "The last run ended uncleanly; {count} left-over processes were ended.",
)
READY = Text(
    "\n已就绪（{seconds:.1f} 秒）：{url}\n  管理后台  {url}/admin/\n  接口文档  {url}/api/v1/docs",
    "\nReady ({seconds:.1f} s): {url}\n  Back office  {url}/admin/\n  API          {url}/api/v1/docs",
)
BATCH = Text("  学生页面  {url}/s/{code}（{mode}）", "  Student page {url}/s/{code} ({mode})")
LOGIN = Text("  登录 {role}：{email}  {password}", "  Log-in {role}: {email}  {password}")
HOW_TO_STOP = Text("按 Ctrl-C 停止。", "Press Ctrl-C to stop.")
SLOW = Text(
    "尚未就绪（{answer}），仍在等待；日志目录：{log}",
    "Not ready yet ({answer}), still waiting; logs: {log}",
)
STOPPING = Text("正在停止……", "Stopping ...")
ALL_STOPPED = Text("已全部停止，数据已保留。", "Everything is stopped; the data is kept.")
REVIVED = Text("{name} 意外退出，已重新启动。", "{name} had ended and was started again.")


class AlreadyRunning(SupervisorError):
    """Another supervisor serves this data folder."""

    code = "already_running"
    title = Text("系统已在运行", "The system is already running")
    detail = Text(
        "系统已在运行：{url}（进程 {pid}）；要停止请运行 make down。",
        "The system is already running at {url} (process {pid}); `make down` stops it.",
    )


class PreparationFailed(SupervisorError):
    """Migrations or demo data failed."""

    code = "preparation_failed"
    title = Text("数据准备失败", "Preparing the data failed")
    detail = Text(
        "数据库迁移或演示数据载入失败，原因见 {log}。",
        "Migrating the database or loading the demo data failed; see {log}.",
    )


@dataclass
class StopRequest:
    """What the signals asked for: once to stop, twice to stop without waiting."""

    count: int = 0

    def __call__(self, number: int, frame: FrameType | None) -> None:
        """Count one Ctrl-C or SIGTERM."""
        self.count += 1

    def stop(self) -> bool:
        """True once anything asked us to stop."""
        return self.count > 0

    def hurry(self) -> bool:
        """True once somebody insisted."""
        return self.count > 1


class Supervisor:
    """Owns the embedded servers and every child of one data folder."""

    def __init__(
        self,
        settings: Settings,
        *,
        programs: list[Program] | None = None,
        prepare: tuple[str, ...] | None = PREPARE,
        ready: Callable[[], tuple[bool, str]] | None = None,
        environ: Mapping[str, str] | None = None,
    ) -> None:
        self.settings = settings
        self.var = Path(settings.var_dir).resolve()
        self.log_dir = self.var / "log"
        self._programs = system_programs(settings) if programs is None else programs
        self._prepare_command = prepare
        self._ready = ready or (lambda: ports.readiness(settings.host, settings.port))
        self._environ = dict(os.environ if environ is None else environ)
        self._lock = FileLock(self.var / "run" / "supervisor.lock")
        self._request = StopRequest()

    def run(self) -> int:
        """Start everything, serve until asked to stop, stop everything; return the exit status.

        Raises SupervisorError before or during the start, with whatever was started stopped again.
        """
        began = time.monotonic()
        self._claim()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self._request)
        children = embedded = None
        try:
            self._recover()
            say(STARTING)
            embedded = ensure_running(self.settings, own=True, give_up=self._request.stop)
            env = self._environment(embedded)
            self._prepare(env)
            if not self._request.stop():
                say(LAUNCHING)
                children = Children(self._programs, self.log_dir, self._record, env)
                children.start()
                self._serve(children, embedded, began)
        finally:
            self._stop(children, embedded)
        return 0

    @property
    def _record(self) -> Path:
        return self.var / "run" / "children.json"

    def _claim(self) -> None:
        """Become the only supervisor of this data folder, on a port of its own."""
        if self.settings.demo:
            ports.require_loopback(self.settings.host)
        note = self.var / "run" / "supervisor.json"
        if not self._lock.try_acquire():
            running = read_note(note)
            raise AlreadyRunning(url=running.get("url", "?"), pid=running.get("pid", "?"))
        note.write_text(json.dumps({"pid": os.getpid(), "url": self.settings.public_url}))

    def _recover(self) -> None:
        """Clear what a killed supervisor left, then see whether the port is ours to take."""
        count = end_leftovers(self._record)
        if count:
            say(RECOVERED, count=count)
        ports.require_free(self.settings.host, self.settings.port)

    def _environment(self, embedded: Embedded) -> dict[str, str]:
        return {
            **self._environ,
            **embedded.environment(),
            "VAR_DIR": str(self.var),
            "HOST": self.settings.host,
            "PORT": str(self.settings.port),
            "PYTHONUNBUFFERED": "1",
        }

    def _prepare(self, env: Mapping[str, str]) -> None:
        """Run migrations and demo data in a process of their own; it writes demo.json."""
        if self._prepare_command is None or self._request.stop():
            return
        say(PREPARING)
        log = self.log_dir / "prepare.log"
        spawn.rotate(log)
        process = spawn.spawn(list(self._prepare_command), log=log, cwd=ROOT, env=env)
        while process.poll() is None and not self._request.stop():
            time.sleep(0.05)
        if self._request.stop():
            spawn.end(process, ((signal.SIGTERM, 10.0), (signal.SIGKILL, 5.0)))
        elif process.returncode != 0:
            raise PreparationFailed(log=log)

    def _serve(self, children: Children, embedded: Embedded, began: float) -> None:
        announced = False
        next_note = began + SLOW_START_SECONDS
        while not self._request.stop():
            for name in embedded.revive():
                say(REVIVED, name=name)
            children.watch()
            if not announced:
                announced, answer = self._ready()
                if announced:
                    self._announce(time.monotonic() - began)
                elif time.monotonic() > next_note:
                    say(SLOW, answer=answer, log=self.log_dir)
                    next_note += SLOW_START_SECONDS
            time.sleep(TICK_SECONDS)

    def _announce(self, seconds: float) -> None:
        url = self.settings.public_url
        say(READY, seconds=seconds, url=url)
        demo = read_note(self.var / "demo.json") if self.settings.demo else {}
        for batch in demo.get("batches", []):
            say(BATCH, url=url, code=batch.get("feature_code"), mode=batch.get("mode"))
        for role, account in demo.get("staff", {}).items():
            say(LOGIN, role=role, email=account.get("email"), password=account.get("password"))
        say(HOW_TO_STOP)

    def _stop(self, children: Children | None, embedded: Embedded | None) -> None:
        """Stop in order: web, workers, Valkey, PostgreSQL."""
        if children is not None or embedded is not None:
            say(STOPPING)
        if children is not None:
            children.stop(self._request.hurry)
        if embedded is not None:
            embedded.stop(wait_for_users=False)
            say(ALL_STOPPED)
        (self.var / "run" / "supervisor.json").unlink(missing_ok=True)
        self._lock.release()


def read_note(path: Path) -> dict[str, Any]:
    """Return a small JSON file's object; empty when absent or unreadable."""
    try:
        value = json.loads(path.read_text())
    except (OSError, ValueError):
        return {}
    return value if isinstance(value, dict) else {}


def run_down(settings: Settings, seconds: float = 60.0) -> bool:
    """Ask the running supervisor of this data folder to stop; False when none runs.

    Waits until it has stopped everything, at most `seconds`.
    """
    run = Path(settings.var_dir).resolve() / "run"
    lock = FileLock(run / "supervisor.lock")
    if lock.try_acquire():
        lock.release()
        return False
    pid = read_note(run / "supervisor.json").get("pid")
    if not isinstance(pid, int):
        return False
    os.kill(pid, signal.SIGTERM)
    stopped = lock.acquire(timeout_seconds=seconds)
    lock.release()
    return stopped
