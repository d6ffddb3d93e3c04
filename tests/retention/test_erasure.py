"""Erasing a person: nothing of theirs is left in any table or file, and only when it may go."""

from __future__ import annotations

import io
import secrets
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import inspect, select, text, update
from sqlalchemy.exc import OperationalError

from backoffice.batches import jobs as batch_jobs
from backoffice.blind_indexes import name_index, phone_index
from backoffice.crypto import keyring
from backoffice.db import Base, EncryptedJSON, EncryptedText
from backoffice.imports.errors import ImportRunning
from backoffice.models import (
    Address,
    BatchJob,
    CaptureCode,
    EnrolmentRequest,
    IdempotencyRecord,
    Message,
    Order,
    OrderEvent,
    OutboxRow,
    Photo,
    PhotoUpload,
    Refund,
    ReviewEscalation,
    RosterImport,
    SecondOpinion,
    Student,
    StudentConsent,
    StudentToken,
    Ticket,
    TicketMessage,
)
from backoffice.retention.erasure import (
    ErasureNotAsked,
    ErasureWaits,
    delete_files,
    due_students,
    erase,
    waiting_requests,
)
from backoffice.services import services
from backoffice.storage import ObjectMissing, storage_for
from backoffice.workflows import timers
from backoffice.workflows.audit import verify_order
from backoffice.workflows.orders import build_engine
from tests.factories import (
    add_payment,
    advance,
    make_batch,
    make_enrolment,
    make_order,
    make_staff,
    make_student,
)

NOW = datetime.now(UTC)
WORD = "欧阳小测"  # in everything that can hold a word about the person
NUMBER = "310101200001011237"
PHONE = "+8613912345678"
STUDENT_NO = "X20230042"
DIGEST = bytes(range(32))
MARKS = (WORD, "欧*测", NUMBER, NUMBER[:3] + "*", PHONE, STUDENT_NO, repr(DIGEST)[2:-1])
# Sealed, but not about a student, or `imports.forgetting` empties it (tests/imports).
OTHERS = {
    "bulk_runs.data", "list_exports.args", "saved_views.args", "staff.tf_totp_secret",
    "roster_imports.proposal",
    *(f"roster_{t}.{c}" for t in ("rows", "replaced") for c in ("name", "id_number", "id_last4", "phone")),
}  # fmt: skip


@pytest.fixture
def storage(settings):
    return storage_for(settings, keyring())


def somebody(session):
    """A student with two ended orders who has left a trace wherever one can be left."""
    batch = make_batch(session)
    student = make_student(
        session, id_number=NUMBER, phone=PHONE, name=WORD, email=f"{WORD}@example.com",
        gender="male", password_hash=WORD, erasure_requested_at=NOW - timedelta(days=20),
    )  # fmt: skip
    place = make_enrolment(
        session, batch, student, student_no=STUDENT_NO, name=WORD, name_masked="欧*测",
        name_index=name_index(WORD), phone=PHONE, phone_index=phone_index(PHONE),
        class_name=WORD, id_last4=WORD, details={"other": WORD},
    )  # fmt: skip
    order = make_order(
        session, batch, "rejected", student=student, enrolment=place, remark=WORD,
        delivery_address={"recipient": WORD, "phone": PHONE},
    )  # fmt: skip
    for transition in ("submit", "approve", "start_processing", "ship", "complete"):
        advance(session, order, transition)
    session.execute(update(Photo).values(
        original_sha256=DIGEST, perceptual_hash=DIGEST[:8], geometry={"face": WORD},
        checks=[WORD], making={"by": WORD}, edits=[WORD],
    ))  # fmt: skip
    refunded = make_order(
        session, make_batch(session), "refunded", student=student, delivery_method="digital"
    )
    _notes(session, order, refunded)
    _rows_of_their_own(session, student, place, order)
    session.flush()
    return student, place, order, refunded


def _notes(session, order, refunded):
    event = session.scalars(
        select(OrderEvent).where(OrderEvent.order_id == order.id, OrderEvent.note.is_not(None))
    ).first()
    assert event.note
    session.execute(update(Refund).values(reason=WORD))
    from backoffice.models import ReviewDecision

    session.execute(update(ReviewDecision).values(note=WORD))
    staff, other = make_staff(session, "reviewer"), make_staff(session, "reviewer")
    session.add(ReviewEscalation(
        order_id=order.id, photo_id=order.photo_id, staff_id=staff.id, note=WORD, settled_at=NOW,
    ))  # fmt: skip
    session.add(SecondOpinion(
        order_id=order.id, photo_id=order.photo_id, event_sequence=3, first_decision="reject",
        first_staff_id=staff.id, staff_id=other.id, due_at=NOW, answered_at=NOW, verdict="approve",
        note=WORD,
    ))  # fmt: skip


def _rows_of_their_own(session, student, place, order):
    mine = {"student_id": student.id}
    session.add_all([
        Address(**mine, recipient=WORD, phone=PHONE, province=WORD, city=WORD, district=WORD,
                detail=WORD, postcode="200000"),
        StudentToken(**mine, family=student.id, kind="access", token_hash=DIGEST, expires_at=NOW),
        IdempotencyRecord(scope=f"{student.id} POST /x", key="k", body_hash=DIGEST, status=201,
                          answer=WORD),
        CaptureCode(**mine, enrolment_id=place.id, provider="demo", code_text=WORD,
                    text_hash=DIGEST, payload={"name": WORD}, expires_at=NOW),
        EnrolmentRequest(**mine, kind="correction", enrolment_id=place.id,
                         details={"note": WORD}, state="refused", answer=WORD, decided_at=NOW,
                         decided_by=make_staff(session, "school").id),
        Message(**mine, order_id=order.id, template="paid", channel="sms", locale="zh",
                dedupe_key="m", recipient=PHONE, body=WORD, provider="local"),
        Message(enrolment_id=place.id, template="reminder", channel="sms", locale="zh",
                dedupe_key="n", recipient=PHONE, body=WORD, provider="local"),
        OutboxRow(order_id=order.id, effect="email.photo", dedupe_key="o",
                  payload={"order_id": str(order.id), "sealed_address": WORD}),
        PhotoUpload(**mine, order_id=order.id, source="camera", total_bytes=9, received_bytes=0,
                    sha256=DIGEST, expires_at=NOW),
        StudentConsent(**mine, kind="terms", version="2026-11-01"),
    ])  # fmt: skip
    ticket = Ticket(**mine, order_id=order.id, subject=WORD)
    session.add(ticket)
    session.flush()
    session.add(TicketMessage(ticket_id=ticket.id, author="student", body=WORD))


def marked_columns(session):
    """Return table.column of every column of every table that shows one of the marks."""
    session.flush()
    session.expire_all()
    found = set()
    for mapper in Base.registry.mappers:
        for row in session.scalars(select(mapper.class_)):
            for column in inspect(mapper.class_).column_attrs:
                shown = str(getattr(row, column.key))
                if any(mark in shown for mark in MARKS):
                    found.add(f"{mapper.local_table.name}.{column.key}")
    return found


def sealed_columns():
    return {
        f"{table.name}.{column.name}"
        for table in Base.metadata.tables.values()
        for column in table.columns
        if isinstance(column.type, EncryptedText | EncryptedJSON)
    }


def test_nothing_of_the_person_is_left_and_the_books_stay_whole(session, storage):
    student, place, order, refunded = somebody(session)
    before = marked_columns(session)
    assert sealed_columns() - OTHERS - {"order_events.note"} <= before, "a trace nobody left"
    kept = (order.number, order.amount_fen, order.state, order.version, len(order.items))

    erase(session, storage, student.id)

    assert marked_columns(session) == set()
    assert session.scalars(select(OrderEvent.note).where(OrderEvent.note.is_not(None))).all() == []
    assert (order.number, order.amount_fen, order.state, order.version, len(order.items)) == kept
    assert [verify_order(session, row) for row in (order, refunded)] == [None, None]
    assert session.scalars(select(Refund.amount_fen)).one() == 3000
    assert session.scalars(select(StudentConsent.version)).one() == "2026-11-01"
    assert (place.student_id, place.id_last4_indexes) == (student.id, [])
    assert student.erased_at
    with pytest.raises(ErasureNotAsked):
        erase(session, storage, student.id)


def test_the_same_person_may_come_back(session, storage):
    student, *_ = somebody(session)
    erase(session, storage, student.id)
    again = make_student(session, id_number=NUMBER, phone=PHONE, name=WORD)
    make_enrolment(session, make_batch(session), again, student_no=STUDENT_NO)


def test_somebody_elses_rows_are_not_touched(session, storage):
    student, place, *_ = somebody(session)
    other = make_student(session, name="别的同学")
    theirs = make_order(session, place.batch, "completed", student=other, remark="请轻放")
    erase(session, storage, student.id)
    session.expire_all()
    assert (other.name, theirs.remark) == ("别的同学", "请轻放")
    assert theirs.enrolment.name
    assert theirs.delivery_address


def test_pictures_and_parts_of_uploads_are_deleted(session, storage):
    student, *_ = somebody(session)
    photos = session.scalars(select(Photo)).all()
    keys = [key for photo in photos for key in (photo.original_key, photo.result_key) if key]
    upload = session.scalars(select(PhotoUpload)).one()
    keys.append(f"uploads/{upload.id}/0")
    for key in keys:
        storage.put(key, b"picture")
    delete_files(storage, erase(session, storage, student.id))
    for key in keys:
        with pytest.raises(ObjectMissing):
            storage.get(key)


def test_a_new_sealed_column_must_be_thought_of():
    """The first test fills every sealed column but these, which exist."""
    assert sealed_columns() >= OTHERS


OBSTACLES = {
    "an order": lambda session, student, place, order: make_order(
        session, make_batch(session), "paid", student=student
    ),
    "money that came twice": lambda session, student, place, order: add_payment(
        session, order, surplus=True
    ),
    "a refund that failed": lambda session, student, place, order: session.add(
        Refund(
            order_id=order.id, payment_id=add_payment(session, order, surplus=True).id,
            refund_no=secrets.token_hex(4), amount_fen=3000, status="failed",
        )
    ),
    "a contest": lambda session, student, place, order: session.add(
        EnrolmentRequest(
            kind="contest", enrolment_id=place.id, student_id=make_student(session).id, details={}
        )
    ),
}  # fmt: skip


@pytest.mark.parametrize("obstacle", OBSTACLES)
def test_nothing_is_erased_while_something_is_under_way(session, storage, obstacle):
    student, place, order, _ = somebody(session)
    [ready] = waiting_requests(session, 10)
    assert ready.ready
    OBSTACLES[obstacle](session, student, place, order)
    session.flush()
    [asked] = waiting_requests(session, 10)
    assert not asked.ready
    assert asked.open_orders + asked.unsettled_money + asked.contests == 1
    before = marked_columns(session)
    with pytest.raises(ErasureWaits):
        erase(session, storage, student.id)
    assert marked_columns(session) == before


def test_an_import_that_works_in_the_batch_is_waited_for(session, storage):
    student, place, *_ = somebody(session)
    session.add(RosterImport(
        batch_id=place.batch_id, file_name="x", file_sha256=DIGEST, file_bytes=1, mapping={},
        columns={}, state="applying", row_count=1, new_count=1, changed_count=0, same_count=0,
        rejected_count=0,
    ))  # fmt: skip
    session.flush()
    with pytest.raises(ImportRunning):
        erase(session, storage, student.id)


@pytest.mark.parametrize(
    ("kind", "theirs", "state", "after"),
    [
        ("export_package", True, "ready", "expired"),
        ("progress", True, "ready", "expired"),
        ("class_sheets", True, "running", "failed"),  # it has read the person already
        ("class_sheets", True, "waiting", "waiting"),  # it has read nobody yet
        ("mini_program_code", True, "ready", "ready"),  # it names nobody
        ("export_package", False, "ready", "ready"),
    ],
)
def test_prepared_files_of_their_batches_go_at_once(
    session, storage, app, kind, theirs, state, after
):
    student, place, *_ = somebody(session)
    batch = place.batch if theirs else make_batch(session)
    key = f"batches/{batch.id}/file"
    job = BatchJob(
        batch_id=batch.id, staff_id=make_staff(session, "school").id, kind=kind, request=DIGEST,
        state=state, storage_key=key if state == "ready" else None, file_bytes=4,
    )  # fmt: skip
    session.add(job)
    session.flush()
    timers.arm(session, batch_jobs.EXPIRE, job.id, datetime.now(UTC) + timedelta(hours=9))
    with app.app_context():
        services().storage.put(key, b"file")
        erase(session, storage, student.id)
        actions = {batch_jobs.EXPIRE: batch_jobs.expire_file}
        while timers.fire_one_due(session, build_engine(), actions):
            pass
        session.expire_all()
        assert job.state == after
        assert services().storage.exists(key) == (after != "expired")
        if after == "failed":  # what the running job makes is not kept
            batch_jobs.keep_file(session, services().storage, job.id, made_file())
            assert job.storage_key is None


def test_a_file_of_their_batch_neither_begins_nor_is_kept_meanwhile(committed, storage):
    with committed() as session, committed() as other:
        student, place, *_ = somebody(session)
        job = BatchJob(
            batch_id=place.batch_id, staff_id=make_staff(session, "school").id,
            kind="class_sheets", request=DIGEST, state="waiting",
        )  # fmt: skip
        session.add(job)
        session.commit()
        for one in (session, other):
            one.execute(text("SET lock_timeout = '100ms'"))
        other.get(BatchJob, job.id, with_for_update=True)
        with pytest.raises(batch_jobs.FileBeingKept):
            erase(session, storage, student.id)
        session.rollback()
        other.rollback()
        erase(session, storage, student.id)
        with pytest.raises(OperationalError):  # it would still read them
            batch_jobs.begin(other, job.id)
        other.rollback()
        session.commit()
        assert batch_jobs.begin(other, job.id).state == "running"


def made_file():
    return batch_jobs.MadeFile("sheets.pdf", "application/pdf", io.BytesIO(b"with the person"))


def test_who_did_not_ask_is_not_erased(session, storage):
    student, *_ = somebody(session)
    student.erasure_requested_at = None
    session.flush()
    with pytest.raises(ErasureNotAsked):
        erase(session, storage, student.id)
    assert waiting_requests(session, 10) == []


@pytest.mark.parametrize(
    ("asked_days", "batch_over", "open_order", "is_due"),
    [(20, True, False, True), (10, True, False, False), (20, False, False, False),
     (20, True, True, False)],
)  # fmt: skip
def test_whom_the_timer_erases(session, asked_days, batch_over, open_order, is_due):
    closes = NOW + timedelta(days=-1 if batch_over else 1)
    batch = make_batch(session, opens_at=NOW - timedelta(days=9), closes_at=closes)
    student = make_student(session, erasure_requested_at=NOW - timedelta(days=asked_days))
    make_order(session, batch, "paid" if open_order else "closed", student=student)
    assert due_students(session, 15, 10) == ([student.id] if is_due else [])


def test_an_erased_account_must_be_empty(session, storage):
    """The database itself refuses an account that is called erased and is not."""
    student, *_ = somebody(session)
    from sqlalchemy.exc import IntegrityError

    with pytest.raises(IntegrityError, match="erased_is_empty"):
        session.execute(
            update(Student).where(Student.id == student.id).values(erased_at=NOW, active=False)
        )


def test_orders_still_read_after_the_erasure(session, storage):
    from backoffice.orders.views import facts_of

    student, *_ = somebody(session)
    erase(session, storage, student.id)
    session.expire_all()
    orders = session.scalars(select(Order)).all()
    assert len(facts_of(session, orders)) == 2
