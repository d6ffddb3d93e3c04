"""The processes of the system, as data."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field

from backoffice.settings import Settings

WEB_PROCESSES = 2
WEB_THREADS = 8
# Path without the query string and no client address: both can hold personal data.
ACCESS_LOG = "%(t)s %(m)s %(U)s %(s)s %(B)s bytes %(M)s ms"


@dataclass(frozen=True)
class Program:
    """One kind of child process: its log's name, its command, how many, and what it needs extra.

    `stage` orders the stop: lower stages end first. `grace_seconds` is how long it may finish.
    """

    name: str
    argv: tuple[str, ...]
    count: int = 1
    stage: int = 1
    grace_seconds: float = 15.0
    env: Mapping[str, str] = field(default_factory=dict)

    def instances(self) -> list[str]:
        """Return one name per process: `web`, or `photos-1`, `photos-2` when there are several."""
        if self.count == 1:
            return [self.name]
        return [f"{self.name}-{number}" for number in range(1, self.count + 1)]


def photo_processes(settings: Settings) -> int:
    """Return how many photo workers run: the setting, or one per processor core we may use."""
    if settings.photo_workers > 0:
        return settings.photo_workers
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def system_programs(settings: Settings) -> list[Program]:
    """Return the whole system: web, outbox dispatcher, jobs, photos, documents, scheduler."""
    web = (
        sys.executable, "-m", "gunicorn", "wsgi:create_app()",
        "--bind", f"{settings.host}:{settings.port}",
        "--worker-class", "gthread",
        "--workers", str(WEB_PROCESSES),
        "--threads", str(WEB_THREADS),
        "--timeout", "60",
        "--graceful-timeout", "10",
        "--no-control-socket",
        "--access-logfile", "-",
        "--access-logformat", ACCESS_LOG,
    )  # fmt: skip
    worker = (sys.executable, "-m", "worker")
    # One thread each: as many processes as cores would otherwise fight for the same cores.
    single = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    return [
        Program("web", web, stage=0),
        Program("dispatcher", (*worker, "dispatcher")),
        Program("jobs", (*worker, "jobs")),
        Program("photos", (*worker, "photos"), count=photo_processes(settings), env=single),
        Program("documents", (*worker, "documents"), env=single),
        Program("imports", (*worker, "imports")),
        Program("scheduler", (*worker, "scheduler")),
    ]
