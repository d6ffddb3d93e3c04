"""Which picture may go before the reviewers: the newest that passed, after every rejected one."""

from datetime import UTC, datetime

import pytest

from backoffice.models import Photo, ReviewDecision
from backoffice.retention.traces import blank_photos
from backoffice.workflows.known import read_known
from tests.factories import make_order, make_photo

# oldest first: status and what was decided about it ("-" nothing, "~reject" taken back again)
HISTORIES = [
    ("", None),
    ("failed -", None),
    ("passed -", 1),
    ("passed -, failed -", 1),
    ("passed -, queued -", 1),
    ("passed -, passed -", 2),
    ("passed reject", None),
    ("passed ~reject", 1),
    ("passed approve", 1),
    ("passed reject, failed -", None),
    ("passed reject, passed -", 2),
    ("passed reject, passed -, failed -", 2),
    ("passed -, passed reject", None),
    ("passed -, passed ~reject", 2),
]


@pytest.mark.parametrize(("history", "expected"), HISTORIES)
def test_newest_passed_picture(session, history, expected):
    order, other = make_order(session, state="paid"), make_order(session, state="paid")
    make_photo(session, other)
    for sequence, step in enumerate(filter(None, history.split(", ")), 10):
        status, decided = step.split()
        photo = make_photo(session, order, status)
        if decided != "-":
            taken_back = datetime.now(UTC) if decided.startswith("~") else None
            session.add(
                ReviewDecision(
                    order_id=order.id,
                    photo_id=photo.id,
                    event_sequence=sequence,
                    decision=decided.strip("~"),
                    undone_at=taken_back,
                )
            )
    session.flush()
    known = read_known(session, [order.id, other.id])
    found = known[order.id].pictures.passed
    assert (found and found.attempt) == expected
    assert known[other.id].pictures.passed is not None


def test_a_picture_whose_time_was_over_is_not_submitted(session):
    order = make_order(session, state="paid")
    photo = make_photo(session, order)
    blank_photos(session, Photo.id, [photo.id])
    assert read_known(session, [order.id])[order.id].pictures.passed is None


def test_the_table_is_asked_not_the_session(session):
    """A worker may have finished the picture since this session read it."""
    order = make_order(session, state="paid")
    photo = make_photo(session, order, "processing")
    session.execute(
        photo.__table__.update()
        .where(photo.__table__.c.id == photo.id)
        .values(status="passed", result_key="k", result_bytes=1, result_sha256=bytes(32))
    )
    assert photo.status == "processing"
    assert read_known(session, [order.id])[order.id].pictures.passed is photo
