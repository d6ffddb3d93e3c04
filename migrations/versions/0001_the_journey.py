"""The whole journey: schools to tickets, with the rules the database keeps by itself

Revision: 0001. Previous: None.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


# What no row may do, whoever writes it. Functions first, then the triggers that use them.
RULES = [
    """
    CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
    END $$
    """,
    """
    CREATE FUNCTION event_change_only_reseals_note() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        -- key rotation and erasure touch the sealed note and nothing else
        IF to_jsonb(NEW) - 'note' IS DISTINCT FROM to_jsonb(OLD) - 'note' THEN
            RAISE EXCEPTION 'order_events is append-only' USING ERRCODE = 'restrict_violation';
        END IF;
        RETURN NEW;
    END $$
    """,
    """
    CREATE FUNCTION event_follows_event() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF NEW.sequence > 1 AND NOT EXISTS (
            SELECT 1 FROM order_events
            WHERE order_id = NEW.order_id AND sequence = NEW.sequence - 1
              AND hash = NEW.previous_hash AND to_state = NEW.from_state
        ) THEN
            RAISE EXCEPTION 'event % of order % does not follow its predecessor',
                NEW.sequence, NEW.order_id USING ERRCODE = 'restrict_violation';
        END IF;
        RETURN NEW;
    END $$
    """,
    """
    CREATE FUNCTION state_has_its_event() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF NEW.version = 0 THEN
            IF NEW.state <> 'draft' OR TG_OP = 'UPDATE' AND OLD.version <> 0 THEN
                RAISE EXCEPTION 'order % is % without an event', NEW.id, NEW.state
                    USING ERRCODE = 'restrict_violation';
            END IF;
        ELSIF NOT EXISTS (
            SELECT 1 FROM order_events
            WHERE order_id = NEW.id AND sequence = NEW.version AND to_state = NEW.state
              AND hash = NEW.last_hash
        ) THEN
            RAISE EXCEPTION 'order % moved to % without its event', NEW.id, NEW.state
                USING ERRCODE = 'restrict_violation';
        END IF;
        RETURN NULL;
    END $$
    """,
    """
    CREATE FUNCTION refund_within_payment() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF NOT EXISTS (
            SELECT 1 FROM payments
            WHERE id = NEW.payment_id AND order_id = NEW.order_id
              AND status = 'succeeded' AND amount_fen >= NEW.amount_fen
        ) THEN
            RAISE EXCEPTION 'refund % exceeds its payment', NEW.refund_no
                USING ERRCODE = 'restrict_violation';
        END IF;
        RETURN NEW;
    END $$
    """,
    """
    CREATE FUNCTION standard_stays() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF to_jsonb(NEW) - 'retired_at' IS DISTINCT FROM to_jsonb(OLD) - 'retired_at' THEN
            RAISE EXCEPTION 'a photo standard never changes; add a version'
                USING ERRCODE = 'restrict_violation';
        END IF;
        RETURN NEW;
    END $$
    """,
    """
    CREATE TRIGGER order_events_no_delete BEFORE DELETE ON order_events
    FOR EACH ROW EXECUTE FUNCTION refuse_change()
    """,
    """
    CREATE TRIGGER order_events_no_update BEFORE UPDATE ON order_events
    FOR EACH ROW EXECUTE FUNCTION event_change_only_reseals_note()
    """,
    """
    CREATE TRIGGER order_events_sequence BEFORE INSERT ON order_events
    FOR EACH ROW EXECUTE FUNCTION event_follows_event()
    """,
    """
    CREATE CONSTRAINT TRIGGER orders_state_has_its_event
    AFTER INSERT OR UPDATE OF state, version ON orders
    DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION state_has_its_event()
    """,
    """
    CREATE TRIGGER refunds_within_payment BEFORE INSERT OR UPDATE OF amount_fen, payment_id, order_id
    ON refunds FOR EACH ROW EXECUTE FUNCTION refund_within_payment()
    """,
    """
    CREATE TRIGGER access_records_no_change BEFORE UPDATE OR DELETE ON access_records
    FOR EACH ROW EXECUTE FUNCTION refuse_change()
    """,
    """
    CREATE TRIGGER photo_standards_stay BEFORE UPDATE ON photo_standards
    FOR EACH ROW EXECUTE FUNCTION standard_stays()
    """,
]
FUNCTIONS = [
    "refuse_change",
    "event_change_only_reseals_note",
    "event_follows_event",
    "state_has_its_event",
    "refund_within_payment",
    "standard_stays",
]


def upgrade() -> None:
    op.create_table(
        "idempotency_records",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column(
            "scope", sa.Text(), nullable=False, comment="account or address digest, method and path"
        ),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("body_hash", sa.LargeBinary(length=32), nullable=False),
        sa.Column("status", sa.BigInteger(), nullable=False),
        sa.Column("answer", sa.LargeBinary(), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_idempotency_records")),
        sa.UniqueConstraint("scope", "key", name=op.f("uq_idempotency_records_scope_key")),
    )
    op.create_index("ix_idempotency_created", "idempotency_records", ["created_at"], unique=False)
    op.create_table(
        "payment_notices",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("provider", sa.Text(), nullable=False),
        sa.Column("notice_id", sa.Text(), nullable=False),
        sa.Column("body_sha256", sa.LargeBinary(length=32), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_payment_notices")),
        sa.UniqueConstraint(
            "provider", "notice_id", name=op.f("uq_payment_notices_provider_notice_id")
        ),
    )
    op.create_table(
        "photo_standards",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("title_zh", sa.Text(), nullable=False),
        sa.Column("title_en", sa.Text(), nullable=False),
        sa.Column("data", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("retired_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.CheckConstraint("version >= 1", name=op.f("ck_photo_standards_version_positive")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_photo_standards")),
        sa.UniqueConstraint("name", "version", name=op.f("uq_photo_standards_name_version")),
    )
    op.create_table(
        "rejection_reasons",
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("message_zh", sa.Text(), nullable=False),
        sa.Column("message_en", sa.Text(), nullable=False),
        sa.Column("advice_zh", sa.Text(), nullable=False),
        sa.Column("advice_en", sa.Text(), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("retired_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "code ~ '^[A-Z][0-9]{2}$'", name=op.f("ck_rejection_reasons_code_shape")
        ),
        sa.PrimaryKeyConstraint("code", name=op.f("pk_rejection_reasons")),
    )
    op.create_table(
        "roles",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), server_default="", nullable=False),
        sa.Column("permissions", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "name IN ('admin', 'school', 'reviewer', 'operator', 'finance')",
            name=op.f("ck_roles_name_known"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_roles")),
        sa.UniqueConstraint("name", name=op.f("uq_roles_name")),
    )
    op.create_table(
        "schools",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("active", sa.Boolean(), server_default="true", nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.CheckConstraint("code ~ '^[0-9A-Z]{4,10}$'", name=op.f("ck_schools_code_shape")),
        sa.CheckConstraint("length(name) BETWEEN 1 AND 100", name=op.f("ck_schools_name_length")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_schools")),
        sa.UniqueConstraint("code", name=op.f("uq_schools_code")),
    )
    op.create_table(
        "students",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("id_type", sa.Text(), nullable=False),
        sa.Column("id_number", sa.LargeBinary(), nullable=False),
        sa.Column(
            "id_index",
            sa.LargeBinary(length=32),
            nullable=False,
            comment="of the document's match key",
        ),
        sa.Column("name", sa.LargeBinary(), nullable=False),
        sa.Column("phone", sa.LargeBinary(), nullable=False, comment="E.164"),
        sa.Column("phone_index", sa.LargeBinary(length=32), nullable=False),
        sa.Column("email", sa.LargeBinary(), nullable=True),
        sa.Column("gender", sa.Text(), nullable=True),
        sa.Column("locale", sa.Text(), server_default="zh", nullable=False),
        sa.Column("password_hash", sa.Text(), nullable=False),
        sa.Column("must_change_password", sa.Boolean(), nullable=False),
        sa.Column("active", sa.Boolean(), server_default="true", nullable=False),
        sa.Column("erasure_requested_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.CheckConstraint("gender IN ('male','female')", name=op.f("ck_students_gender_known")),
        sa.CheckConstraint(
            "id_type IN ('resident_id','hk_macau_permit','taiwan_permit','passport','foreign_pr','hk_id')",
            name=op.f("ck_students_id_type_known"),
        ),
        sa.CheckConstraint("locale IN ('zh','en')", name=op.f("ck_students_locale_known")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_students")),
        sa.UniqueConstraint("id_index", name=op.f("uq_students_id_index")),
    )
    op.create_index("ix_students_phone_index", "students", ["phone_index"], unique=False)
    op.create_table(
        "addresses",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("student_id", sa.Uuid(), nullable=False),
        sa.Column("recipient", sa.LargeBinary(), nullable=False),
        sa.Column("phone", sa.LargeBinary(), nullable=False),
        sa.Column("province", sa.Text(), nullable=False),
        sa.Column("city", sa.Text(), nullable=False),
        sa.Column("district", sa.Text(), nullable=False),
        sa.Column("detail", sa.LargeBinary(), nullable=False),
        sa.Column("postcode", sa.Text(), nullable=True),
        sa.Column("is_default", sa.Boolean(), nullable=False),
        sa.Column("deleted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.ForeignKeyConstraint(
            ["student_id"], ["students.id"], name=op.f("fk_addresses_student_id_students")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_addresses")),
    )
    op.create_index("ix_addresses_student_id", "addresses", ["student_id"], unique=False)
    op.create_index(
        "uq_addresses_default",
        "addresses",
        ["student_id"],
        unique=True,
        postgresql_where=sa.text("is_default AND deleted_at IS NULL"),
    )
    op.create_table(
        "batches",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("school_id", sa.Uuid(), nullable=False),
        sa.Column(
            "feature_code",
            sa.Text(),
            nullable=False,
            comment="upper case; matched case-insensitively",
        ),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("mode", sa.Text(), nullable=False),
        sa.Column("roster_mode", sa.Text(), nullable=False),
        sa.Column("legal_basis", sa.Text(), nullable=True, comment="why a full roster may be held"),
        sa.Column("standard_id", sa.Uuid(), nullable=False),
        sa.Column("reject_policy", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("opens_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("closes_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("requires_capture_code", sa.Boolean(), nullable=False),
        sa.Column("allow_album", sa.Boolean(), nullable=False),
        sa.Column("allow_unlisted", sa.Boolean(), nullable=False),
        sa.Column("unpaid_minutes", sa.BigInteger(), nullable=False),
        sa.Column("max_attempts", sa.BigInteger(), nullable=False, comment="uploads per order"),
        sa.Column("auto_complete_days", sa.BigInteger(), nullable=False),
        sa.Column("delivery_methods", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("layouts", postgresql.ARRAY(sa.Text()), server_default="{}", nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.CheckConstraint(
            "cardinality(delivery_methods) >= 1 AND delivery_methods <@ ARRAY['digital','school','courier']",
            name=op.f("ck_batches_delivery_methods_known"),
        ),
        sa.CheckConstraint(
            "feature_code ~ '^[0-9A-Z]{4,8}$'", name=op.f("ck_batches_feature_code_shape")
        ),
        sa.CheckConstraint("kind IN ('graduate', 'freshman')", name=op.f("ck_batches_kind_known")),
        sa.CheckConstraint(
            "mode IN ('pay_first', 'photo_first')", name=op.f("ck_batches_mode_known")
        ),
        sa.CheckConstraint(
            "reject_policy IN ('resubmit', 'refund')", name=op.f("ck_batches_reject_policy_known")
        ),
        sa.CheckConstraint(
            "roster_mode IN ('full', 'minimal', 'none')", name=op.f("ck_batches_roster_mode_known")
        ),
        sa.CheckConstraint(
            "state IN ('draft', 'open', 'closed', 'archived')", name=op.f("ck_batches_state_known")
        ),
        sa.CheckConstraint(
            "auto_complete_days BETWEEN 1 AND 365", name=op.f("ck_batches_auto_complete_days_range")
        ),
        sa.CheckConstraint("closes_at > opens_at", name=op.f("ck_batches_window_order")),
        sa.CheckConstraint(
            "max_attempts BETWEEN 1 AND 1000", name=op.f("ck_batches_max_attempts_range")
        ),
        sa.CheckConstraint(
            "unpaid_minutes BETWEEN 1 AND 10080", name=op.f("ck_batches_unpaid_minutes_range")
        ),
        sa.ForeignKeyConstraint(
            ["school_id"], ["schools.id"], name=op.f("fk_batches_school_id_schools")
        ),
        sa.ForeignKeyConstraint(
            ["standard_id"],
            ["photo_standards.id"],
            name=op.f("fk_batches_standard_id_photo_standards"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_batches")),
        sa.UniqueConstraint("feature_code", name=op.f("uq_batches_feature_code")),
    )
    op.create_index("ix_batches_school_id", "batches", ["school_id"], unique=False)
    op.create_table(
        "staff",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("email", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("password", sa.Text(), nullable=True),
        sa.Column("active", sa.Boolean(), server_default="true", nullable=False),
        sa.Column("fs_uniquifier", sa.String(length=64), nullable=False),
        sa.Column("locale", sa.Text(), server_default="zh", nullable=False),
        sa.Column("school_id", sa.Uuid(), nullable=True),
        sa.Column("last_login_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("current_login_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("login_count", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("tf_primary_method", sa.Text(), nullable=True),
        sa.Column("tf_totp_secret", sa.LargeBinary(), nullable=True),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.ForeignKeyConstraint(
            ["school_id"], ["schools.id"], name=op.f("fk_staff_school_id_schools")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_staff")),
        sa.UniqueConstraint("email", name=op.f("uq_staff_email")),
        sa.UniqueConstraint("fs_uniquifier", name=op.f("uq_staff_fs_uniquifier")),
    )
    op.create_index("ix_staff_school_id", "staff", ["school_id"], unique=False)
    op.create_table(
        "student_consents",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("student_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("version", sa.Text(), nullable=False),
        sa.Column(
            "given_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False
        ),
        sa.CheckConstraint(
            "kind IN ('terms','privacy','portrait')", name=op.f("ck_student_consents_kind_known")
        ),
        sa.ForeignKeyConstraint(
            ["student_id"], ["students.id"], name=op.f("fk_student_consents_student_id_students")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_student_consents")),
        sa.UniqueConstraint(
            "student_id",
            "kind",
            "version",
            name=op.f("uq_student_consents_student_id_kind_version"),
        ),
    )
    op.create_table(
        "student_tokens",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("student_id", sa.Uuid(), nullable=False),
        sa.Column("family", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("token_hash", sa.LargeBinary(length=32), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("spent_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.CheckConstraint(
            "kind IN ('access','refresh')", name=op.f("ck_student_tokens_kind_known")
        ),
        sa.CheckConstraint(
            "octet_length(token_hash) = 32", name=op.f("ck_student_tokens_token_hash_length")
        ),
        sa.ForeignKeyConstraint(
            ["student_id"], ["students.id"], name=op.f("fk_student_tokens_student_id_students")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_student_tokens")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_student_tokens_token_hash")),
    )
    op.create_index("ix_student_tokens_family", "student_tokens", ["family"], unique=False)
    op.create_index("ix_student_tokens_student_id", "student_tokens", ["student_id"], unique=False)
    op.create_table(
        "access_records",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column(
            "at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False
        ),
        sa.Column("staff_id", sa.Uuid(), nullable=True),
        sa.Column(
            "action", sa.Text(), nullable=False, comment="tag such as photo:view, export:download"
        ),
        sa.Column("subject_kind", sa.Text(), nullable=False),
        sa.Column("subject_id", sa.Text(), nullable=False),
        sa.Column("address_digest", sa.LargeBinary(), nullable=True),
        sa.Column(
            "data", postgresql.JSONB(astext_type=sa.Text()), server_default="{}", nullable=False
        ),
        sa.ForeignKeyConstraint(
            ["staff_id"], ["staff.id"], name=op.f("fk_access_records_staff_id_staff")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_access_records")),
    )
    op.create_index(
        "ix_access_records_staff_id_at", "access_records", ["staff_id", "at"], unique=False
    )
    op.create_index(
        "ix_access_records_subject",
        "access_records",
        ["subject_kind", "subject_id", "at"],
        unique=False,
    )
    op.create_table(
        "batch_services",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("batch_id", sa.Uuid(), nullable=False),
        sa.Column(
            "code",
            sa.Text(),
            nullable=False,
            comment="`portrait` is the picture itself; `prints` the paper",
        ),
        sa.Column("name_zh", sa.Text(), nullable=False),
        sa.Column("name_en", sa.Text(), nullable=False),
        sa.Column("price_fen", sa.BigInteger(), nullable=False),
        sa.Column("required", sa.Boolean(), server_default="false", nullable=False),
        sa.Column("position", sa.BigInteger(), server_default="0", nullable=False),
        sa.CheckConstraint(
            "price_fen BETWEEN 0 AND 10000000", name=op.f("ck_batch_services_price_fen_range")
        ),
        sa.ForeignKeyConstraint(
            ["batch_id"],
            ["batches.id"],
            name=op.f("fk_batch_services_batch_id_batches"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_batch_services")),
        sa.UniqueConstraint("batch_id", "code", name=op.f("uq_batch_services_batch_id_code")),
    )
    op.create_table(
        "roster_imports",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("batch_id", sa.Uuid(), nullable=False),
        sa.Column("staff_id", sa.Uuid(), nullable=True),
        sa.Column("file_name", sa.Text(), nullable=False),
        sa.Column("file_sha256", sa.LargeBinary(length=32), nullable=False),
        sa.Column("file_bytes", sa.BigInteger(), nullable=False),
        sa.Column(
            "mapping",
            postgresql.JSONB(astext_type=sa.Text()),
            nullable=False,
            comment="field -> column heading",
        ),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("row_count", sa.BigInteger(), nullable=False),
        sa.Column("new_count", sa.BigInteger(), nullable=False),
        sa.Column("changed_count", sa.BigInteger(), nullable=False),
        sa.Column("same_count", sa.BigInteger(), nullable=False),
        sa.Column("rejected_count", sa.BigInteger(), nullable=False),
        sa.Column("findings", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("applied_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.CheckConstraint(
            "state IN ('previewed','applied','undone')", name=op.f("ck_roster_imports_state_known")
        ),
        sa.CheckConstraint(
            "row_count = new_count + changed_count + same_count + rejected_count",
            name=op.f("ck_roster_imports_rows_accounted_for"),
        ),
        sa.ForeignKeyConstraint(
            ["batch_id"], ["batches.id"], name=op.f("fk_roster_imports_batch_id_batches")
        ),
        sa.ForeignKeyConstraint(
            ["staff_id"], ["staff.id"], name=op.f("fk_roster_imports_staff_id_staff")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_roster_imports")),
    )
    op.create_index(
        "ix_roster_imports_batch_id", "roster_imports", ["batch_id", "created_at"], unique=False
    )
    op.create_table(
        "staff_roles",
        sa.Column("staff_id", sa.Uuid(), nullable=False),
        sa.Column("role_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["role_id"],
            ["roles.id"],
            name=op.f("fk_staff_roles_role_id_roles"),
            ondelete="RESTRICT",
        ),
        sa.ForeignKeyConstraint(
            ["staff_id"],
            ["staff.id"],
            name=op.f("fk_staff_roles_staff_id_staff"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("staff_id", "role_id", name=op.f("pk_staff_roles")),
    )
    op.create_table(
        "enrolments",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("batch_id", sa.Uuid(), nullable=False),
        sa.Column("import_id", sa.Uuid(), nullable=True),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("student_no", sa.Text(), nullable=False),
        sa.Column("name", sa.LargeBinary(), nullable=True),
        sa.Column("name_masked", sa.Text(), nullable=False),
        sa.Column("name_index", sa.LargeBinary(length=32), nullable=True),
        sa.Column("id_type", sa.Text(), nullable=True),
        sa.Column("id_number", sa.LargeBinary(), nullable=True),
        sa.Column("id_masked", sa.Text(), nullable=True),
        sa.Column("id_index", sa.LargeBinary(length=32), nullable=True),
        sa.Column("id_last4", sa.LargeBinary(), nullable=True),
        sa.Column(
            "id_last4_indexes",
            postgresql.ARRAY(sa.LargeBinary()),
            nullable=False,
            comment="blind indexes of every accepted last four",
        ),
        sa.Column("gender", sa.Text(), nullable=True),
        sa.Column(
            "birth_date", sa.Date(), nullable=True, comment="null unless the roster gives it"
        ),
        sa.Column("phone", sa.LargeBinary(), nullable=True),
        sa.Column("phone_index", sa.LargeBinary(length=32), nullable=True),
        sa.Column("level", sa.Text(), nullable=True),
        sa.Column("study_form", sa.Text(), nullable=True),
        sa.Column("college", sa.Text(), nullable=True),
        sa.Column("major", sa.Text(), nullable=True),
        sa.Column("class_name", sa.Text(), nullable=True),
        sa.Column(
            "details",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default="{}",
            nullable=False,
            comment="other roster columns, no personal data",
        ),
        sa.Column("student_id", sa.Uuid(), nullable=True),
        sa.Column("claimed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("confirmed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.CheckConstraint("gender IN ('male','female')", name=op.f("ck_enrolments_gender_known")),
        sa.CheckConstraint(
            "source IN ('roster','capture_code','student')", name=op.f("ck_enrolments_source_known")
        ),
        sa.ForeignKeyConstraint(
            ["batch_id"], ["batches.id"], name=op.f("fk_enrolments_batch_id_batches")
        ),
        sa.ForeignKeyConstraint(
            ["import_id"],
            ["roster_imports.id"],
            name=op.f("fk_enrolments_import_id_roster_imports"),
        ),
        sa.ForeignKeyConstraint(
            ["student_id"], ["students.id"], name=op.f("fk_enrolments_student_id_students")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_enrolments")),
        sa.UniqueConstraint(
            "batch_id", "student_no", name=op.f("uq_enrolments_batch_id_student_no")
        ),
    )
    op.create_index(
        "ix_enrolments_id_last4_indexes",
        "enrolments",
        ["id_last4_indexes"],
        unique=False,
        postgresql_using="gin",
    )
    op.create_index("ix_enrolments_id_index", "enrolments", ["id_index"], unique=False)
    op.create_index("ix_enrolments_name_index", "enrolments", ["name_index"], unique=False)
    op.create_index("ix_enrolments_student_id", "enrolments", ["student_id"], unique=False)
    op.create_index(
        "uq_enrolments_batch_id_student_id",
        "enrolments",
        ["batch_id", "student_id"],
        unique=True,
        postgresql_where=sa.text("student_id IS NOT NULL"),
    )
    op.create_table(
        "capture_codes",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("enrolment_id", sa.Uuid(), nullable=False),
        sa.Column("student_id", sa.Uuid(), nullable=False),
        sa.Column("provider", sa.Text(), nullable=False),
        sa.Column("code_text", sa.LargeBinary(), nullable=False),
        sa.Column(
            "text_hash",
            sa.LargeBinary(length=32),
            nullable=False,
            comment="blind index of the text",
        ),
        sa.Column("payload", sa.LargeBinary(), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.CheckConstraint(
            "octet_length(text_hash) = 32", name=op.f("ck_capture_codes_text_hash_length")
        ),
        sa.ForeignKeyConstraint(
            ["enrolment_id"],
            ["enrolments.id"],
            name=op.f("fk_capture_codes_enrolment_id_enrolments"),
        ),
        sa.ForeignKeyConstraint(
            ["student_id"], ["students.id"], name=op.f("fk_capture_codes_student_id_students")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_capture_codes")),
        sa.UniqueConstraint(
            "enrolment_id", "text_hash", name=op.f("uq_capture_codes_enrolment_id_text_hash")
        ),
    )
    op.create_index("ix_capture_codes_text_hash", "capture_codes", ["text_hash"], unique=False)
    op.create_table(
        "orders",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("workflow", sa.Text(), nullable=False),
        sa.Column("workflow_version", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column(
            "last_hash",
            sa.LargeBinary(length=32),
            nullable=True,
            comment="hash of the newest event: the head of the chain",
        ),
        sa.Column("school_id", sa.Uuid(), nullable=False),
        sa.Column("batch_id", sa.Uuid(), nullable=False),
        sa.Column("enrolment_id", sa.Uuid(), nullable=False),
        sa.Column("student_id", sa.Uuid(), nullable=False),
        sa.Column("parent_id", sa.Uuid(), nullable=True),
        sa.Column(
            "standard_id", sa.Uuid(), nullable=False, comment="the version this order is judged by"
        ),
        sa.Column("amount_fen", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.Text(), server_default="CNY", nullable=False),
        sa.Column("delivery_method", sa.Text(), nullable=False),
        sa.Column("delivery_address", sa.LargeBinary(), nullable=True),
        sa.Column("layout", sa.Text(), nullable=True),
        sa.Column("remark", sa.LargeBinary(), nullable=True),
        sa.Column("photo_id", sa.Uuid(), nullable=True, comment="the picture submitted for review"),
        sa.Column(
            "expires_at",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="unpaid drafts close then",
        ),
        sa.Column("paid_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column(
            "entered_at",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="when the present state began",
        ),
        sa.Column(
            "flagged", sa.Text(), nullable=True, comment="why finance must look, e.g. refund_failed"
        ),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.CheckConstraint(
            "(kind = 'reprint') = (parent_id IS NOT NULL)",
            name=op.f("ck_orders_reprint_has_parent"),
        ),
        sa.CheckConstraint("currency = 'CNY'", name=op.f("ck_orders_currency_cny")),
        sa.CheckConstraint(
            "delivery_method IN ('digital', 'school', 'courier')",
            name=op.f("ck_orders_delivery_method_known"),
        ),
        sa.CheckConstraint("kind IN ('capture', 'reprint')", name=op.f("ck_orders_kind_known")),
        sa.CheckConstraint(
            "state IN ('draft', 'paid', 'pending_review', 'rejected', 'approved', 'processing', 'shipped', 'completed', 'refunding', 'refunded', 'closed')",
            name=op.f("ck_orders_state_known"),
        ),
        sa.CheckConstraint(
            "amount_fen BETWEEN 0 AND 10000000", name=op.f("ck_orders_amount_fen_range")
        ),
        sa.CheckConstraint("version >= 0", name=op.f("ck_orders_version_not_negative")),
        sa.ForeignKeyConstraint(
            ["batch_id"], ["batches.id"], name=op.f("fk_orders_batch_id_batches")
        ),
        sa.ForeignKeyConstraint(
            ["enrolment_id"], ["enrolments.id"], name=op.f("fk_orders_enrolment_id_enrolments")
        ),
        sa.ForeignKeyConstraint(
            ["parent_id"], ["orders.id"], name=op.f("fk_orders_parent_id_orders")
        ),
        sa.ForeignKeyConstraint(
            ["school_id"], ["schools.id"], name=op.f("fk_orders_school_id_schools")
        ),
        sa.ForeignKeyConstraint(
            ["standard_id"],
            ["photo_standards.id"],
            name=op.f("fk_orders_standard_id_photo_standards"),
        ),
        sa.ForeignKeyConstraint(
            ["student_id"], ["students.id"], name=op.f("fk_orders_student_id_students")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_orders")),
        sa.UniqueConstraint("number", name=op.f("uq_orders_number")),
    )
    op.create_index("ix_orders_batch_state", "orders", ["batch_id", "state"], unique=False)
    op.create_index(
        "ix_orders_school_state", "orders", ["school_id", "state", "created_at"], unique=False
    )
    op.create_index(
        "ix_orders_state_created", "orders", ["state", "created_at", "id"], unique=False
    )
    op.create_index("ix_orders_student_id", "orders", ["student_id", "created_at"], unique=False)
    op.create_index(
        "uq_orders_live_enrolment",
        "orders",
        ["enrolment_id"],
        unique=True,
        postgresql_where=sa.text("kind = 'capture' AND state NOT IN ('closed','refunded')"),
    )
    op.create_table(
        "messages",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("order_id", sa.Uuid(), nullable=True),
        sa.Column("student_id", sa.Uuid(), nullable=False),
        sa.Column("template", sa.Text(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("locale", sa.Text(), nullable=False),
        sa.Column("dedupe_key", sa.Text(), nullable=False),
        sa.Column("recipient", sa.LargeBinary(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("provider", sa.Text(), nullable=False),
        sa.Column("provider_id", sa.Text(), nullable=True),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.CheckConstraint("channel IN ('sms','email')", name=op.f("ck_messages_channel_known")),
        sa.CheckConstraint(
            "status IN ('sending','sent','delivered','failed','unknown')",
            name=op.f("ck_messages_status_known"),
        ),
        sa.ForeignKeyConstraint(
            ["order_id"], ["orders.id"], name=op.f("fk_messages_order_id_orders")
        ),
        sa.ForeignKeyConstraint(
            ["student_id"], ["students.id"], name=op.f("fk_messages_student_id_students")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_messages")),
        sa.UniqueConstraint("dedupe_key", name=op.f("uq_messages_dedupe_key")),
    )
    op.create_index("ix_messages_order_id", "messages", ["order_id"], unique=False)
    op.create_index(
        "ix_messages_provider_id", "messages", ["provider", "provider_id"], unique=False
    )
    op.create_table(
        "order_events",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("order_id", sa.Uuid(), nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.Column("transition", sa.Text(), nullable=False),
        sa.Column("from_state", sa.Text(), nullable=False),
        sa.Column("to_state", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor_kind", sa.Text(), nullable=False),
        sa.Column("actor_id", sa.Text(), nullable=True),
        sa.Column("reasons", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("note", sa.LargeBinary(), nullable=True),
        sa.Column("note_digest", sa.LargeBinary(length=32), nullable=True),
        sa.Column("data", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("workflow", sa.Text(), nullable=False),
        sa.Column("workflow_version", sa.BigInteger(), nullable=False),
        sa.Column("idempotency_key", sa.Text(), nullable=True),
        sa.Column("previous_hash", sa.LargeBinary(length=32), nullable=True),
        sa.Column("hash", sa.LargeBinary(length=32), nullable=False),
        sa.CheckConstraint(
            "actor_kind IN ('student','staff','timer','provider','system')",
            name=op.f("ck_order_events_actor_known"),
        ),
        sa.CheckConstraint(
            "(sequence = 1) = (previous_hash IS NULL)", name=op.f("ck_order_events_chain_start")
        ),
        sa.CheckConstraint("octet_length(hash) = 32", name=op.f("ck_order_events_hash_length")),
        sa.CheckConstraint("sequence >= 1", name=op.f("ck_order_events_sequence_positive")),
        sa.ForeignKeyConstraint(
            ["order_id"], ["orders.id"], name=op.f("fk_order_events_order_id_orders")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_order_events")),
        sa.UniqueConstraint("order_id", "sequence", name=op.f("uq_order_events_order_id_sequence")),
    )
    op.create_index("ix_order_events_at", "order_events", ["at"], unique=False)
    op.create_index(
        "uq_order_events_idempotency_key",
        "order_events",
        ["order_id", "idempotency_key"],
        unique=True,
        postgresql_where=sa.text("idempotency_key IS NOT NULL"),
    )
    op.create_table(
        "order_items",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("order_id", sa.Uuid(), nullable=False),
        sa.Column("service_code", sa.Text(), nullable=False),
        sa.Column("name_zh", sa.Text(), nullable=False),
        sa.Column("name_en", sa.Text(), nullable=False),
        sa.Column("quantity", sa.BigInteger(), nullable=False),
        sa.Column("unit_price_fen", sa.BigInteger(), nullable=False),
        sa.Column("amount_fen", sa.BigInteger(), nullable=False),
        sa.Column("position", sa.BigInteger(), server_default="0", nullable=False),
        sa.CheckConstraint(
            "amount_fen = quantity * unit_price_fen", name=op.f("ck_order_items_amount_fen_adds_up")
        ),
        sa.CheckConstraint(
            "quantity BETWEEN 1 AND 100", name=op.f("ck_order_items_quantity_range")
        ),
        sa.CheckConstraint(
            "unit_price_fen >= 0", name=op.f("ck_order_items_unit_price_fen_not_negative")
        ),
        sa.ForeignKeyConstraint(
            ["order_id"], ["orders.id"], name=op.f("fk_order_items_order_id_orders")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_order_items")),
        sa.UniqueConstraint(
            "order_id", "service_code", name=op.f("uq_order_items_order_id_service_code")
        ),
    )
    op.create_table(
        "outbox",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("order_id", sa.Uuid(), nullable=True),
        sa.Column("effect", sa.Text(), nullable=False),
        sa.Column("queue", sa.Text(), server_default="default", nullable=False),
        sa.Column("payload", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("dedupe_key", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), server_default="waiting", nullable=False),
        sa.Column("tries", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column(
            "available_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column("published_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("done_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_error", sa.Text(), nullable=True),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.CheckConstraint(
            "state IN ('waiting','published','done','dead')", name=op.f("ck_outbox_state_known")
        ),
        sa.CheckConstraint("tries >= 0", name=op.f("ck_outbox_tries_not_negative")),
        sa.ForeignKeyConstraint(
            ["order_id"], ["orders.id"], name=op.f("fk_outbox_order_id_orders")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_outbox")),
        sa.UniqueConstraint("dedupe_key", name=op.f("uq_outbox_dedupe_key")),
    )
    op.create_index("ix_outbox_order_id", "outbox", ["order_id"], unique=False)
    op.create_index(
        "ix_outbox_published",
        "outbox",
        ["published_at"],
        unique=False,
        postgresql_where=sa.text("state = 'published'"),
    )
    op.create_index(
        "ix_outbox_waiting",
        "outbox",
        ["available_at"],
        unique=False,
        postgresql_where=sa.text("state = 'waiting'"),
    )
    op.create_table(
        "payments",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("order_id", sa.Uuid(), nullable=False),
        sa.Column("provider", sa.Text(), nullable=False),
        sa.Column("out_trade_no", sa.Text(), nullable=False, comment="our number at the provider"),
        sa.Column("trade_no", sa.Text(), nullable=True, comment="the provider's number"),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("amount_fen", sa.BigInteger(), nullable=False),
        sa.Column(
            "surplus",
            sa.Boolean(),
            server_default="false",
            nullable=False,
            comment="money that came for an order already paid or closed: to be refunded",
        ),
        sa.Column("paid_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.CheckConstraint(
            "(status = 'succeeded') = (paid_at IS NOT NULL)",
            name=op.f("ck_payments_succeeded_has_paid_at"),
        ),
        sa.CheckConstraint(
            "status IN ('pending', 'succeeded', 'failed', 'closed')",
            name=op.f("ck_payments_status_known"),
        ),
        sa.CheckConstraint("amount_fen >= 0", name=op.f("ck_payments_amount_fen_not_negative")),
        sa.ForeignKeyConstraint(
            ["order_id"], ["orders.id"], name=op.f("fk_payments_order_id_orders")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_payments")),
        sa.UniqueConstraint("out_trade_no", name=op.f("uq_payments_out_trade_no")),
    )
    op.create_index("ix_payments_order_id", "payments", ["order_id"], unique=False)
    op.create_index(
        "uq_payments_one_succeeded",
        "payments",
        ["order_id"],
        unique=True,
        postgresql_where=sa.text("status = 'succeeded' AND NOT surplus"),
    )
    op.create_index(
        "uq_payments_trade_no",
        "payments",
        ["provider", "trade_no"],
        unique=True,
        postgresql_where=sa.text("trade_no IS NOT NULL"),
    )
    op.create_table(
        "photos",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("order_id", sa.Uuid(), nullable=False),
        sa.Column("attempt", sa.BigInteger(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("standard_id", sa.Uuid(), nullable=False),
        sa.Column("original_key", sa.Text(), nullable=False),
        sa.Column(
            "original_type", sa.Text(), nullable=False, comment="media type by content, not by name"
        ),
        sa.Column("original_bytes", sa.BigInteger(), nullable=False),
        sa.Column("original_sha256", sa.LargeBinary(length=32), nullable=False),
        sa.Column("result_key", sa.Text(), nullable=True),
        sa.Column("result_bytes", sa.BigInteger(), nullable=True),
        sa.Column("result_sha256", sa.LargeBinary(length=32), nullable=True),
        sa.Column("perceptual_hash", sa.LargeBinary(), nullable=True),
        sa.Column("quality", sa.BigInteger(), nullable=True, comment="JPEG quality of the result"),
        sa.Column(
            "checks", postgresql.JSONB(astext_type=sa.Text()), server_default="[]", nullable=False
        ),
        sa.Column(
            "geometry", postgresql.JSONB(astext_type=sa.Text()), server_default="{}", nullable=False
        ),
        sa.Column(
            "edits", postgresql.JSONB(astext_type=sa.Text()), server_default="[]", nullable=False
        ),
        sa.Column("failure_code", sa.Text(), nullable=True),
        sa.Column("processing_ms", sa.BigInteger(), nullable=True),
        sa.Column("processed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.CheckConstraint("source IN ('camera','album')", name=op.f("ck_photos_source_known")),
        sa.CheckConstraint(
            "status <> 'passed' OR (result_key IS NOT NULL AND result_sha256 IS NOT NULL)",
            name=op.f("ck_photos_passed_has_result"),
        ),
        sa.CheckConstraint(
            "status IN ('queued', 'processing', 'passed', 'failed')",
            name=op.f("ck_photos_status_known"),
        ),
        sa.CheckConstraint("attempt >= 1", name=op.f("ck_photos_attempt_positive")),
        sa.CheckConstraint(
            "octet_length(original_sha256) = 32", name=op.f("ck_photos_original_sha256_length")
        ),
        sa.ForeignKeyConstraint(
            ["order_id"], ["orders.id"], name=op.f("fk_photos_order_id_orders")
        ),
        sa.ForeignKeyConstraint(
            ["standard_id"],
            ["photo_standards.id"],
            name=op.f("fk_photos_standard_id_photo_standards"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_photos")),
        sa.UniqueConstraint("order_id", "attempt", name=op.f("uq_photos_order_id_attempt")),
    )
    op.create_index("ix_photos_original_sha256", "photos", ["original_sha256"], unique=False)
    op.create_index("ix_photos_status", "photos", ["status", "created_at"], unique=False)
    op.create_table(
        "shipments",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("order_id", sa.Uuid(), nullable=False),
        sa.Column("carrier", sa.Text(), nullable=False),
        sa.Column("tracking_no", sa.Text(), nullable=False),
        sa.Column("staff_id", sa.Uuid(), nullable=True),
        sa.Column("shipped_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.CheckConstraint(
            "length(carrier) BETWEEN 1 AND 50", name=op.f("ck_shipments_carrier_length")
        ),
        sa.CheckConstraint(
            "length(tracking_no) BETWEEN 1 AND 50", name=op.f("ck_shipments_tracking_no_length")
        ),
        sa.ForeignKeyConstraint(
            ["order_id"], ["orders.id"], name=op.f("fk_shipments_order_id_orders")
        ),
        sa.ForeignKeyConstraint(
            ["staff_id"], ["staff.id"], name=op.f("fk_shipments_staff_id_staff")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_shipments")),
        sa.UniqueConstraint("order_id", name=op.f("uq_shipments_order_id")),
    )
    op.create_index("ix_shipments_tracking_no", "shipments", ["tracking_no"], unique=False)
    op.create_table(
        "tickets",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("student_id", sa.Uuid(), nullable=False),
        sa.Column("order_id", sa.Uuid(), nullable=True),
        sa.Column("subject", sa.LargeBinary(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.CheckConstraint(
            "state IN ('open','answered','closed')", name=op.f("ck_tickets_state_known")
        ),
        sa.ForeignKeyConstraint(
            ["order_id"], ["orders.id"], name=op.f("fk_tickets_order_id_orders")
        ),
        sa.ForeignKeyConstraint(
            ["student_id"], ["students.id"], name=op.f("fk_tickets_student_id_students")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tickets")),
    )
    op.create_index("ix_tickets_state", "tickets", ["state", "created_at"], unique=False)
    op.create_index("ix_tickets_student_id", "tickets", ["student_id", "created_at"], unique=False)
    op.create_table(
        "timers",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("order_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("transition", sa.Text(), nullable=False),
        sa.Column(
            "armed_sequence",
            sa.BigInteger(),
            nullable=False,
            comment="order.version when it was armed",
        ),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("state", sa.Text(), server_default="waiting", nullable=False),
        sa.Column("outcome", sa.Text(), nullable=True),
        sa.Column("settled_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "state IN ('waiting','fired','cancelled')", name=op.f("ck_timers_state_known")
        ),
        sa.ForeignKeyConstraint(
            ["order_id"], ["orders.id"], name=op.f("fk_timers_order_id_orders")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_timers")),
        sa.UniqueConstraint(
            "order_id",
            "name",
            "armed_sequence",
            name=op.f("uq_timers_order_id_name_armed_sequence"),
        ),
    )
    op.create_index(
        "ix_timers_due",
        "timers",
        ["due_at"],
        unique=False,
        postgresql_where=sa.text("state = 'waiting'"),
    )
    op.create_table(
        "refunds",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("order_id", sa.Uuid(), nullable=False),
        sa.Column("payment_id", sa.Uuid(), nullable=False),
        sa.Column("refund_no", sa.Text(), nullable=False),
        sa.Column("amount_fen", sa.BigInteger(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("reason", sa.LargeBinary(), nullable=True),
        sa.Column("provider_refund_no", sa.Text(), nullable=True),
        sa.Column("tries", sa.BigInteger(), nullable=False),
        sa.Column(
            "last_error", sa.Text(), nullable=True, comment="the provider's code, no personal data"
        ),
        sa.Column("settled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.CheckConstraint(
            "status IN ('pending', 'succeeded', 'failed')", name=op.f("ck_refunds_status_known")
        ),
        sa.CheckConstraint("amount_fen >= 0", name=op.f("ck_refunds_amount_fen_not_negative")),
        sa.CheckConstraint("tries >= 0", name=op.f("ck_refunds_tries_not_negative")),
        sa.ForeignKeyConstraint(
            ["order_id"], ["orders.id"], name=op.f("fk_refunds_order_id_orders")
        ),
        sa.ForeignKeyConstraint(
            ["payment_id"], ["payments.id"], name=op.f("fk_refunds_payment_id_payments")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_refunds")),
        sa.UniqueConstraint("refund_no", name=op.f("uq_refunds_refund_no")),
    )
    op.create_index("ix_refunds_order_id", "refunds", ["order_id"], unique=False)
    op.create_index("ix_refunds_status", "refunds", ["status"], unique=False)
    op.create_index("uq_refunds_one_per_payment", "refunds", ["payment_id"], unique=True)
    op.create_table(
        "review_decisions",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("order_id", sa.Uuid(), nullable=False),
        sa.Column("photo_id", sa.Uuid(), nullable=False),
        sa.Column("event_sequence", sa.BigInteger(), nullable=False),
        sa.Column("staff_id", sa.Uuid(), nullable=True),
        sa.Column("decision", sa.Text(), nullable=False),
        sa.Column("note", sa.LargeBinary(), nullable=True),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.CheckConstraint(
            "decision IN ('approve','reject','revoke')",
            name=op.f("ck_review_decisions_decision_known"),
        ),
        sa.ForeignKeyConstraint(
            ["order_id"], ["orders.id"], name=op.f("fk_review_decisions_order_id_orders")
        ),
        sa.ForeignKeyConstraint(
            ["photo_id"], ["photos.id"], name=op.f("fk_review_decisions_photo_id_photos")
        ),
        sa.ForeignKeyConstraint(
            ["staff_id"], ["staff.id"], name=op.f("fk_review_decisions_staff_id_staff")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_review_decisions")),
        sa.UniqueConstraint(
            "order_id", "event_sequence", name=op.f("uq_review_decisions_order_id_event_sequence")
        ),
    )
    op.create_index(
        "ix_review_decisions_order_id", "review_decisions", ["order_id", "created_at"], unique=False
    )
    op.create_index(
        "ix_review_decisions_staff_id", "review_decisions", ["staff_id", "created_at"], unique=False
    )
    op.create_table(
        "ticket_messages",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("ticket_id", sa.Uuid(), nullable=False),
        sa.Column("author", sa.Text(), nullable=False),
        sa.Column("staff_id", sa.Uuid(), nullable=True),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.CheckConstraint(
            "(author = 'staff') = (staff_id IS NOT NULL)",
            name=op.f("ck_ticket_messages_staff_named"),
        ),
        sa.CheckConstraint(
            "author IN ('student','staff')", name=op.f("ck_ticket_messages_author_known")
        ),
        sa.ForeignKeyConstraint(
            ["staff_id"], ["staff.id"], name=op.f("fk_ticket_messages_staff_id_staff")
        ),
        sa.ForeignKeyConstraint(
            ["ticket_id"], ["tickets.id"], name=op.f("fk_ticket_messages_ticket_id_tickets")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ticket_messages")),
    )
    op.create_index("ix_ticket_messages_ticket_id", "ticket_messages", ["ticket_id"], unique=False)
    op.create_table(
        "review_decision_reasons",
        sa.Column("decision_id", sa.Uuid(), nullable=False),
        sa.Column("reason_code", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["decision_id"],
            ["review_decisions.id"],
            name=op.f("fk_review_decision_reasons_decision_id_review_decisions"),
        ),
        sa.ForeignKeyConstraint(
            ["reason_code"],
            ["rejection_reasons.code"],
            name=op.f("fk_review_decision_reasons_reason_code_rejection_reasons"),
        ),
        sa.PrimaryKeyConstraint(
            "decision_id", "reason_code", name=op.f("pk_review_decision_reasons")
        ),
    )
    op.create_foreign_key("fk_orders_photo_id_photos", "orders", "photos", ["photo_id"], ["id"])
    for statement in RULES:
        op.execute(statement)


def downgrade() -> None:
    op.drop_constraint("fk_orders_photo_id_photos", "orders", type_="foreignkey")
    op.drop_table("review_decision_reasons")
    op.drop_index("ix_ticket_messages_ticket_id", table_name="ticket_messages")
    op.drop_table("ticket_messages")
    op.drop_index("ix_review_decisions_staff_id", table_name="review_decisions")
    op.drop_index("ix_review_decisions_order_id", table_name="review_decisions")
    op.drop_table("review_decisions")
    op.drop_index("uq_refunds_one_per_payment", table_name="refunds")
    op.drop_index("ix_refunds_status", table_name="refunds")
    op.drop_index("ix_refunds_order_id", table_name="refunds")
    op.drop_table("refunds")
    op.drop_index(
        "ix_timers_due", table_name="timers", postgresql_where=sa.text("state = 'waiting'")
    )
    op.drop_table("timers")
    op.drop_index("ix_tickets_student_id", table_name="tickets")
    op.drop_index("ix_tickets_state", table_name="tickets")
    op.drop_table("tickets")
    op.drop_index("ix_shipments_tracking_no", table_name="shipments")
    op.drop_table("shipments")
    op.drop_index("ix_photos_status", table_name="photos")
    op.drop_index("ix_photos_original_sha256", table_name="photos")
    op.drop_table("photos")
    op.drop_index(
        "uq_payments_trade_no",
        table_name="payments",
        postgresql_where=sa.text("trade_no IS NOT NULL"),
    )
    op.drop_index(
        "uq_payments_one_succeeded",
        table_name="payments",
        postgresql_where=sa.text("status = 'succeeded' AND NOT surplus"),
    )
    op.drop_index("ix_payments_order_id", table_name="payments")
    op.drop_table("payments")
    op.drop_index(
        "ix_outbox_waiting", table_name="outbox", postgresql_where=sa.text("state = 'waiting'")
    )
    op.drop_index(
        "ix_outbox_published", table_name="outbox", postgresql_where=sa.text("state = 'published'")
    )
    op.drop_index("ix_outbox_order_id", table_name="outbox")
    op.drop_table("outbox")
    op.drop_table("order_items")
    op.drop_index(
        "uq_order_events_idempotency_key",
        table_name="order_events",
        postgresql_where=sa.text("idempotency_key IS NOT NULL"),
    )
    op.drop_index("ix_order_events_at", table_name="order_events")
    op.drop_table("order_events")
    op.drop_index("ix_messages_provider_id", table_name="messages")
    op.drop_index("ix_messages_order_id", table_name="messages")
    op.drop_table("messages")
    op.drop_index(
        "uq_orders_live_enrolment",
        table_name="orders",
        postgresql_where=sa.text("kind = 'capture' AND state NOT IN ('closed','refunded')"),
    )
    op.drop_index("ix_orders_student_id", table_name="orders")
    op.drop_index("ix_orders_state_created", table_name="orders")
    op.drop_index("ix_orders_school_state", table_name="orders")
    op.drop_index("ix_orders_batch_state", table_name="orders")
    op.drop_table("orders")
    op.drop_index("ix_capture_codes_text_hash", table_name="capture_codes")
    op.drop_table("capture_codes")
    op.drop_index(
        "uq_enrolments_batch_id_student_id",
        table_name="enrolments",
        postgresql_where=sa.text("student_id IS NOT NULL"),
    )
    op.drop_index("ix_enrolments_student_id", table_name="enrolments")
    op.drop_index("ix_enrolments_name_index", table_name="enrolments")
    op.drop_index("ix_enrolments_id_index", table_name="enrolments")
    op.drop_index("ix_enrolments_id_last4_indexes", table_name="enrolments", postgresql_using="gin")
    op.drop_table("enrolments")
    op.drop_table("staff_roles")
    op.drop_index("ix_roster_imports_batch_id", table_name="roster_imports")
    op.drop_table("roster_imports")
    op.drop_table("batch_services")
    op.drop_index("ix_access_records_subject", table_name="access_records")
    op.drop_index("ix_access_records_staff_id_at", table_name="access_records")
    op.drop_table("access_records")
    op.drop_index("ix_student_tokens_student_id", table_name="student_tokens")
    op.drop_index("ix_student_tokens_family", table_name="student_tokens")
    op.drop_table("student_tokens")
    op.drop_table("student_consents")
    op.drop_index("ix_staff_school_id", table_name="staff")
    op.drop_table("staff")
    op.drop_index("ix_batches_school_id", table_name="batches")
    op.drop_table("batches")
    op.drop_index(
        "uq_addresses_default",
        table_name="addresses",
        postgresql_where=sa.text("is_default AND deleted_at IS NULL"),
    )
    op.drop_index("ix_addresses_student_id", table_name="addresses")
    op.drop_table("addresses")
    op.drop_index("ix_students_phone_index", table_name="students")
    op.drop_table("students")
    op.drop_table("schools")
    op.drop_table("roles")
    op.drop_table("rejection_reasons")
    op.drop_table("photo_standards")
    op.drop_table("payment_notices")
    op.drop_index("ix_idempotency_created", table_name="idempotency_records")
    op.drop_table("idempotency_records")
    for function in FUNCTIONS:
        op.execute(f"DROP FUNCTION {function}()")
