"""The review desk: second opinions, escalation, decision times

Revision: 0009. Previous: 0008.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

WAITING = sa.text("state = 'pending_review' AND kind = 'capture'")
QUEUES = (
    ("ix_orders_review_queue", []),
    ("ix_orders_review_queue_school", ["school_id"]),
    ("ix_orders_review_queue_batch", ["batch_id"]),
)
OUTCOMES = "'decided','skipped','expired','released'"


def _created_at() -> sa.Column:
    return sa.Column(
        "created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False
    )


def _reference(
    table: str, column: str, target: str, ondelete: str | None = None
) -> sa.ForeignKeyConstraint:
    key = "code" if target == "rejection_reasons" else "id"
    name = op.f(f"fk_{table}_{column}_{target}")
    return sa.ForeignKeyConstraint([column], [f"{target}.{key}"], name=name, ondelete=ondelete)


def upgrade() -> None:
    for name, columns in QUEUES:
        op.create_index(name, "orders", [*columns, "entered_at", "id"], postgresql_where=WAITING)
    op.add_column(
        "rejection_reasons",
        sa.Column(
            "standards",
            postgresql.ARRAY(sa.Text()),
            server_default="{}",
            nullable=False,
            comment="names of the standards it is for; empty: all",
        ),
    )
    _leases()
    _rules()
    _escalations()
    _second_opinions()


def _leases() -> None:
    op.add_column(
        "review_leases",
        sa.Column(
            "event_sequence",
            sa.BigInteger(),
            nullable=True,
            comment="the decision made under this hold",
        ),
    )
    op.add_column(
        "review_leases",
        sa.Column(
            "looked_ms",
            sa.BigInteger(),
            nullable=True,
            comment="from the picture on the screen to the decision, as the page measured it",
        ),
    )
    op.create_check_constraint(
        op.f("ck_review_leases_looked_ms_range"),
        "review_leases",
        "looked_ms BETWEEN 0 AND 3600000",
    )
    _outcomes(f"{OUTCOMES},'escalated'")
    op.create_index(
        "ix_review_leases_live_staff",
        "review_leases",
        ["staff_id"],
        postgresql_where=sa.text("ended_at IS NULL"),
    )
    op.create_index(
        "ix_review_leases_decided",
        "review_leases",
        ["order_id", "event_sequence"],
        postgresql_where=sa.text("outcome = 'decided'"),
    )
    # a hold that ran out needs no timer any more: whoever claims the photo next ends it
    op.execute(
        "UPDATE timers SET state = 'cancelled', settled_at = now() "
        "WHERE action = 'review.lease_expire' AND state = 'waiting'"
    )


def _outcomes(words: str) -> None:
    name = op.f("ck_review_leases_outcome_known")
    op.drop_constraint(name, "review_leases")
    op.create_check_constraint(name, "review_leases", f"outcome IN ({words})")


def _rules() -> None:
    op.create_table(
        "senior_reviewers",
        sa.Column("staff_id", sa.Uuid(), nullable=False),
        sa.Column("named_by", sa.Uuid(), nullable=True),
        _created_at(),
        _reference("senior_reviewers", "staff_id", "staff", "CASCADE"),
        _reference("senior_reviewers", "named_by", "staff"),
        sa.PrimaryKeyConstraint("staff_id", name=op.f("pk_senior_reviewers")),
    )
    op.create_table(
        "review_rules",
        sa.Column("batch_id", sa.Uuid(), nullable=False),
        sa.Column(
            "second_opinion_percent",
            sa.BigInteger(),
            nullable=True,
            comment="null: the house's setting",
        ),
        sa.Column(
            "keep_reviewer",
            sa.Boolean(),
            server_default="false",
            nullable=False,
            comment="resubmissions wait for who rejected them first",
        ),
        sa.CheckConstraint(
            "second_opinion_percent BETWEEN 0 AND 100",
            name=op.f("ck_review_rules_second_opinion_percent_range"),
        ),
        _reference("review_rules", "batch_id", "batches", "CASCADE"),
        sa.PrimaryKeyConstraint("batch_id", name=op.f("pk_review_rules")),
    )
    op.create_table(
        "reason_uses",
        sa.Column("batch_id", sa.Uuid(), nullable=False),
        sa.Column("reason_code", sa.Text(), nullable=False),
        sa.Column("uses", sa.BigInteger(), nullable=False),
        _reference("reason_uses", "batch_id", "batches", "CASCADE"),
        _reference("reason_uses", "reason_code", "rejection_reasons"),
        sa.PrimaryKeyConstraint("batch_id", "reason_code", name=op.f("pk_reason_uses")),
    )


def _escalations() -> None:
    op.create_table(
        "review_escalations",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("order_id", sa.Uuid(), nullable=False),
        sa.Column("photo_id", sa.Uuid(), nullable=False),
        sa.Column("staff_id", sa.Uuid(), nullable=False),
        sa.Column("note", sa.LargeBinary(), nullable=True),
        sa.Column("settled_at", sa.DateTime(timezone=True), nullable=True),
        _created_at(),
        _reference("review_escalations", "order_id", "orders"),
        _reference("review_escalations", "photo_id", "photos"),
        _reference("review_escalations", "staff_id", "staff"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_review_escalations")),
    )
    op.create_index(
        "uq_review_escalations_open_order",
        "review_escalations",
        ["order_id"],
        unique=True,
        postgresql_where=sa.text("settled_at IS NULL"),
    )
    op.create_index(
        "ix_review_escalations_order_id", "review_escalations", ["order_id", "created_at"]
    )


def _second_opinions() -> None:
    name = "second_opinions"
    checks = {
        "first_decision_known": "first_decision IN ('approve','reject')",
        "verdict_known": "verdict IN ('approve','reject')",
        "verdict_has_time": "(verdict IS NULL) = (answered_at IS NULL)",
        "verdict_has_reviewer": "verdict IS NULL OR staff_id IS NOT NULL",
        "another_reviewer": "staff_id <> first_staff_id",
        "outcome_known": "outcome IN ('upheld','revoked')",
        "outcome_has_time": "(outcome IS NULL) = (settled_at IS NULL)",
        "looked_ms_range": "looked_ms BETWEEN 0 AND 3600000",
    }
    op.create_table(
        name,
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("order_id", sa.Uuid(), nullable=False),
        sa.Column("photo_id", sa.Uuid(), nullable=False),
        sa.Column(
            "event_sequence", sa.BigInteger(), nullable=False, comment="the sampled decision"
        ),
        sa.Column("first_decision", sa.Text(), nullable=False),
        sa.Column("first_staff_id", sa.Uuid(), nullable=False),
        sa.Column(
            "due_at",
            sa.DateTime(timezone=True),
            nullable=False,
            comment="not before the undo window has closed",
        ),
        sa.Column("token", sa.Uuid(), nullable=True, comment="the present hold, as a lease's id"),
        sa.Column("staff_id", sa.Uuid(), nullable=True, comment="who holds it or answered it"),
        sa.Column("held_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("answered_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("verdict", sa.Text(), nullable=True),
        sa.Column("reasons", postgresql.ARRAY(sa.Text()), server_default="{}", nullable=False),
        sa.Column("note", sa.LargeBinary(), nullable=True),
        sa.Column("looked_ms", sa.BigInteger(), nullable=True),
        sa.Column("settled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("settled_by", sa.Uuid(), nullable=True),
        sa.Column("outcome", sa.Text(), nullable=True),
        _created_at(),
        *(
            sa.CheckConstraint(rule, name=op.f(f"ck_{name}_{check}"))
            for check, rule in checks.items()
        ),
        _reference(name, "order_id", "orders"),
        _reference(name, "photo_id", "photos"),
        *(
            _reference(name, column, "staff")
            for column in ("first_staff_id", "staff_id", "settled_by")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{name}")),
        sa.UniqueConstraint(
            "order_id", "event_sequence", name=op.f(f"uq_{name}_order_id_event_sequence")
        ),
    )
    for index, columns, condition in (
        ("waiting", ["due_at", "id"], "answered_at IS NULL"),
        (
            "disputed",
            ["answered_at", "id"],
            "verdict = 'reject' AND first_decision = 'approve' AND settled_at IS NULL",
        ),
    ):
        op.create_index(f"ix_{name}_{index}", name, columns, postgresql_where=sa.text(condition))
    op.create_index(f"ix_{name}_answered_at", name, ["answered_at"])


def downgrade() -> None:
    for table in (
        "second_opinions",
        "review_escalations",
        "reason_uses",
        "review_rules",
        "senior_reviewers",
    ):
        op.drop_table(table)
    op.drop_index("ix_review_leases_decided", "review_leases")
    op.drop_index("ix_review_leases_live_staff", "review_leases")
    op.drop_constraint(op.f("ck_review_leases_looked_ms_range"), "review_leases")
    op.execute("UPDATE review_leases SET outcome = 'released' WHERE outcome = 'escalated'")
    _outcomes(OUTCOMES)
    op.drop_column("review_leases", "looked_ms")
    op.drop_column("review_leases", "event_sequence")
    op.drop_column("rejection_reasons", "standards")
    for name, _ in reversed(QUEUES):
        op.drop_index(name, "orders")
