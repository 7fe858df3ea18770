"""What staff did, as a chain of entries per brand that cannot be changed."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

_SQLITE = """
CREATE TRIGGER audit_entries_{event} BEFORE {event} ON audit_entries
WHEN EXISTS (SELECT 1 FROM brands WHERE id = OLD.brand_id)
BEGIN SELECT RAISE(ABORT, 'audit entries are immutable'); END
"""
_POSTGRESQL = """
CREATE FUNCTION audit_entries_immutable() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT 1 FROM brands WHERE id = OLD.brand_id) THEN
        RAISE EXCEPTION 'audit entries are immutable' USING ERRCODE = 'check_violation';
    END IF;
    IF TG_OP = 'DELETE' THEN
        RETURN OLD;
    END IF;
    RETURN NEW;
END $$
"""
_POSTGRESQL_TRIGGER = """
CREATE TRIGGER audit_entries_immutable BEFORE UPDATE OR DELETE ON audit_entries
FOR EACH ROW EXECUTE FUNCTION audit_entries_immutable()
"""


def upgrade() -> None:
    """Entries go only together with their brand, in one transaction after its row."""
    op.create_table(
        "audit_entries",
        sa.Column("brand_id", sa.String(length=64), nullable=False),
        sa.Column("n", sa.BigInteger(), nullable=False),
        sa.Column("at_ms", sa.BigInteger(), nullable=False),
        sa.Column("actor", sa.String(length=64), nullable=False),
        sa.Column("action", sa.String(length=64), nullable=False),
        sa.Column("subject", sa.String(length=130), nullable=False),
        sa.Column("before", sa.Text()),
        sa.Column("after", sa.Text()),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("brand_id", "n", name="pk_audit_entries"),
    )
    connection = op.get_bind()
    if connection.dialect.name == "sqlite":
        for event in ("UPDATE", "DELETE"):
            connection.exec_driver_sql(_SQLITE.format(event=event))
    else:
        connection.exec_driver_sql(_POSTGRESQL)
        connection.exec_driver_sql(_POSTGRESQL_TRIGGER)
