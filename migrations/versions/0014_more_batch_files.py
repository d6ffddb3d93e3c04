"""Export packages and marked rosters are made in the background too

Revision: 0014. Previous: 0013.
"""

from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

BEFORE = "'class_sheets', 'progress', 'mini_program_code'"


def upgrade() -> None:
    _allow(f"{BEFORE}, 'export_package', 'roster_errors'")
    op.alter_column("batch_jobs", "options", comment="language, class, import")


def downgrade() -> None:
    """Files of the new kinds are gone after a day; their rows say nothing that is needed."""
    op.execute("DELETE FROM batch_jobs WHERE kind IN ('export_package', 'roster_errors')")
    _allow(BEFORE)
    op.alter_column("batch_jobs", "options", comment="language, class")


def _allow(kinds: str) -> None:
    name = op.f("ck_batch_jobs_kind_known")
    op.drop_constraint(name, "batch_jobs")
    op.create_check_constraint(name, "batch_jobs", f"kind IN ({kinds})")
