"""Search keys of enrolments in hash indexes; who has claimed an entry in an index of claimed ones

A search key is random: in a B-tree of whole keys every new row lands on another page, and three
of them were two fifths of an import's writing. Keys are only ever looked up by equality.

Revision: 0016. Previous: 0015.
"""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

SEARCH_KEYS = ("id_index", "name_index", "phone_index")


def upgrade() -> None:
    hashed = {column: {"postgresql_using": "hash"} for column in SEARCH_KEYS}
    _replace(
        hashed | {"student_id": {"postgresql_where": sa.text("student_id IS NOT NULL")}},
    )


def downgrade() -> None:
    _replace({column: {} for column in (*SEARCH_KEYS, "student_id")})


def _replace(wanted: dict[str, dict[str, object]]) -> None:
    """Build all beside the old ones, which only writing waits for; then change them at once."""
    for column, options in wanted.items():
        op.create_index(f"new_{column}", "enrolments", [column], **options)
    for column in wanted:
        op.drop_index(f"ix_enrolments_{column}", "enrolments")
        op.execute(f"ALTER INDEX new_{column} RENAME TO ix_enrolments_{column}")
