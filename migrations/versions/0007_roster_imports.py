"""Roster imports: stored previews, progress, remembered mappings, undo

Revision: 0007. Previous: 0006.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

RUNNING = "'reading','checking','applying','undoing'"
STATES = RUNNING + ",'mapping','previewed','applied','undone','discarded','failed'"
EMPTY_OBJECT, EMPTY_LIST = sa.text("'{}'"), sa.text("'[]'")


def upgrade() -> None:
    _imports()
    _progress()
    _mappings()
    _rows()


def _imports() -> None:
    for column in (
        sa.Column("storage_key", sa.Text(), comment="the sealed upload, until it is over"),
        sa.Column(
            "columns",
            postgresql.JSONB(),
            server_default=EMPTY_OBJECT,
            nullable=False,
            comment="the clerk's word: column -> field",
        ),
        sa.Column(
            "decided",
            postgresql.JSONB(),
            server_default=EMPTY_LIST,
            nullable=False,
            comment="enrolment columns the file decides",
        ),
        sa.Column("sheet", sa.Text()),
        sa.Column("header_row", sa.BigInteger()),
        sa.Column(
            "proposal",
            sa.LargeBinary(),
            comment="sheets, headings, sample cells of the mapping form",
        ),
        sa.Column(
            "missing_count",
            sa.BigInteger(),
            server_default="0",
            nullable=False,
            comment="enrolments of the batch the file does not name",
        ),
        sa.Column("finding_count", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column(
            "error",
            postgresql.JSONB(),
            comment="why it failed: code and params, no personal data",
        ),
        sa.Column("previewed_at", sa.DateTime(timezone=True)),
        sa.Column("undone_at", sa.DateTime(timezone=True)),
        sa.Column("undone_by", sa.Uuid()),
        sa.Column("removed_count", sa.BigInteger(), comment="entries the undo took away"),
        sa.Column("restored_count", sa.BigInteger(), comment="entries the undo put back"),
        sa.Column(
            "kept",
            postgresql.JSONB(),
            server_default=EMPTY_LIST,
            nullable=False,
            comment="what the undo kept: entry id, reason",
        ),
    ):
        op.add_column("roster_imports", column)
    op.execute("UPDATE roster_imports SET finding_count = jsonb_array_length(findings)")
    op.create_foreign_key(
        op.f("fk_roster_imports_undone_by_staff"), "roster_imports", "staff", ["undone_by"], ["id"]
    )
    op.drop_constraint(op.f("ck_roster_imports_state_known"), "roster_imports")
    op.create_check_constraint(
        op.f("ck_roster_imports_state_known"), "roster_imports", f"state IN ({STATES})"
    )
    op.create_index(
        "uq_roster_imports_running",
        "roster_imports",
        ["batch_id"],
        unique=True,
        postgresql_where=sa.text(f"state IN ({RUNNING})"),
    )


def _progress() -> None:
    op.create_table(
        "roster_progress",
        sa.Column("import_id", sa.Uuid(), nullable=False),
        sa.Column("stage", sa.Text(), nullable=False),
        sa.Column("done", sa.BigInteger(), nullable=False),
        sa.Column("total", sa.BigInteger(), nullable=False),
        sa.Column("stage_started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["import_id"],
            ["roster_imports.id"],
            name=op.f("fk_roster_progress_import_id_roster_imports"),
        ),
        sa.PrimaryKeyConstraint("import_id", name=op.f("pk_roster_progress")),
    )


def _mappings() -> None:
    op.create_table(
        "roster_mappings",
        sa.Column("school_id", sa.Uuid(), nullable=False),
        sa.Column("heading", sa.Text(), nullable=False, comment="imports.fields.heading_key"),
        sa.Column("field", sa.Text(), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["school_id"], ["schools.id"], name=op.f("fk_roster_mappings_school_id_schools")
        ),
        sa.PrimaryKeyConstraint("school_id", "heading", name=op.f("pk_roster_mappings")),
    )


def _values() -> list[sa.Column]:
    """The columns a roster decides, as `enrolments` has them."""
    return [
        sa.Column("student_no", sa.Text(), nullable=False),
        sa.Column("name", sa.LargeBinary()),
        sa.Column("name_masked", sa.Text(), nullable=False),
        sa.Column("name_index", sa.LargeBinary(length=32)),
        sa.Column("id_type", sa.Text()),
        sa.Column("id_number", sa.LargeBinary()),
        sa.Column("id_masked", sa.Text()),
        sa.Column("id_index", sa.LargeBinary(length=32)),
        sa.Column("id_last4", sa.LargeBinary()),
        sa.Column(
            "id_last4_indexes",
            postgresql.ARRAY(sa.LargeBinary()),
            nullable=False,
            comment="blind indexes of every accepted last four",
        ),
        sa.Column("gender", sa.Text()),
        sa.Column("birth_date", sa.Date(), comment="null unless the roster gives it"),
        sa.Column("phone", sa.LargeBinary()),
        sa.Column("phone_index", sa.LargeBinary(length=32)),
        sa.Column("level", sa.Text()),
        sa.Column("study_form", sa.Text()),
        sa.Column("college", sa.Text()),
        sa.Column("major", sa.Text()),
        sa.Column("class_name", sa.Text()),
        sa.Column(
            "details",
            postgresql.JSONB(),
            server_default=EMPTY_OBJECT,
            nullable=False,
            comment="other roster columns, no personal data",
        ),
    ]


def _rows() -> None:
    op.create_table(
        "roster_rows",
        sa.Column("import_id", sa.Uuid(), nullable=False),
        sa.Column("row", sa.BigInteger(), nullable=False, comment="row of the sheet, from 1"),
        sa.Column("student_key", sa.Text(), nullable=False),
        sa.Column("enrolment_id", sa.Uuid(), nullable=False),
        sa.Column("columns", postgresql.ARRAY(sa.Text())),
        sa.Column("seen", sa.BigInteger()),
        *_values(),
        sa.PrimaryKeyConstraint("import_id", "row", name=op.f("pk_roster_rows")),
        prefixes=["UNLOGGED"],
    )
    op.create_table(
        "roster_missing",
        sa.Column("import_id", sa.Uuid(), nullable=False),
        sa.Column("enrolment_id", sa.Uuid(), nullable=False),
        sa.PrimaryKeyConstraint("import_id", "enrolment_id", name=op.f("pk_roster_missing")),
        prefixes=["UNLOGGED"],
    )
    op.create_table(
        "roster_replaced",
        sa.Column("import_id", sa.Uuid(), nullable=False),
        sa.Column("enrolment_id", sa.Uuid(), nullable=False),
        sa.Column(
            "updated_at",
            sa.DateTime(timezone=True),
            comment="the enrolment's, before",
        ),
        *_values(),
        sa.ForeignKeyConstraint(
            ["import_id"],
            ["roster_imports.id"],
            name=op.f("fk_roster_replaced_import_id_roster_imports"),
        ),
        sa.ForeignKeyConstraint(
            ["enrolment_id"],
            ["enrolments.id"],
            name=op.f("fk_roster_replaced_enrolment_id_enrolments"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("import_id", "enrolment_id", name=op.f("pk_roster_replaced")),
    )
    op.create_index("ix_roster_replaced_enrolment_id", "roster_replaced", ["enrolment_id"])


def downgrade() -> None:
    for table in (
        "roster_replaced",
        "roster_missing",
        "roster_rows",
        "roster_mappings",
        "roster_progress",
    ):
        op.drop_table(table)
    op.drop_index("uq_roster_imports_running", table_name="roster_imports")
    op.drop_constraint(op.f("ck_roster_imports_state_known"), "roster_imports")
    # The state before knew three words; whatever was under way is over.
    op.execute(
        "UPDATE roster_imports SET state = 'previewed' "
        "WHERE state NOT IN ('previewed','applied','undone')"
    )
    op.create_check_constraint(
        op.f("ck_roster_imports_state_known"),
        "roster_imports",
        "state IN ('previewed','applied','undone')",
    )
    op.drop_constraint(op.f("fk_roster_imports_undone_by_staff"), "roster_imports")
    for name in (
        "kept", "restored_count", "removed_count", "undone_by", "undone_at", "previewed_at",
        "error", "finding_count", "missing_count", "proposal", "header_row", "sheet", "decided",
        "columns",
        "storage_key",
    ):  # fmt: skip
        op.drop_column("roster_imports", name)
