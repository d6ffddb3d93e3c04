"""Who is who: the rules of matching, and two claims at once."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta

import pytest

from backoffice.capture_codes.payload import CaptureCodePayload
from backoffice.enrolments import errors
from backoffice.enrolments.identification import identify
from backoffice.enrolments.matching import Claim
from backoffice.enrolments.windows import batch_phase
from backoffice.errors import BackofficeError
from backoffice.models import Batch, Student
from tests.factories import make_batch, make_enrolment, make_student, resident_id


def payload(student, batch, **changes):
    number = student.id_number
    return CaptureCodePayload(
        **{
            "serial": "2023001",
            "name_masked": "吴*兰",
            "id_masked": number[:3] + "*" * 11 + number[-4:],
            "id_last4": number[-4:],
            "school_code": batch.school.code,
            "school_name": batch.school.name,
            "level": "本科",
            "major": "软件工程",
            "expires_at": datetime.now(UTC) + timedelta(days=1),
        }
        | changes
    )


@pytest.mark.parametrize(
    ("days", "state", "phase"),
    [
        ((-1, 1), "open", "open"),
        ((1, 2), "open", "upcoming"),
        ((-2, -1), "open", "closed"),
        ((-1, 1), "closed", "closed"),
        ((-1, 1), "archived", "closed"),
        ((-1, 1), "draft", "draft"),
    ],
)
def test_when_a_batch_is_open(session, days, state, phase):
    now = datetime.now(UTC)
    opens, closes = (now + timedelta(days=d) for d in days)
    batch = make_batch(session, state=state, opens_at=opens, closes_at=closes)
    assert batch_phase(batch) == phase


@pytest.mark.parametrize("last4", ["", "   ", "12345678901", "0000", "'; --"])
def test_what_is_no_last_four_finds_nobody(session, last4):
    batch, student = make_batch(session, requires_capture_code=False), make_student(session)
    make_enrolment(session, batch, id_number=student.id_number, id_index=student.id_index)
    with pytest.raises(errors.NotOnRoster):
        identify(session, batch, student, Claim(last4, None))


def test_another_person_with_the_same_last_four_does_not_fit(session):
    """Full roster, no code: the whole number decides."""
    batch = make_batch(session, requires_capture_code=False)
    owner = make_student(session, id_number=resident_id(7, "20030915"))
    entry = make_enrolment(session, batch)
    entry.id_last4_indexes = make_enrolment(session, batch, owner).id_last4_indexes
    entry.id_last4 = owner.id_number[-4:]
    other = make_student(session, id_number=owner.id_number[:10] + "X" + owner.id_number[11:])
    session.flush()
    with pytest.raises(errors.NotOnRoster):
        identify(session, batch, other, Claim(owner.id_number[-4:], None))


def test_of_two_accounts_claiming_at_once_one_wins(committed):
    with committed() as session:
        batch = make_batch(session, roster_mode="none")
        first = make_student(session)
        # the same number cannot have two accounts: the same masks and last four can
        second = make_student(
            session, id_number=first.id_number[:6] + "1999" + first.id_number[10:]
        )
        session.commit()
        ids = batch.id, (first.id, second.id)
        shown = payload(first, batch)
    outcomes, gate = [], threading.Barrier(2)

    def claim(student_id):
        with committed() as session:
            batch = session.get_one(Batch, ids[0])
            student = session.get_one(Student, student_id)
            gate.wait()
            try:
                identify(session, batch, student, Claim(shown.id_last4, shown, "GPC1.x", "demo"))
                session.commit()
                outcomes.append("claimed")
            except BackofficeError as error:
                outcomes.append(error.code)

    threads = [threading.Thread(target=claim, args=(one,)) for one in ids[1]]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["claimed", "enrolment_taken"]
