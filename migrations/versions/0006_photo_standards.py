"""Photo standards as versioned data; picture fingerprints

Revision: 0006. Previous: 0005.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("photo_standards", sa.Column("author_id", sa.Uuid(), nullable=True))
    op.add_column(
        "photo_standards",
        sa.Column("note", sa.Text(), nullable=True, comment="why this version was made"),
    )
    op.create_foreign_key(
        op.f("fk_photo_standards_author_id_staff"),
        "photo_standards",
        "staff",
        ["author_id"],
        ["id"],
    )
    # At most one version of a name is in force: the newest that was not retired.
    op.execute(
        "UPDATE photo_standards AS older SET retired_at = now() WHERE retired_at IS NULL AND EXISTS "
        "(SELECT 1 FROM photo_standards AS newer WHERE newer.name = older.name "
        "AND newer.version > older.version AND newer.retired_at IS NULL)"
    )
    op.create_index(
        "uq_photo_standards_in_force",
        "photo_standards",
        ["name"],
        unique=True,
        postgresql_where=sa.text("retired_at IS NULL"),
    )
    op.add_column(
        "photos",
        sa.Column(
            "making",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default="{}",
            nullable=False,
            comment="how the result was made: crop, scale, background, standard, pipeline, models",
        ),
    )


def downgrade() -> None:
    op.drop_column("photos", "making")
    op.drop_index("uq_photo_standards_in_force", table_name="photo_standards")
    op.drop_constraint(
        op.f("fk_photo_standards_author_id_staff"), "photo_standards", type_="foreignkey"
    )
    op.drop_column("photo_standards", "note")
    op.drop_column("photo_standards", "author_id")
