"""What was received is summed up from the index alone

Revision: 0015. Previous: 0014.
"""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _replace({"postgresql_include": ["amount_fen"]})


def downgrade() -> None:
    _replace({})


def _replace(more: dict[str, list[str]]) -> None:
    """Build the new one beside the old, which only writing waits for; then change them at once."""
    op.create_index(
        "new_paid_at", "payments", ["paid_at"],
        postgresql_where=sa.text("status = 'succeeded'"), **more,
    )  # fmt: skip
    op.drop_index("ix_payments_paid_at", "payments")
    op.execute("ALTER INDEX new_paid_at RENAME TO ix_payments_paid_at")
