"""Once a day: erasures that are due, and files nobody points to; through scheduler and job."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta

from sqlalchemy import select

from backoffice.models import AccessRecord, OutboxRow, Student
from backoffice.retention.daily import EFFECT, ask_daily
from tests.factories import make_batch, make_order, make_student
from worker.jobs import run

NOW = datetime.now(UTC)
LONG_AGO = NOW - timedelta(days=100)


def asked(session, state):
    batch = make_batch(session, opens_at=LONG_AGO, closes_at=NOW - timedelta(days=1))
    student = make_student(session, erasure_requested_at=LONG_AGO)
    make_order(session, batch, state, student=student)
    return student.id


def test_the_day_is_asked_for_once_by_any_number_of_schedulers(context, committed, scheduler):
    scheduler.tick()
    scheduler.tick()
    with committed() as session:
        ask_daily(session)
        session.commit()
        assert len(session.scalars(select(OutboxRow).where(OutboxRow.effect == EFFECT)).all()) == 1
        ask_daily(session, NOW + timedelta(days=1))
        session.commit()
        assert len(session.scalars(select(OutboxRow).where(OutboxRow.effect == EFFECT)).all()) == 2


def test_who_is_due_is_erased_and_files_without_a_row_go(context, committed):
    storage = context.storage
    storage.put("photos/2026/01/lost/original", b"x")
    os.utime(storage.root / "photos/2026/01/lost/original", (0, 0))
    with committed() as session:
        due, waits = asked(session, "closed"), asked(session, "paid")
        ask_daily(session)
        row = session.scalars(select(OutboxRow).where(OutboxRow.effect == EFFECT)).one()
        row.state, row.published_at = "published", NOW
        session.commit()
        row_id = row.id
    run(str(row_id))
    with committed() as session:
        assert session.get(OutboxRow, row_id).state == "done"
        assert session.get(Student, due).erased_at
        assert session.get(Student, waits).erased_at is None
        seen = session.scalars(select(AccessRecord)).all()
        assert [(a.action, a.subject_id, a.staff_id) for a in seen] == [
            ("student:erase", str(due), None)
        ]
    assert not storage.exists("photos/2026/01/lost/original")
