"""Student accounts: WeChat, corrections, contests, resumable uploads

Revision: 0011. Previous: 0010.
"""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

DOCUMENT = ("id_type", "id_number", "id_index", "name", "password_hash")


def upgrade() -> None:
    _accounts()
    _requests()
    _uploads()


def _accounts() -> None:
    op.add_column(
        "students",
        sa.Column(
            "wechat_index",
            sa.LargeBinary(length=32),
            nullable=True,
            comment="blind index of the WeChat openid",
        ),
    )
    op.create_unique_constraint(op.f("uq_students_wechat_index"), "students", ["wechat_index"])
    for column in DOCUMENT:
        op.alter_column("students", column, nullable=True)
    op.create_check_constraint(
        op.f("ck_students_document_whole"),
        "students",
        "(id_number IS NULL) = (id_index IS NULL) AND (id_number IS NULL) = (id_type IS NULL)"
        " AND (id_number IS NULL) = (name IS NULL)",
    )
    op.create_check_constraint(
        op.f("ck_students_can_sign_in"),
        "students",
        "(id_index IS NOT NULL AND password_hash IS NOT NULL) OR wechat_index IS NOT NULL",
    )


def _requests() -> None:
    op.create_table(
        "enrolment_requests",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("enrolment_id", sa.Uuid(), nullable=False),
        sa.Column("student_id", sa.Uuid(), nullable=False),
        sa.Column(
            "details",
            sa.LargeBinary(),
            nullable=False,
            comment="{changes: {field: wanted value}, note}",
        ),
        sa.Column("state", sa.Text(), server_default="open", nullable=False),
        sa.Column("decided_by", sa.Uuid(), nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("answer", sa.LargeBinary(), nullable=True, comment="to the student"),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.CheckConstraint(
            "kind IN ('correction','contest')", name=op.f("ck_enrolment_requests_kind_known")
        ),
        sa.CheckConstraint(
            "state IN ('open','accepted','refused')",
            name=op.f("ck_enrolment_requests_state_known"),
        ),
        sa.CheckConstraint(
            "(state = 'open') = (decided_at IS NULL)",
            name=op.f("ck_enrolment_requests_decided_has_time"),
        ),
        sa.CheckConstraint(
            "(state = 'open') = (decided_by IS NULL)",
            name=op.f("ck_enrolment_requests_decided_by_somebody"),
        ),
        sa.ForeignKeyConstraint(
            ["decided_by"], ["staff.id"], name=op.f("fk_enrolment_requests_decided_by_staff")
        ),
        sa.ForeignKeyConstraint(
            ["enrolment_id"],
            ["enrolments.id"],
            name=op.f("fk_enrolment_requests_enrolment_id_enrolments"),
        ),
        sa.ForeignKeyConstraint(
            ["student_id"], ["students.id"], name=op.f("fk_enrolment_requests_student_id_students")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_enrolment_requests")),
    )
    op.create_index(
        "uq_enrolment_requests_open",
        "enrolment_requests",
        ["enrolment_id", "student_id", "kind"],
        unique=True,
        postgresql_where=sa.text("state = 'open'"),
    )
    op.create_index("ix_enrolment_requests_state", "enrolment_requests", ["state", "id"])
    op.create_index("ix_enrolment_requests_student_id", "enrolment_requests", ["student_id", "id"])


def _uploads() -> None:
    op.create_table(
        "photo_uploads",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("order_id", sa.Uuid(), nullable=False),
        sa.Column("student_id", sa.Uuid(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("total_bytes", sa.BigInteger(), nullable=False),
        sa.Column("received_bytes", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column(
            "offsets",
            sa.ARRAY(sa.BigInteger()),
            server_default="{}",
            nullable=False,
            comment="where each part begins",
        ),
        sa.Column(
            "sha256",
            sa.LargeBinary(length=32),
            nullable=True,
            comment="announced by the client",
        ),
        sa.Column("photo_id", sa.Uuid(), nullable=True),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.CheckConstraint(
            "source IN ('camera','album')", name=op.f("ck_photo_uploads_source_known")
        ),
        sa.CheckConstraint("total_bytes > 0", name=op.f("ck_photo_uploads_total_positive")),
        sa.CheckConstraint(
            "received_bytes BETWEEN 0 AND total_bytes",
            name=op.f("ck_photo_uploads_received_in_range"),
        ),
        sa.CheckConstraint(
            "octet_length(sha256) = 32", name=op.f("ck_photo_uploads_sha256_length")
        ),
        sa.ForeignKeyConstraint(
            ["order_id"], ["orders.id"], name=op.f("fk_photo_uploads_order_id_orders")
        ),
        sa.ForeignKeyConstraint(
            ["photo_id"], ["photos.id"], name=op.f("fk_photo_uploads_photo_id_photos")
        ),
        sa.ForeignKeyConstraint(
            ["student_id"], ["students.id"], name=op.f("fk_photo_uploads_student_id_students")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_photo_uploads")),
    )
    op.create_index("ix_photo_uploads_order_id", "photo_uploads", ["order_id"])
    op.create_index("ix_photo_uploads_expires_at", "photo_uploads", ["expires_at"])


def downgrade() -> None:
    op.drop_table("photo_uploads")
    op.drop_table("enrolment_requests")
    op.drop_constraint(op.f("ck_students_can_sign_in"), "students")
    op.drop_constraint(op.f("ck_students_document_whole"), "students")
    # accounts that only WeChat knows cannot be kept by the older tables
    for column in DOCUMENT:
        op.alter_column("students", column, nullable=False)
    op.drop_constraint(op.f("uq_students_wechat_index"), "students")
    op.drop_column("students", "wechat_index")
