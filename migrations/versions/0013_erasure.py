"""Erased accounts: nothing personal left, for good; whose a stored file is

Revision: 0013. Previous: 0012.
"""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

FILES = ("original_key", "result_key")
CAN_SIGN_IN = "(id_index IS NOT NULL AND password_hash IS NOT NULL) OR wechat_index IS NOT NULL"


def upgrade() -> None:
    op.add_column("students", sa.Column("erased_at", sa.DateTime(timezone=True), nullable=True))
    _replace_rule(f"{CAN_SIGN_IN} OR erased_at IS NOT NULL")
    op.create_check_constraint(
        op.f("ck_students_erased_is_empty"),
        "students",
        "erased_at IS NULL OR (NOT active AND num_nonnulls(id_index, name, email, gender,"
        " wechat_index, password_hash) = 0)",
    )
    op.create_index(
        "ix_students_erasure_requested_at",
        "students",
        ["erasure_requested_at"],
        postgresql_where=sa.text("erasure_requested_at IS NOT NULL AND erased_at IS NULL"),
    )
    for column in FILES:
        op.create_index(f"ix_photos_{column}", "photos", [column])


def downgrade() -> None:
    """An erased account cannot sign in, and the rule before knew no such account."""
    for column in FILES:
        op.drop_index(f"ix_photos_{column}", "photos")
    op.drop_index("ix_students_erasure_requested_at", "students")
    op.drop_constraint(op.f("ck_students_erased_is_empty"), "students", type_="check")
    op.execute(
        "UPDATE students SET wechat_index = sha256(uuid_send(id)) WHERE erased_at IS NOT NULL"
    )
    _replace_rule(CAN_SIGN_IN)
    op.drop_column("students", "erased_at")


def _replace_rule(rule: str) -> None:
    op.drop_constraint(op.f("ck_students_can_sign_in"), "students", type_="check")
    op.create_check_constraint(op.f("ck_students_can_sign_in"), "students", rule)
