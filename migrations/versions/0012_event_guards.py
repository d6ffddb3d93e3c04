"""Events cannot be emptied at once, and an order never goes back to an earlier event

Revision: 0012. Previous: 0011.
"""

from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

# Every change of state, version or head is one step on: an order that was put back to an earlier
# event would stand where that event led, but no event would have led it back.
FORWARD_ONLY = """
    CREATE FUNCTION state_moves_forward() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF NEW.version <> OLD.version + 1 THEN
            RAISE EXCEPTION 'order % changed from version % to % without an event',
                NEW.id, OLD.version, NEW.version USING ERRCODE = 'restrict_violation';
        END IF;
        RETURN NULL;
    END $$
"""
APPEND_ONLY = ("order_events", "access_records", "batch_changes")


def upgrade() -> None:
    op.execute(FORWARD_ONLY)
    op.execute(
        "CREATE TRIGGER orders_state_moves_forward "
        "AFTER UPDATE OF state, version, last_hash ON orders FOR EACH ROW "
        "WHEN ((OLD.state, OLD.version, OLD.last_hash) IS DISTINCT FROM "
        "(NEW.state, NEW.version, NEW.last_hash)) EXECUTE FUNCTION state_moves_forward()"
    )
    for table in APPEND_ONLY:
        op.execute(
            f"CREATE TRIGGER {table}_no_truncate BEFORE TRUNCATE ON {table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
        )


def downgrade() -> None:
    for table in APPEND_ONLY:
        op.execute(f"DROP TRIGGER {table}_no_truncate ON {table}")
    op.execute("DROP TRIGGER orders_state_moves_forward ON orders")
    op.execute("DROP FUNCTION state_moves_forward()")
