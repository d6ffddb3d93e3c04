"""Batches: what was changed by whom, files made in the background, reminders without an order

Revision: 0008. Previous: 0007.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

ACTIONS = (
    "'create', 'copy', 'change', 'open', 'extend', 'close', 'reopen', 'archive', 'unarchive', "
    "'remind'"
)


def upgrade() -> None:
    _changes()
    _jobs()
    # a student who has not begun has no account yet, only a place on the roster
    op.alter_column("messages", "student_id", nullable=True)
    op.add_column(
        "messages",
        sa.Column(
            "enrolment_id",
            sa.Uuid(),
            nullable=True,
            comment="set where somebody without an order is reminded",
        ),
    )
    op.create_foreign_key(
        op.f("fk_messages_enrolment_id_enrolments"),
        "messages",
        "enrolments",
        ["enrolment_id"],
        ["id"],
    )
    op.create_check_constraint(
        op.f("ck_messages_has_recipient"),
        "messages",
        "num_nonnulls(student_id, enrolment_id) >= 1",
    )
    op.create_index(
        "ix_messages_enrolment_id",
        "messages",
        ["enrolment_id"],
        postgresql_where=sa.text("enrolment_id IS NOT NULL"),
    )


def _changes() -> None:
    op.create_table(
        "batch_changes",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("batch_id", sa.Uuid(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("staff_id", sa.Uuid(), nullable=True),
        sa.Column("changes", postgresql.JSONB(), server_default="[]", nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.CheckConstraint(f"action IN ({ACTIONS})", name=op.f("ck_batch_changes_action_known")),
        sa.CheckConstraint(
            "source IN ('staff', 'command', 'timer')", name=op.f("ck_batch_changes_source_known")
        ),
        sa.CheckConstraint(
            "(source = 'staff') = (staff_id IS NOT NULL)",
            name=op.f("ck_batch_changes_staff_is_named"),
        ),
        sa.ForeignKeyConstraint(
            ["batch_id"], ["batches.id"], name=op.f("fk_batch_changes_batch_id_batches")
        ),
        sa.ForeignKeyConstraint(
            ["staff_id"], ["staff.id"], name=op.f("fk_batch_changes_staff_id_staff")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_batch_changes")),
    )
    op.create_index("ix_batch_changes_batch_id", "batch_changes", ["batch_id", "created_at"])
    op.execute(
        "CREATE TRIGGER batch_changes_no_change BEFORE UPDATE OR DELETE ON batch_changes "
        "FOR EACH ROW EXECUTE FUNCTION refuse_change()"
    )


def _jobs() -> None:
    op.create_table(
        "batch_jobs",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("batch_id", sa.Uuid(), nullable=False),
        sa.Column("staff_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column(
            "options",
            postgresql.JSONB(),
            server_default="{}",
            nullable=False,
            comment="language, class",
        ),
        sa.Column(
            "request",
            sa.LargeBinary(32),
            nullable=False,
            comment="hash of batch, member, kind and options",
        ),
        sa.Column("state", sa.Text(), server_default="waiting", nullable=False),
        sa.Column("done", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("total", sa.BigInteger(), nullable=True),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("storage_key", sa.Text(), nullable=True),
        sa.Column("file_name", sa.Text(), nullable=True),
        sa.Column("file_bytes", sa.BigInteger(), nullable=True),
        sa.Column("error", sa.Text(), nullable=True, comment="code of what went wrong"),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.CheckConstraint(
            "kind IN ('class_sheets', 'progress', 'mini_program_code')",
            name=op.f("ck_batch_jobs_kind_known"),
        ),
        sa.CheckConstraint(
            "state IN ('waiting', 'running', 'ready', 'failed', 'expired')",
            name=op.f("ck_batch_jobs_state_known"),
        ),
        sa.CheckConstraint(
            "done >= 0 AND (total IS NULL OR done <= total)", name=op.f("ck_batch_jobs_done_range")
        ),
        sa.CheckConstraint(
            "(state = 'ready') = (storage_key IS NOT NULL)",
            name=op.f("ck_batch_jobs_ready_has_file"),
        ),
        sa.CheckConstraint(
            "(state = 'failed') = (error IS NOT NULL)", name=op.f("ck_batch_jobs_failed_has_error")
        ),
        sa.CheckConstraint("octet_length(request) = 32", name=op.f("ck_batch_jobs_request_length")),
        sa.ForeignKeyConstraint(
            ["batch_id"], ["batches.id"], name=op.f("fk_batch_jobs_batch_id_batches")
        ),
        sa.ForeignKeyConstraint(
            ["staff_id"], ["staff.id"], name=op.f("fk_batch_jobs_staff_id_staff")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_batch_jobs")),
    )
    op.create_index("ix_batch_jobs_batch_id", "batch_jobs", ["batch_id", "created_at"])
    op.create_index(
        "uq_batch_jobs_under_way",
        "batch_jobs",
        ["request"],
        unique=True,
        postgresql_where=sa.text("state IN ('waiting','running')"),
    )


def downgrade() -> None:
    op.drop_index("ix_messages_enrolment_id", "messages")
    op.drop_constraint(op.f("ck_messages_has_recipient"), "messages")
    op.drop_constraint(op.f("fk_messages_enrolment_id_enrolments"), "messages")
    op.drop_column("messages", "enrolment_id")
    op.execute("DELETE FROM messages WHERE student_id IS NULL")
    op.alter_column("messages", "student_id", nullable=False)
    op.drop_table("batch_jobs")
    op.drop_table("batch_changes")
