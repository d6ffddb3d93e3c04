"""The review desk: second opinions, escalation, decision times

Revision: 0009. Previous: 0008.
"""

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    pass


def downgrade() -> None:
    pass
