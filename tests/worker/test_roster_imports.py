"""Roster imports in real worker processes: one killed half-way leaves nothing and is run again."""

from __future__ import annotations

import pytest
from sqlalchemy import func, select, text

from backoffice.imports import steps, working
from backoffice.imports.progress import progress_of
from backoffice.models import Batch, Enrolment, OutboxRow, RosterImport
from tests import factories_workbooks as make
from tests.factories import make_batch, make_staff
from tests.worker.waiting import wait_until
from worker.dispatcher import sweep


@pytest.fixture
def uploaded(context, committed, work_all):
    """A file previewed by the job, over a batch that has one of its students already."""
    with committed() as session:
        batch, staff = make_batch(session), make_staff(session, "admin")
        session.commit()

    def upload(rows):
        with committed() as session:
            record = steps.start(
                session,
                context.storage,
                session.get_one(Batch, batch.id),
                make.xlsx([make.HEADINGS, *rows]),
                "名单.xlsx",
                staff.id,
            )
            session.commit()
        work_all()
        return record.id

    def confirm(import_id):
        with committed() as session:
            record = session.get_one(RosterImport, import_id)
            steps.confirm(session, record, steps.token(record))
            session.commit()

    return upload, confirm


def state(committed, import_id):
    with committed() as session:
        return session.get_one(RosterImport, import_id).state


def students(committed):
    with committed() as session:
        return session.scalar(select(func.count()).select_from(Enrolment))


def test_the_job_reads_checks_and_writes(committed, uploaded, work_all):
    upload, confirm = uploaded
    import_id = upload(make.people(30))
    assert state(committed, import_id) == "previewed"
    confirm(import_id)
    work_all()
    assert (state(committed, import_id), students(committed)) == ("applied", 30)
    with committed() as session:
        assert progress_of(session, import_id).stage == "writing"


def test_a_killed_worker_leaves_nothing_half_written_and_the_import_goes_on(
    committed, context, redis, uploaded, work_all, publish, processes
):
    upload, confirm = uploaded
    first = upload(make.people(1))
    confirm(first)
    work_all()
    rows = make.people(300)
    rows[0][8] = "计科2299"  # this one exists: the writing must wait for its lock
    import_id = upload(rows)
    with committed() as holder:
        holder.execute(text("SELECT id FROM enrolments FOR UPDATE"))
        confirm(import_id)
        publish()
        worker = processes.start("-m", "worker", "imports")
        wait_until(lambda: waits_for_the_lock(committed))
        worker.kill()
        worker.wait()
    wait_until(lambda: not waits_for_the_lock(committed))
    assert (state(committed, import_id), students(committed)) == ("applying", 1)
    with committed() as session:
        assert session.scalars(select(Enrolment.class_name)).one() == "计科2201"
        wait_until(lambda: sweep(session, redis, grace_seconds=0) == 1)
    publish()
    processes.start("-m", "worker", "imports")
    wait_until(lambda: state(committed, import_id) == "applied")
    assert students(committed) == 300
    with committed() as session:
        done = session.scalars(select(OutboxRow).filter_by(effect=steps.WORK)).all()
        assert {row.state for row in done} <= {"done", "published"}


def waits_for_the_lock(committed) -> bool:
    with committed() as session:
        query = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
        return bool(session.scalar(text(query)))


def test_an_import_whose_worker_always_dies_says_so(context, committed, uploaded):
    upload, confirm = uploaded
    import_id = upload(make.people(2))
    confirm(import_id)
    with committed() as session:
        working.interrupted(session, import_id)
        session.commit()
        record = session.get_one(RosterImport, import_id)
        assert (record.state, record.error["code"]) == ("failed", "roster_import_interrupted")
        steps.check_again(session, record)  # nothing was written, so it can be tried again
        assert record.state == "checking"
