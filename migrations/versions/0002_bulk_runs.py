"""Bulk runs: one transition for many orders, resumable

Revision: 0002. Previous: 0001.
"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "bulk_runs",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("staff_id", sa.Uuid(), nullable=False),
        sa.Column("transition", sa.Text(), nullable=False),
        sa.Column("data", sa.LargeBinary(), nullable=False, comment="what the transition is given"),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.CheckConstraint(
            "state IN ('running','finished')", name=op.f("ck_bulk_runs_state_known")
        ),
        sa.ForeignKeyConstraint(
            ["staff_id"], ["staff.id"], name=op.f("fk_bulk_runs_staff_id_staff")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_bulk_runs")),
    )
    op.create_index("ix_bulk_runs_staff_id", "bulk_runs", ["staff_id", "created_at"], unique=False)
    op.create_table(
        "bulk_items",
        sa.Column("run_id", sa.Uuid(), nullable=False),
        sa.Column("order_id", sa.Uuid(), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=True),
        sa.Column("code", sa.Text(), nullable=True, comment="why the engine refused"),
        sa.CheckConstraint(
            "(outcome = 'refused') = (code IS NOT NULL)",
            name=op.f("ck_bulk_items_refused_has_code"),
        ),
        sa.CheckConstraint(
            "outcome IN ('moved','refused')", name=op.f("ck_bulk_items_outcome_known")
        ),
        sa.ForeignKeyConstraint(
            ["order_id"], ["orders.id"], name=op.f("fk_bulk_items_order_id_orders")
        ),
        sa.ForeignKeyConstraint(
            ["run_id"], ["bulk_runs.id"], name=op.f("fk_bulk_items_run_id_bulk_runs")
        ),
        sa.PrimaryKeyConstraint("run_id", "order_id", name=op.f("pk_bulk_items")),
    )
    op.create_index(
        "ix_bulk_items_open",
        "bulk_items",
        ["run_id", "order_id"],
        unique=False,
        postgresql_where=sa.text("outcome IS NULL"),
    )


def downgrade() -> None:
    op.drop_index(
        "ix_bulk_items_open", table_name="bulk_items", postgresql_where=sa.text("outcome IS NULL")
    )
    op.drop_table("bulk_items")
    op.drop_index("ix_bulk_runs_staff_id", table_name="bulk_runs")
    op.drop_table("bulk_runs")
