"""Timers that belong to no order: a batch that closes, a lease that expires

Revision: 0004. Previous: 0003.
"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

ORDER_OR_ACTION = (
    "(order_id IS NULL) = (transition IS NULL) AND "
    "(order_id IS NULL) = (action IS NOT NULL) AND "
    "(order_id IS NULL) = (subject_id IS NOT NULL)"
)


def upgrade() -> None:
    op.add_column(
        "timers",
        sa.Column(
            "action",
            sa.Text(),
            nullable=True,
            comment="what to do with the subject, e.g. batch.close",
        ),
    )
    op.add_column("timers", sa.Column("subject_id", sa.Uuid(), nullable=True))
    op.alter_column("timers", "order_id", nullable=True)
    op.alter_column("timers", "transition", nullable=True)
    op.create_check_constraint(op.f("ck_timers_order_or_action"), "timers", ORDER_OR_ACTION)
    op.create_index(
        "uq_timers_waiting_action",
        "timers",
        ["action", "subject_id"],
        unique=True,
        postgresql_where=sa.text("state = 'waiting' AND action IS NOT NULL"),
    )
    # batches opened before this migration close by themselves, too
    op.execute(
        "INSERT INTO timers (id, name, action, subject_id, armed_sequence, due_at) "
        "SELECT gen_random_uuid(), 'batch.close', 'batch.close', id, 0, closes_at "
        "FROM batches WHERE state = 'open'"
    )


def downgrade() -> None:
    op.execute("DELETE FROM timers WHERE order_id IS NULL")
    op.drop_index("uq_timers_waiting_action", table_name="timers")
    op.drop_constraint(op.f("ck_timers_order_or_action"), "timers", type_="check")
    op.alter_column("timers", "transition", nullable=False)
    op.alter_column("timers", "order_id", nullable=False)
    op.drop_column("timers", "subject_id")
    op.drop_column("timers", "action")
