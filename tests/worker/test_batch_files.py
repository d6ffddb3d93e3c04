"""Files made for a batch in the background, as a worker makes them and a page shows them."""

from __future__ import annotations

import io
import tempfile
import zipfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

import openpyxl
import pypdfium2
import pytest
import zxingcpp
from sqlalchemy import select

from backoffice.batches import jobs
from backoffice.batches.board import board
from backoffice.batches.stage_names import STAGE_NAMES
from backoffice.batches.stages import Stage
from backoffice.imports import steps
from backoffice.models import Batch, BatchJob, OutboxRow, Photo
from backoffice.storage import ObjectMissing
from tests import factories_workbooks as make
from tests.factories import PATHS, make_batch, make_enrolment, make_order, make_staff
from worker.jobs import batch_files, run

NASTY = ("=1+1", "+86", "-2", "@SUM(A1)", "\t=cmd|' /C calc'!A0")


@pytest.fixture
def batch(committed, context):
    with committed() as session:
        made = make_batch(session, feature_code="Z3K8F7")
        for number in range(23):
            make_enrolment(session, made, class_name="一班" if number % 2 else "二班")
        session.commit()
        yield made


@pytest.fixture
def ask(committed, batch):
    def asking(kind="class_sheets", staff=None, **options):
        with committed() as session:
            staff = staff or make_staff(session, "school", session.get_one(Batch, batch.id).school)
            job = jobs.request_job(
                session, session.get_one(Batch, batch.id), staff.id, kind, options
            )
            session.commit()
            return job, staff

    return asking


def job_now(committed, job):
    with committed() as session:
        return session.get_one(BatchJob, job.id)


def test_sheets_are_made_told_and_kept_for_a_day(context, committed, ask, work_all, scheduler):
    job, _ = ask()
    assert job.state == "waiting"
    work_all()
    done = job_now(committed, job)
    assert (done.state, done.done, done.total) == ("ready", 23, 23)
    data = context.storage.get(done.storage_key)
    assert len(data) == done.file_bytes
    document = pypdfium2.PdfDocument(data)
    found = [c.text for p in document for c in zxingcpp.read_barcodes(p.render(scale=2).to_pil())]
    assert len(set(found)) == 23
    with committed() as session:
        jobs.expire_file(session, job.id, datetime.now(UTC) + timedelta(days=2))
        session.commit()
    assert job_now(committed, job).state == "expired"
    with pytest.raises(ObjectMissing):
        context.storage.get(done.storage_key)


def test_the_timer_deletes_the_file(context, committed, ask, work_all, scheduler):
    job, _ = ask()
    work_all()
    key = job_now(committed, job).storage_key
    from backoffice.models import Timer

    with committed() as session:
        timer = session.scalars(select(Timer).where(Timer.action == jobs.EXPIRE)).one()
        assert timer.due_at > datetime.now(UTC) + timedelta(hours=23)
        timer.due_at = datetime.now(UTC)
        session.commit()
    scheduler.tick()
    assert job_now(committed, job).state == "expired"
    with pytest.raises(ObjectMissing):
        context.storage.get(key)


def test_one_class_alone(context, committed, ask, work_all):
    job, _ = ask(college="计算机学院", class_name="一班", locale="en")
    work_all()
    data = context.storage.get(job_now(committed, job).storage_key)
    text = pypdfium2.PdfDocument(data)[0].get_textpage().get_text_range()
    assert "Students: 11" in text
    assert "二班" not in text


def test_the_same_wish_is_one_job_until_it_is_over(committed, ask, work_all):
    first, staff = ask()
    assert ask(staff=staff)[0].id == first.id
    assert ask(staff=staff, locale="en")[0].id != first.id
    assert ask()[0].id != first.id
    work_all()
    assert ask(staff=staff)[0].id != first.id


def test_a_worker_that_dies_starts_again_and_leaves_one_file(context, committed, ask, monkeypatch):
    job, _ = ask()

    def dies(*args):
        raise KeyboardInterrupt

    with committed() as session:
        row = session.scalars(select(OutboxRow).where(OutboxRow.effect == jobs.EFFECT)).one()
        row.state = "published"
        session.commit()
    with monkeypatch.context() as patched:
        patched.setitem(batch_files.MAKERS, "class_sheets", dies)
        with pytest.raises(KeyboardInterrupt):
            run(str(row.id))
    assert job_now(committed, job).state == "running"
    run(str(row.id))
    assert job_now(committed, job).state == "ready"
    run(str(row.id))
    assert job_now(committed, job).state == "ready"


def test_a_job_that_cannot_be_done_says_so(context, committed, ask, monkeypatch):
    job, _ = ask()

    def fails(*args):
        raise ValueError("吴小兰")

    monkeypatch.setitem(batch_files.MAKERS, "class_sheets", fails)
    with committed() as session:
        row = session.scalars(select(OutboxRow).where(OutboxRow.effect == jobs.EFFECT)).one()
        for _ in range(3):
            row.state = "published"
            session.commit()
            run(str(row.id))
            session.refresh(row)
    failed = job_now(committed, job)
    assert (failed.state, row.state) == ("failed", "dead")
    assert "吴小兰" not in failed.error


def test_progress_is_told_on_the_way_not_at_every_code(committed, ask, monkeypatch):
    job, _ = ask()
    clock = iter([0.0, 0.1, 0.7, 0.75, 0.8, 0.8])
    monkeypatch.setattr(jobs, "monotonic", lambda: next(clock))
    seen = []
    with committed() as session:
        tell = jobs.teller(session, job.id)
        for done in (10, 20, 21, 23):
            tell(done, 23)
            seen.append(job_now(committed, job).done)
    assert seen == [0, 20, 20, 23]


def test_the_package_is_built_with_progress_and_leaves_no_copy(
    context, committed, ask, work_all, batch
):
    with committed() as session:
        order = make_order(session, session.get_one(Batch, batch.id), "approved")
        photo = session.get_one(Photo, order.photo_id)
        context.storage.put(photo.result_key, b"not the approved bytes")
        session.commit()
    job, _ = ask("export_package")
    assert asked(committed).queue == "imports"  # where a job may take its time
    before = set(Path(tempfile.gettempdir()).iterdir())
    work_all()
    done = job_now(committed, job)
    assert (done.state, done.done, done.file_name) == ("ready", 1, "Z3K8F7.zip")
    names = zipfile.ZipFile(io.BytesIO(b"".join(jobs.read_file(context.storage, done)))).namelist()
    assert {"manifest.csv", "exceptions.csv"} <= set(names)
    left = set(Path(tempfile.gettempdir()).iterdir()) - before
    assert not [folder for folder in left if list(folder.glob("package.zip"))]


def test_a_roster_comes_back_marked_until_its_upload_is_gone(
    context, committed, ask, work_all, batch
):
    rows = make.people(2)
    rows[1][3] = "310101200309150000"
    data = make.xlsx([make.HEADINGS, *rows])
    with committed() as session:
        here = session.get_one(Batch, batch.id)
        staff = make_staff(session, "school", here.school)
        record = steps.start(session, context.storage, here, data, "名单.xlsx", staff.id)
        session.commit()
    work_all()
    job, _ = ask("roster_errors", **{"import": str(record.id)})
    work_all()
    done = job_now(committed, job)
    book = openpyxl.load_workbook(io.BytesIO(context.storage.get(done.storage_key)))
    assert book["名单"]["D3"].comment is not None
    context.storage.delete(record.storage_key)
    late, _ = ask("roster_errors", **{"import": str(record.id)})
    for _ in range(3):
        with committed() as session:
            asking = select(OutboxRow).where(OutboxRow.effect == jobs.EFFECT)
            row = session.scalars(asking.where(OutboxRow.state != "done")).one()
            row.state = "published"
            session.commit()
            run(str(row.id))
    assert (job_now(committed, late).state, job_now(committed, late).error) == (
        "failed",
        "roster_upload_gone",
    )


def asked(committed) -> OutboxRow:
    with committed() as session:
        return session.scalars(select(OutboxRow).where(OutboxRow.effect == jobs.EFFECT)).one()


def test_pace_and_time_left():
    started = datetime.now(UTC) - timedelta(seconds=10)
    line = jobs.JobLine(BatchJob(state="running", done=50, total=200, started_at=started), "x")
    assert line.per_second == pytest.approx(5, rel=0.05)
    assert line.seconds_left == pytest.approx(30, rel=0.05)
    waiting = jobs.JobLine(BatchJob(state="waiting", done=0), "x")
    assert (waiting.per_second, waiting.seconds_left) == (None, None)


@pytest.mark.parametrize("locale", ["zh", "en"])
def test_the_workbook_agrees_with_the_board_and_holds_no_formula(
    context, committed, ask, work_all, batch, locale
):
    with committed() as session:
        here = session.get_one(Batch, batch.id)
        for state in PATHS:
            make_order(session, here, state)
        for number, text in enumerate(NASTY):
            make_enrolment(
                session, here, student_no=f"{text}{number}", name_masked=text, class_name=text, college=text,
            )  # fmt: skip
        session.commit()
        wanted = board(session, here.id)
    job, _ = ask("progress", locale=locale)
    work_all()
    done = job_now(committed, job)
    assert done.done == done.total == wanted.whole.total
    book = openpyxl.load_workbook(io.BytesIO(context.storage.get(done.storage_key)))
    figures, people = book.worksheets
    cells = [cell for sheet in book for row in sheet.iter_rows() for cell in row]
    assert not [cell for cell in cells if cell.data_type == "f"]
    rows = list(people.iter_rows(values_only=True))[1:]
    assert len(rows) == wanted.whole.total
    names = [STAGE_NAMES[stage].get(locale) for stage in Stage]
    for stage, name in zip(Stage, names, strict=True):
        assert sum(row[4] == name for row in rows) == wanted.whole.counts[stage]
    table = list(figures.iter_rows(min_row=3, values_only=True))
    assert list(table[0][2:10]) == names
    assert len(table) == len(wanted.classes) + 2
    assert table[-1][10] == wanted.whole.total
    assert sum(row[10] for row in table[1:-1]) == wanted.whole.total
    assert not any("吴小兰" in str(cell.value) for cell in cells)
