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
    for column in SEARCH_KEYS:
        _index(column, postgresql_using="hash")
    _index("student_id", postgresql_where=sa.text("student_id IS NOT NULL"))


def downgrade() -> None:
    for column in (*SEARCH_KEYS, "student_id"):
        _index(column)


def _index(column: str, **options: object) -> None:
    name = f"ix_enrolments_{column}"
    op.drop_index(name, "enrolments")
    op.create_index(name, "enrolments", [column], **options)
