"""Taking a decision back: cancelled effects and refunds, decisions that no longer count

Revision: 0003. Previous: 0002.
"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

OUTBOX_OLD = "state IN ('waiting','published','done','dead')"
OUTBOX_NEW = "state IN ('waiting','published','done','dead','cancelled')"
REFUND_OLD = "status IN ('pending', 'succeeded', 'failed')"
REFUND_NEW = "status IN ('pending', 'succeeded', 'failed', 'cancelled')"


def _check(table: str, name: str, condition: str) -> None:
    op.drop_constraint(op.f(name), table, type_="check")
    op.create_check_constraint(op.f(name), table, condition)


def _one_per_payment(where: str | None) -> None:
    op.drop_index("uq_refunds_one_per_payment", table_name="refunds")
    op.create_index(
        "uq_refunds_one_per_payment",
        "refunds",
        ["payment_id"],
        unique=True,
        postgresql_where=sa.text(where) if where else None,
    )


def upgrade() -> None:
    op.add_column(
        "review_decisions",
        sa.Column(
            "undone_at",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="taken back in the undo window",
        ),
    )
    _check("outbox", "ck_outbox_state_known", OUTBOX_NEW)
    _check("refunds", "ck_refunds_status_known", REFUND_NEW)
    _one_per_payment("status <> 'cancelled'")


def downgrade() -> None:
    _one_per_payment(None)
    _check("refunds", "ck_refunds_status_known", REFUND_OLD)
    _check("outbox", "ck_outbox_state_known", OUTBOX_OLD)
    op.drop_column("review_decisions", "undone_at")
