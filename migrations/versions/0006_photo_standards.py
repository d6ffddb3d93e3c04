"""Photo standards as versioned data; picture fingerprints

Revision: 0006. Previous: 0005.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

# As in backoffice/models/photo.py; a migration keeps the text it ran with.
LOOK_BANDS = (
    "CASE WHEN octet_length(perceptual_hash) = 8 THEN ARRAY["
    "(get_byte(perceptual_hash, 0) << 5) | (get_byte(perceptual_hash, 1) >> 3), "
    "8192 + (((get_byte(perceptual_hash, 1) & 7) << 10) | (get_byte(perceptual_hash, 2) << 2)"
    " | (get_byte(perceptual_hash, 3) >> 6)), "
    "16384 + (((get_byte(perceptual_hash, 3) & 63) << 7) | (get_byte(perceptual_hash, 4) >> 1)), "
    "24576 + (((get_byte(perceptual_hash, 4) & 1) << 12) | (get_byte(perceptual_hash, 5) << 4)"
    " | (get_byte(perceptual_hash, 6) >> 4)), "
    "32768 + (((get_byte(perceptual_hash, 6) & 15) << 8) | get_byte(perceptual_hash, 7))"
    "] END"
)

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
    op.add_column(
        "photos",
        sa.Column(
            "look_bands",
            postgresql.ARRAY(sa.Integer()),
            sa.Computed(LOOK_BANDS, persisted=True),
            nullable=True,
        ),
    )
    op.create_index("ix_photos_look_bands", "photos", ["look_bands"], postgresql_using="gin")


def downgrade() -> None:
    op.drop_index("ix_photos_look_bands", table_name="photos")
    op.drop_column("photos", "look_bands")
    op.drop_column("photos", "making")
    op.drop_index("uq_photo_standards_in_force", table_name="photo_standards")
    op.drop_constraint(
        op.f("fk_photo_standards_author_id_staff"), "photo_standards", type_="foreignkey"
    )
    op.drop_column("photo_standards", "note")
    op.drop_column("photo_standards", "author_id")
