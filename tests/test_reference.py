"""Reference data: added when missing, never written over."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

from sqlalchemy import delete, func, select

from backoffice.models import PhotoStandard, RejectionReason, Role
from backoffice.photos.standards import BUILTIN
from backoffice.reference import REASONS, load_reference_data

TABLES = (Role, RejectionReason, PhotoStandard)


def counts(session):
    return [session.scalar(select(func.count()).select_from(table)) for table in TABLES]


def test_it_is_complete_and_loading_again_adds_nothing(session):
    before = counts(session)
    assert before == [5, len(REASONS), len(BUILTIN)]
    ids = set(session.scalars(select(PhotoStandard.id)))
    load_reference_data(session)
    assert counts(session) == before
    assert set(session.scalars(select(PhotoStandard.id))) == ids


def test_edits_of_the_staff_stay(session):
    reason = session.get_one(RejectionReason, "P01")
    standard = session.scalars(
        select(PhotoStandard).where(PhotoStandard.name == "chsi-degree-blue")
    ).one()
    retired = standard.retired_at = datetime(2026, 9, 1, tzinfo=UTC)
    reason.message_zh, reason.position = "我们自己的说法", 99
    session.flush()
    load_reference_data(session)
    session.expire_all()
    assert (reason.message_zh, reason.position) == ("我们自己的说法", 99)
    assert standard.retired_at == retired


def test_what_is_missing_comes_back_alone(session):
    session.execute(delete(RejectionReason).where(RejectionReason.code == "P02"))
    load_reference_data(session)
    assert counts(session)[1] == len(REASONS)


def test_two_commands_that_start_at_once_on_an_empty_database(committed):
    with committed() as session:
        for table in TABLES:
            session.execute(delete(table))
        session.commit()

    def load(_):
        with committed() as session:
            load_reference_data(session)
            session.commit()

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(load, range(4)))
    with committed() as session:
        assert counts(session) == [5, len(REASONS), len(BUILTIN)]


def test_every_reason_speaks_both_languages():
    assert len({code for code, *_ in REASONS}) == len(REASONS)
    assert all(text.strip() for reason in REASONS for text in reason)
    assert all(zh != en for _, zh, en, _, _ in REASONS)
