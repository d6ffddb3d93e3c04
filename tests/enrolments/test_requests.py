"""Corrections and contests: what is asked, what acceptance does, what is refused."""

from __future__ import annotations

import pytest
from sqlalchemy import text

from backoffice.blind_indexes import last4_index
from backoffice.enrolments import errors
from backoffice.enrolments.matching import Claim
from backoffice.enrolments.requests import (
    accept,
    find_request,
    note_of,
    open_requests,
    refuse,
    request_contest,
    request_correction,
    requests_of_student,
    wanted_changes,
)
from tests.factories import (
    make_batch,
    make_enrolment,
    make_order,
    make_school,
    make_staff,
    make_student,
)


@pytest.fixture
def batch(session):
    return make_batch(session, requires_capture_code=False)


@pytest.fixture
def clerk(session, batch):
    return make_staff(session, "school", batch.school)


def owner_and_holder(session, batch):
    """An entry whose number is the owner's, in the hands of somebody else."""
    owner, holder = make_student(session), make_student(session)
    entry = make_enrolment(
        session,
        batch,
        holder,
        id_number=owner.id_number,
        id_index=owner.id_index,
        id_last4_indexes=[last4_index(batch.id, owner.id_number[-4:])],
    )
    return owner, holder, entry


def claim_of(student):
    return Claim(student.id_number[-4:], None)


def test_a_correction_is_sealed_and_changes_nothing_until_accepted(session, batch, clerk):
    student = make_student(session)
    entry = make_enrolment(session, batch, student)
    wanted = {"name": "吴晓兰", "major": "数学", "college": entry.college}
    request = request_correction(session, student, entry, wanted, "名字写错了")
    assert wanted_changes(request) == {"name": "吴晓兰", "major": "数学"}
    assert note_of(request) == "名字写错了"
    assert entry.name == "吴小兰"
    raw = session.execute(text("SELECT details FROM enrolment_requests")).scalar_one()
    assert "吴晓兰".encode() not in bytes(raw)

    accept(session, request.id, clerk.id, "已更正")
    assert (entry.name, entry.name_masked, entry.major) == ("吴晓兰", "吴*兰", "数学")
    assert (request.state, request.decided_by, request.answer) == ("accepted", clerk.id, "已更正")
    assert request.decided_at is not None


def test_a_minimal_roster_learns_no_full_name(session, batch, clerk):
    student = make_student(session)
    entry = make_enrolment(session, batch, student, name=None, name_index=None)
    request = request_correction(session, student, entry, {"name": "吴晓梅"}, None)
    accept(session, request.id, clerk.id)
    assert (entry.name, entry.name_masked) == (None, "吴*梅")


def test_a_correction_cannot_take_another_students_number(session, batch, clerk):
    student = make_student(session)
    other = make_enrolment(session, batch)
    entry = make_enrolment(session, batch, student)
    request = request_correction(session, student, entry, {"student_no": other.student_no}, None)
    with pytest.raises(errors.StudentNumberTaken):
        accept(session, request.id, clerk.id)


def test_a_correction_without_a_change_is_refused(session, batch):
    student = make_student(session)
    entry = make_enrolment(session, batch, student)
    with pytest.raises(errors.NothingToCorrect):
        request_correction(session, student, entry, {"major": entry.major}, None)


def test_one_open_request_of_a_kind(session, batch, clerk):
    student = make_student(session)
    entry = make_enrolment(session, batch, student)
    first = request_correction(session, student, entry, {"major": "数学"}, None)
    with pytest.raises(errors.RequestOpen):
        request_correction(session, student, entry, {"major": "物理"}, None)
    refuse(session, first.id, clerk.id, "请先联系教务处。")
    request_correction(session, student, entry, {"major": "物理"}, None)
    assert [r.state for r in requests_of_student(session, student)] == ["open", "refused"]


def test_a_contest_accepted_hands_the_entry_over(session, batch, clerk):
    owner, holder, entry = owner_and_holder(session, batch)
    request = request_contest(session, batch, owner, claim_of(owner), "不是我本人绑定的")
    assert entry.student_id == holder.id
    accept(session, request.id, clerk.id)
    assert entry.student_id == owner.id
    assert entry.confirmed_at is None
    with pytest.raises(errors.RequestDecided):
        refuse(session, request.id, clerk.id, "太晚了")


def test_a_contest_needs_the_same_proof_as_identification(session, batch):
    _, _, entry = owner_and_holder(session, batch)
    stranger = make_student(session)
    with pytest.raises(errors.NotOnRoster):
        request_contest(session, batch, stranger, Claim(entry.id_number[-4:], None), None)


@pytest.mark.parametrize("held_by", [None, "owner"])
def test_only_an_entry_in_other_hands_can_be_contested(session, batch, held_by):
    owner, _, entry = owner_and_holder(session, batch)
    entry.student_id = owner.id if held_by else None
    session.flush()
    with pytest.raises(errors.NothingToContest):
        request_contest(session, batch, owner, claim_of(owner), None)


@pytest.mark.parametrize(
    ("state", "refused"), [("paid", True), ("draft", True), ("closed", False), ("refunded", False)]
)
def test_the_holders_live_order_stands_in_the_way(session, batch, clerk, state, refused):
    owner, holder, entry = owner_and_holder(session, batch)
    make_order(session, batch, state, student=holder, enrolment=entry)
    request = request_contest(session, batch, owner, claim_of(owner), None)
    if not refused:
        accept(session, request.id, clerk.id)
        assert entry.student_id == owner.id
        return
    with pytest.raises(errors.HolderHasOrder):
        accept(session, request.id, clerk.id)
    assert (request.state, entry.student_id) == ("open", holder.id)


def test_nobody_gets_two_entries_of_a_batch_by_contest(session, batch, clerk):
    owner, _, _ = owner_and_holder(session, batch)
    request = request_contest(session, batch, owner, claim_of(owner), None)
    make_enrolment(session, batch, owner)
    with pytest.raises(errors.AlreadyEnrolled):
        accept(session, request.id, clerk.id)
    assert request.state == "open"


def test_a_school_sees_its_own_requests_only(session, batch):
    student = make_student(session)
    request = request_correction(session, student, make_enrolment(session, batch, student), {}, "?")
    elsewhere = make_school(session)
    assert [r.id for r in open_requests(session, batch.school_id, 10)] == [request.id]
    assert open_requests(session, elsewhere.id, 10) == []
    assert request in open_requests(session, None, 10)
    assert open_requests(session, None, 10, after=request.id) == []
    assert find_request(session, request.id, batch.school_id) is request
    with pytest.raises(errors.EnrolmentRequestNotFound):
        find_request(session, request.id, elsewhere.id)
