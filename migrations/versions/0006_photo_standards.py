"""Photo standards as versioned data; picture fingerprints

Revision: 0006. Previous: 0005.
"""

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    pass


def downgrade() -> None:
    pass
