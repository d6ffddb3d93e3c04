"""Staff second factor and sessions; saved views, list exports

Revision: 0010. Previous: 0009.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

# name, table, columns, condition
NEW_INDEXES = (
    ("ix_orders_enrolment_id", "orders", ["enrolment_id"], None),
    ("ix_orders_created_at", "orders", ["created_at", "id"], None),
    ("ix_orders_school_id_created_at", "orders", ["school_id", "created_at", "id"], None),
    ("ix_orders_batch_id_created_at", "orders", ["batch_id", "created_at", "id"], None),
    (
        "ix_orders_batch_id_state_created_at",
        "orders",
        ["batch_id", "state", "created_at", "id"],
        None,
    ),
    ("ix_orders_flagged", "orders", ["flagged", "created_at", "id"], "flagged IS NOT NULL"),
    ("ix_orders_reprints", "orders", ["created_at", "id"], "kind = 'reprint'"),
    ("ix_enrolments_student_no", "enrolments", ["student_no", "id"], None),
    ("ix_enrolments_phone_index", "enrolments", ["phone_index"], None),
    ("ix_enrolments_created_at", "enrolments", ["created_at", "id"], None),
    ("ix_enrolments_batch_id_created_at", "enrolments", ["batch_id", "created_at", "id"], None),
    ("ix_payments_created_at", "payments", ["created_at", "id"], None),
    ("ix_payments_status", "payments", ["status", "created_at", "id"], None),
    ("ix_payments_surplus", "payments", ["created_at", "id"], "surplus"),
    ("ix_payments_paid_at", "payments", ["paid_at"], "status = 'succeeded'"),
    ("ix_refunds_created_at", "refunds", ["created_at", "id"], None),
    ("ix_refunds_settled_at", "refunds", ["settled_at"], "settled_at IS NOT NULL"),
    ("ix_outbox_created_at", "outbox", ["created_at", "id"], None),
    (
        "ix_outbox_stopped",
        "outbox",
        ["state", "created_at", "id"],
        "state IN ('dead','cancelled')",
    ),
    ("ix_order_events_transition", "order_events", ["transition", "at", "id"], None),
    ("ix_photos_created_at", "photos", ["created_at", "id"], None),
)
# Replaced: the same with the columns that keep a page in order. name, table, old, new
CHANGED_INDEXES = (
    ("ix_refunds_status", "refunds", ["status"], ["status", "created_at", "id"]),
    ("ix_order_events_at", "order_events", ["at"], ["at", "id"]),
    ("ix_photos_status", "photos", ["status", "created_at"], ["status", "created_at", "id"]),
)


def _created_at() -> sa.Column:
    return sa.Column(
        "created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False
    )


def upgrade() -> None:
    _staff_columns()
    _sessions_and_invitations()
    _saved_lists()
    for name, table, columns, condition in NEW_INDEXES:
        where = sa.text(condition) if condition else None
        op.create_index(name, table, columns, postgresql_where=where)
    for name, table, _, columns in CHANGED_INDEXES:
        op.drop_index(name, table)
        op.create_index(name, table, columns)
    op.drop_index("ix_orders_batch_state", "orders")


def _staff_columns() -> None:
    op.add_column(
        "staff",
        sa.Column(
            "must_change_password",
            sa.Boolean(),
            server_default="false",
            nullable=False,
            comment="the password was given by somebody else",
        ),
    )
    op.add_column(
        "staff", sa.Column("failed_sign_ins", sa.BigInteger(), server_default="0", nullable=False)
    )
    op.add_column("staff", sa.Column("locked_until", sa.DateTime(timezone=True), nullable=True))
    op.add_column(
        "staff",
        sa.Column(
            "tf_last_counter",
            sa.BigInteger(),
            nullable=True,
            comment="time step of the newest accepted code: no code opens twice",
        ),
    )
    op.add_column(
        "staff",
        sa.Column(
            "mf_recovery_codes",
            postgresql.JSONB(),
            nullable=True,
            comment="keyed digests of the codes not used yet",
        ),
    )
    op.create_check_constraint(
        op.f("ck_staff_failed_sign_ins_not_negative"), "staff", "failed_sign_ins >= 0"
    )


def _sessions_and_invitations() -> None:
    op.create_table(
        "staff_sessions",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("staff_id", sa.Uuid(), nullable=False),
        sa.Column(
            "last_seen_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column("device", sa.Text(), nullable=False, comment="browser and system in a few words"),
        sa.Column("address_digest", sa.LargeBinary(length=32), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("end_reason", sa.Text(), nullable=True),
        _created_at(),
        sa.CheckConstraint(
            "end_reason IN ('signed_out','ended_elsewhere','password_changed','idle','closed')",
            name=op.f("ck_staff_sessions_end_reason_known"),
        ),
        sa.CheckConstraint(
            "(ended_at IS NULL) = (end_reason IS NULL)",
            name=op.f("ck_staff_sessions_ended_has_reason"),
        ),
        sa.ForeignKeyConstraint(
            ["staff_id"], ["staff.id"], name=op.f("fk_staff_sessions_staff_id_staff")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_staff_sessions")),
    )
    op.create_index(
        "ix_staff_sessions_live",
        "staff_sessions",
        ["staff_id", "last_seen_at"],
        postgresql_where=sa.text("ended_at IS NULL"),
    )
    op.create_table(
        "staff_invitations",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("staff_id", sa.Uuid(), nullable=False),
        sa.Column("invited_by", sa.Uuid(), nullable=True),
        sa.Column("token_digest", sa.LargeBinary(length=32), nullable=True),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        _created_at(),
        sa.ForeignKeyConstraint(
            ["staff_id"], ["staff.id"], name=op.f("fk_staff_invitations_staff_id_staff")
        ),
        sa.ForeignKeyConstraint(
            ["invited_by"], ["staff.id"], name=op.f("fk_staff_invitations_invited_by_staff")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_staff_invitations")),
    )
    op.create_index(
        "ix_staff_invitations_staff_id", "staff_invitations", ["staff_id", "created_at"]
    )


def _saved_lists() -> None:
    op.create_table(
        "saved_views",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("staff_id", sa.Uuid(), nullable=False),
        sa.Column("room", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column(
            "args",
            sa.LargeBinary(),
            nullable=False,
            comment="drop-downs, order and search term",
        ),
        _created_at(),
        sa.CheckConstraint(
            "length(name) BETWEEN 1 AND 30", name=op.f("ck_saved_views_name_length")
        ),
        sa.ForeignKeyConstraint(
            ["staff_id"], ["staff.id"], name=op.f("fk_saved_views_staff_id_staff")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_saved_views")),
        sa.UniqueConstraint(
            "staff_id", "room", "name", name=op.f("uq_saved_views_staff_id_room_name")
        ),
    )
    op.create_table(
        "list_exports",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("staff_id", sa.Uuid(), nullable=False),
        sa.Column("room", sa.Text(), nullable=False),
        sa.Column(
            "args",
            sa.LargeBinary(),
            nullable=False,
            comment="the filter, as it was asked for",
        ),
        sa.Column("locale", sa.Text(), server_default="zh", nullable=False),
        sa.Column("state", sa.Text(), server_default="waiting", nullable=False),
        sa.Column("rows_written", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column(
            "rows_expected",
            sa.BigInteger(),
            nullable=True,
            comment="an estimate, for the progress bar",
        ),
        sa.Column("storage_key", sa.Text(), nullable=True),
        sa.Column("file_bytes", sa.BigInteger(), nullable=True),
        sa.Column("failure_code", sa.Text(), nullable=True),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        _created_at(),
        sa.CheckConstraint(
            "state IN ('waiting','running','done','failed','expired')",
            name=op.f("ck_list_exports_state_known"),
        ),
        sa.CheckConstraint(
            "(state = 'done') = (storage_key IS NOT NULL)",
            name=op.f("ck_list_exports_done_has_file"),
        ),
        sa.CheckConstraint(
            "rows_written >= 0", name=op.f("ck_list_exports_rows_written_not_negative")
        ),
        sa.ForeignKeyConstraint(
            ["staff_id"], ["staff.id"], name=op.f("fk_list_exports_staff_id_staff")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_list_exports")),
    )
    op.create_index("ix_list_exports_staff_id", "list_exports", ["staff_id", "created_at"])


def downgrade() -> None:
    op.create_index("ix_orders_batch_state", "orders", ["batch_id", "state"])
    for name, table, columns, _ in CHANGED_INDEXES:
        op.drop_index(name, table)
        op.create_index(name, table, columns)
    for name, table, _, _ in reversed(NEW_INDEXES):
        op.drop_index(name, table)
    for table in ("list_exports", "saved_views", "staff_invitations", "staff_sessions"):
        op.drop_table(table)
    op.drop_constraint(op.f("ck_staff_failed_sign_ins_not_negative"), "staff")
    for column in (
        "mf_recovery_codes",
        "tf_last_counter",
        "locked_until",
        "failed_sign_ins",
        "must_change_password",
    ):
        op.drop_column("staff", column)
