"""What is thrown away, and what is still needed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from sqlalchemy import select, update

from backoffice.accounts.purging import purge_answers, purge_tokens
from backoffice.accounts.tokens import issue_tokens
from backoffice.models import IdempotencyRecord, StudentToken
from tests.factories import make_student

NOW = datetime.now(UTC)


def test_dead_tokens_go_and_spent_ones_stay_while_reuse_matters(session, settings):
    student = make_student(session)
    issue_tokens(session, student, settings)
    kinds = {token.kind: token for token in session.scalars(select(StudentToken))}
    kinds["access"].expires_at = NOW - timedelta(days=2)
    kinds["refresh"].spent_at = NOW - timedelta(days=2)
    session.flush()
    assert purge_tokens(session, NOW) == 1
    assert session.scalars(select(StudentToken.kind)).all() == ["refresh"]
    assert purge_tokens(session, NOW + timedelta(days=settings.refresh_token_days + 2)) == 1


def test_answers_are_kept_as_long_as_said(session):
    for key, hours in (("old", 49), ("new", 47)):
        session.add(
            IdempotencyRecord(
                scope="s", key=key, body_hash=bytes(32), status=201, answer="{}",
                created_at=NOW - timedelta(hours=hours),
            )
        )  # fmt: skip
    session.flush()
    assert purge_answers(session, 48, NOW) == 1
    assert session.scalars(select(IdempotencyRecord.key)).all() == ["new"]


def test_two_purges_do_not_wait_for_each_other(committed, settings):
    with committed() as session:
        issue_tokens(session, make_student(session), settings)
        session.execute(update(StudentToken).values(expires_at=NOW - timedelta(days=2)))
        session.commit()
    with committed() as one, committed() as other:
        assert purge_tokens(one) == 2
        assert purge_tokens(other) == 0
        one.commit()
