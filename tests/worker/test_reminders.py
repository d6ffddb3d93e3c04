"""Reminders leave for those who still have something to do, each once."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from sqlalchemy import select, update

from backoffice.batches.reminders import REMINDABLE, queue_reminders
from backoffice.batches.stages import Stage
from backoffice.models import Message, OutboxRow
from tests.factories import advance, make_batch, make_enrolment, make_order, make_student

ROSTER_PHONE = "+8613900001234"


@pytest.fixture
def sent(context, work_all, committed):
    """Let every waiting reminder leave and return what was sent."""

    def send() -> list[dict]:
        with committed() as session:
            session.execute(update(OutboxRow).values(available_at=OutboxRow.created_at))
            session.commit()
        work_all()
        path = Path(context.settings.var_dir) / "messages.jsonl"
        return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []

    return send


def queue(committed, batch_id, stages=REMINDABLE) -> int:
    from backoffice.models import Batch

    with committed() as session:
        count = queue_reminders(session, session.get_one(Batch, batch_id), stages)
        session.commit()
    return count


def test_everybody_hears_what_is_to_be_done(context, committed, sent):
    with committed() as session:
        batch = make_batch(session, feature_code="Z3K8F7")
        make_enrolment(session, batch, phone=ROSTER_PHONE)
        make_enrolment(session, batch)  # no phone: cannot be reached
        make_enrolment(session, batch, make_student(session, phone="+8613900005678", locale="en"))
        for state in ("draft", "paid", "pending_review", "refunded"):
            make_order(session, batch, state)
        session.commit()
        batch_id = batch.id
        session.execute(update(OutboxRow).values(state="done"))
        session.commit()
    assert queue(committed, batch_id) == 4
    texts = [message["text"] for message in sent()]
    assert len(texts) == 4
    for part in ("您尚未开始", "not ordered yet", "尚未支付", "还没有合格的照片"):
        assert sum(part in text for text in texts) == 1, part
    assert all("Z3K8F7" in text for text in texts if "尚未开始" in text)
    assert not any("http" in text or "吴小兰" in text for text in texts)
    assert queue(committed, batch_id) == 0  # once a day
    assert len(sent()) == 4
    with committed() as session:
        rows = session.scalars(select(Message).where(Message.enrolment_id.is_not(None))).all()
        assert {row.student_id is None for row in rows} == {True, False}
        assert ROSTER_PHONE in {row.recipient for row in rows}


def test_who_finished_or_left_meanwhile_hears_nothing(context, committed, sent):
    with committed() as session:
        batch = make_batch(session)
        order = make_order(session, batch, "paid")
        leaver = make_student(session)
        make_enrolment(session, batch, leaver)
        session.execute(update(OutboxRow).values(state="done"))
        session.commit()
        assert queue(committed, batch.id) == 2
        advance(session, order, "submit")
        leaver.active = False
        session.execute(
            update(OutboxRow).where(OutboxRow.effect != "notify.reminder").values(state="done")
        )
        session.commit()
    assert sent() == []


def test_a_batch_that_closed_meanwhile_reminds_nobody(context, committed, sent):
    with committed() as session:
        batch = make_batch(session)
        make_enrolment(session, batch, phone=ROSTER_PHONE)
        session.commit()
        assert queue(committed, batch.id, [Stage.NOT_STARTED]) == 1
        batch.state = "closed"
        session.commit()
    assert sent() == []
