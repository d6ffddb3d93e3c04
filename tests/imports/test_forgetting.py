"""Erasing a student: what imports keep beside the enrolment goes too, other students' stays."""

from __future__ import annotations

import pytest
from sqlalchemy import func, select

from backoffice.crypto import keyring
from backoffice.imports import steps, working
from backoffice.imports.errors import ImportRunning
from backoffice.imports.forgetting import forget
from backoffice.imports.operations import import_roster
from backoffice.models import Enrolment, RosterImport
from backoffice.models.roster import ReplacedRow, StagedRow
from backoffice.storage import storage_for
from tests import factories_workbooks as make
from tests.factories import make_batch, make_staff


@pytest.fixture
def storage(settings):
    return storage_for(settings, keyring())


@pytest.fixture
def batch(session):
    return make_batch(session)


def load(session, batch, rows) -> None:
    import_roster(session, batch, make.csv_text([make.HEADINGS, *rows]).encode(), "名单.csv")


def entry(session, batch, student_no: str) -> Enrolment:
    return session.scalars(
        select(Enrolment).filter_by(batch_id=batch.id, student_no=student_no)
    ).one()


def uploaded(session, storage, batch, headings=make.HEADINGS) -> RosterImport:
    data = make.csv_text([headings, *make.people(3)]).encode()
    staff = make_staff(session, "school", batch.school)
    record = steps.start(session, storage, batch, data, "名单.csv", staff.id)
    working.work(session, storage, record.id)
    return record


def replaced(session) -> list[str]:
    return sorted(session.scalars(select(ReplacedRow.student_no)))


def test_replaced_values_go_for_this_student_only(session, storage, batch):
    rows = make.people(2)
    load(session, batch, rows)
    for row in rows:
        row[8] = "计科2299"
    load(session, batch, rows)
    assert replaced(session) == [rows[0][0], rows[1][0]]
    forget(session, storage, [entry(session, batch, rows[0][0]).id])
    assert replaced(session) == [rows[1][0]]


def test_an_id_once_given_to_another_number_is_found(session, storage, batch):
    mine, other = make.people(2)
    wrong = ["20990001", *mine[1:]]
    load(session, batch, [wrong])
    load(session, batch, [["20990001", *other[1:]], mine])  # put right: now each has the own ID
    assert replaced(session) == ["20990001"]
    forget(session, storage, [entry(session, batch, mine[0]).id])
    assert replaced(session) == []


@pytest.mark.parametrize(
    ("headings", "state"),
    [(make.HEADINGS, "previewed"), (["编号", *make.HEADINGS[1:]], "mapping")],
)
def test_waiting_uploads_are_given_up_whole(session, storage, batch, headings, state):
    load(session, batch, make.people(1))
    record = uploaded(session, storage, batch, headings)
    key = record.storage_key
    assert record.state == state
    forget(session, storage, [entry(session, batch, make.people(1)[0][0]).id])
    session.refresh(record)
    assert (record.state, record.proposal, record.storage_key) == ("discarded", None, None)
    assert not storage.exists(key)
    assert session.scalar(select(func.count()).select_from(StagedRow)) == 0


def test_other_batches_keep_their_uploads(session, storage, batch):
    load(session, batch, make.people(1))
    record = uploaded(session, storage, make_batch(session, batch.school))
    forget(session, storage, [entry(session, batch, make.people(1)[0][0]).id])
    session.refresh(record)
    assert (record.state, storage.exists(record.storage_key)) == ("previewed", True)


def test_nothing_goes_while_an_import_works(session, storage, batch):
    rows = make.people(3)
    load(session, batch, rows)
    rows[0][8] = "计科2299"
    load(session, batch, rows)
    record = uploaded(session, storage, batch)
    steps.confirm(session, record, steps.token(record))
    with pytest.raises(ImportRunning):
        forget(session, storage, [entry(session, batch, rows[0][0]).id])
    assert replaced(session) == [rows[0][0]]
    assert storage.exists(record.storage_key)
