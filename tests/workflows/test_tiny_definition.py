"""A third workflow on tables of its own: the engine needs no change for it."""

from __future__ import annotations

import uuid
from contextlib import nullcontext

import pytest
from sqlalchemy import inspect
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
from sqlalchemy.types import DateTime, LargeBinary, Text

from backoffice.db import uuid7
from backoffice.i18n import Text as Words
from backoffice.workflows.actors import staff_actor, student_actor
from backoffice.workflows.binding import Binding, Effect
from backoffice.workflows.definition import Definition, Field, State, TimerRule, Transition, Who
from backoffice.workflows.engine import Engine
from backoffice.workflows.errors import TransitionDataMissing, TransitionNotAllowed

L = Words("借阅", "loan")
LOAN = Definition(
    name="loan",
    version=3,
    title=L,
    initial="asked",
    states=(State("asked", L), State("lent", L), State("back", L, terminal=True)),
    transitions=(
        Transition(
            "lend", ("asked",), "lent", L, who=(Who("librarian"),), effects=("tell",),
            requires=(Field("shelf", L),), guards=("sober",),
        ),
        Transition("return", ("lent",), "back", L, who=(Who("student"), Who("timer"))),
    ),
    timers=(TimerRule("due", "lent", due="tomorrow", transition="return"),),
    extra_roles=frozenset({"librarian"}),
)  # fmt: skip


class Base(DeclarativeBase):
    pass


class Loan(Base):
    __tablename__ = "tiny_loans"
    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=uuid7)
    state: Mapped[str] = mapped_column(default="asked")
    version: Mapped[int] = mapped_column(default=0)
    workflow: Mapped[str] = mapped_column(default="loan")
    workflow_version: Mapped[int] = mapped_column(default=3)
    last_hash: Mapped[bytes | None]
    entered_at: Mapped[object] = mapped_column(DateTime(timezone=True), nullable=True)
    student_id: Mapped[uuid.UUID]
    school_id: Mapped[uuid.UUID]


class LoanEvent(Base):
    __tablename__ = "tiny_events"
    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=uuid7)
    order_id: Mapped[uuid.UUID]
    sequence: Mapped[int]
    transition: Mapped[str]
    from_state: Mapped[str]
    to_state: Mapped[str]
    at: Mapped[object] = mapped_column(DateTime(timezone=True))
    actor_kind: Mapped[str]
    actor_id: Mapped[str | None]
    reasons: Mapped[list[str]] = mapped_column(ARRAY(Text))
    note: Mapped[str | None]
    note_digest: Mapped[bytes | None] = mapped_column(LargeBinary)
    data: Mapped[dict] = mapped_column(JSONB)
    workflow: Mapped[str]
    workflow_version: Mapped[int]
    idempotency_key: Mapped[str | None]
    previous_hash: Mapped[bytes | None] = mapped_column(LargeBinary)
    hash: Mapped[bytes] = mapped_column(LargeBinary)


class LoanTimer(Base):
    __tablename__ = "tiny_timers"
    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=uuid7)
    order_id: Mapped[uuid.UUID]
    name: Mapped[str]
    transition: Mapped[str]
    armed_sequence: Mapped[int]
    due_at: Mapped[object] = mapped_column(DateTime(timezone=True))
    state: Mapped[str] = mapped_column(default="waiting")
    settled_at: Mapped[object] = mapped_column(DateTime(timezone=True), nullable=True)


class LoanOutbox(Base):
    __tablename__ = "tiny_outbox"
    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=uuid7)
    order_id: Mapped[uuid.UUID]
    effect: Mapped[str]
    queue: Mapped[str]
    payload: Mapped[dict] = mapped_column(JSONB)
    dedupe_key: Mapped[str]
    available_at: Mapped[object] = mapped_column(DateTime(timezone=True))


def tomorrow(context):
    from datetime import timedelta

    return context.now + timedelta(days=1)


ENGINE = Engine(
    Binding(
        order=Loan,
        event=LoanEvent,
        timer=LoanTimer,
        outbox=LoanOutbox,
        definitions={("loan", 3): LOAN},
        guards={"sober": lambda context: None},
        records={},
        effects={"tell": Effect(queue="letters")},
        due_rules={"tomorrow": tomorrow},
        undo_records={},
        state_writer=nullcontext,
    )
)


@pytest.fixture
def loan(session):
    Base.metadata.create_all(session.connection())
    made = Loan(student_id=uuid7(), school_id=uuid7())
    ENGINE.start(session, made)
    return made


def test_it_runs_on_the_same_engine(session, loan):
    librarian = staff_actor(uuid7(), ["librarian"])
    assert [t.name for t in ENGINE.allowed(session, loan, librarian)] == ["lend"]
    with pytest.raises(TransitionDataMissing):
        ENGINE.fire(session, loan.id, "lend", actor=librarian)
    ENGINE.fire(session, loan.id, "lend", actor=librarian, data={"shelf": "A3"})
    assert (loan.state, loan.version) == ("lent", 1)
    assert session.query(LoanOutbox).one().queue == "letters"
    timer = session.query(LoanTimer).one()
    assert (timer.transition, timer.state) == ("return", "waiting")
    with pytest.raises(TransitionNotAllowed):
        ENGINE.fire(session, loan.id, "lend", actor=librarian, data={"shelf": "A3"})
    ENGINE.fire(session, loan.id, "return", actor=student_actor(loan.student_id))
    session.refresh(timer)
    assert (loan.state, timer.state) == ("back", "cancelled")
    assert session.query(LoanEvent).count() == 2
    assert inspect(loan).persistent
