"""Roster imports: previews, mappings, undo

Revision: 0007. Previous: 0006.
"""

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    pass


def downgrade() -> None:
    pass
