"""Rosters: a large file against its bare read, and against django-import-export on the same server."""

from __future__ import annotations

import io
import multiprocessing
import os
import threading
import time
import uuid
from multiprocessing.connection import Connection
from pathlib import Path

from sqlalchemy import create_engine, make_url
from sqlalchemy.orm import Session

from backoffice.settings import Settings
from bench.table import Row

LARGE = int(os.environ.get("BENCH_ROSTER_ROWS", "100000"))
SMALL = 10_000
MEMORY_MB = 600
SAMPLE_SECONDS = 0.05


def bare_read(data: bytes) -> float:
    """Return the seconds python-calamine takes to give the rows as Python values."""
    import python_calamine

    began = time.perf_counter()
    book = python_calamine.CalamineWorkbook.from_filelike(io.BytesIO(data))
    book.get_sheet_by_index(0).to_python()
    return time.perf_counter() - began


def import_in_process(
    settings: Settings, batch_id: uuid.UUID, data: bytes, times: int, out: Connection
) -> None:
    """Import and commit the file several times; send the seconds of each. Runs in its own process."""
    from backoffice import crypto
    from backoffice.imports.operations import import_roster
    from backoffice.models import Batch

    crypto.configure(settings)
    engine = create_engine(settings.database_url)
    with Session(engine) as session:
        batch = session.get_one(Batch, batch_id)
        out.send(os.getpid())
        for _ in range(times):
            began = time.perf_counter()
            report = import_roster(session, batch, data, "roster.xlsx")
            session.commit()
            out.send((time.perf_counter() - began, report.new, report.same, report.rejected))
    engine.dispose()


class Memory:
    """The greatest memory of a process and everything it started, shared pages counted once."""

    def __init__(self, pid: int) -> None:
        self.peak_mb = 0.0
        self._pid, self._over = pid, threading.Event()
        self._thread = threading.Thread(target=self._watch)
        self._thread.start()

    def end(self) -> float:
        self._over.set()
        self._thread.join()
        return self.peak_mb

    def _watch(self) -> None:
        while not self._over.wait(SAMPLE_SECONDS):
            total = sum(_pss_kb(pid) for pid in _family(self._pid))
            self.peak_mb = max(self.peak_mb, total / 1024)


def _family(pid: int) -> list[int]:
    found = [pid]
    try:
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        for thread in Path(f"/proc/{pid}/task").iterdir():
            children += (thread / "children").read_text().split()
    except OSError:
        return found
    for child in set(children):
        found += _family(int(child))
    return found


def _pss_kb(pid: int) -> int:
    try:
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1])
    except OSError:
        pass
    return 0


def ours(settings: Settings, data: bytes, times: int) -> tuple[list[tuple], float]:
    """Import into a new batch in a fresh process; returns the answers and the peak memory in MB."""
    from tests.factories import make_batch

    engine = create_engine(settings.database_url)
    with Session(engine) as session:
        batch_id = make_batch(session).id
        session.commit()
    engine.dispose()
    spawn = multiprocessing.get_context("spawn")
    here, there = spawn.Pipe()
    process = spawn.Process(target=import_in_process, args=(settings, batch_id, data, times, there))
    process.start()
    memory = Memory(here.recv())
    answers = [here.recv() for _ in range(times)]
    peak = memory.end()
    process.join()
    return answers, peak


def peer(settings: Settings, data: bytes) -> float:
    """Return the seconds django-import-export takes for the file, settings as they come."""
    import django
    from django.conf import settings as django_settings

    address = make_url(settings.database_url)
    django_settings.configure(
        INSTALLED_APPS=["import_export"],
        DATABASES={
            "default": {
                "ENGINE": "django.db.backends.postgresql",
                "NAME": address.database,
                "USER": address.username,
                "HOST": address.query["host"],
            }
        },
        DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
        USE_TZ=True,
    )
    django.setup()
    from django.db import connection, models
    from import_export import resources
    from import_export.formats.base_formats import XLSX

    from tests.factories_workbooks import HEADINGS

    names = [f"field_{n}" for n in range(1, len(HEADINGS))]
    columns = {name: models.TextField(null=True) for name in names}
    student = type(
        "Student",
        (models.Model,),
        {
            "__module__": __name__,
            "student_no": models.CharField(max_length=32, unique=True),
            **columns,
            "Meta": type("Meta", (), {"app_label": "import_export"}),
        },
    )
    with connection.schema_editor() as editor:
        editor.create_model(student)
    resource = resources.modelresource_factory(
        student, meta_options={"import_id_fields": ("student_no",), "exclude": ("id",)}
    )()
    began = time.perf_counter()
    dataset = XLSX().create_dataset(data)
    dataset.headers = ["student_no", *names]
    result = resource.import_data(dataset, raise_errors=True)
    took = time.perf_counter() - began
    assert result.totals["new"] == SMALL
    connection.close()
    return took


def run(settings: Settings) -> list[Row]:
    """Measure a large file twice, and a small one against the peer."""
    from tests.factories_workbooks import HEADINGS, big_xlsx, people

    large, small = (big_xlsx([HEADINGS, *people(n)]) for n in (LARGE, SMALL))
    ours(settings, small, 1)  # warms the server's files up
    reads = [bare_read(large)]
    ((first, new, _, _), (again, _, same, _)), peak = ours(settings, large, 2)
    reads.append(bare_read(large))
    assert (new, same) == (LARGE, LARGE)
    bare = sum(reads) / len(reads)
    ((quick, *_),), _ = ours(settings, small, 1)
    theirs = peer(settings, small)
    reference = "python-calamine's bare read of the same file"
    return [
        Row(
            f"roster import, {LARGE:,} rows .xlsx to applied", first / bare, 5, "lower", reference,
            f"{first:.1f} s here, {LARGE / first:,.0f} rows/s",
        ),
        Row(
            "the same file again, nothing changed", again / first, 1, "lower",
            "the first import", f"{again:.1f} s here",
        ),
        Row(
            f"roster import, peak memory of all its processes, {LARGE:,} rows", peak / MEMORY_MB, 1,
            "lower", f"{MEMORY_MB} MB", f"{peak:.0f} MB here",
        ),
        Row(
            f"roster import, {SMALL:,} rows .xlsx, rows per second", theirs / quick, 100, "higher",
            "django-import-export with the same file and server", f"{quick:.2f} s against {theirs:.1f} s",
        ),
    ]  # fmt: skip
