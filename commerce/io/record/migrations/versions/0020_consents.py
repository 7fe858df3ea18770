"""What people agreed to, as a log that only grows, and guests who were erased."""

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None

_SQLITE = """
CREATE TRIGGER consents_{event} BEFORE {event} ON consents
WHEN EXISTS (SELECT 1 FROM guests WHERE id = OLD.guest_id)
BEGIN SELECT RAISE(ABORT, 'consents are immutable'); END
"""
_POSTGRESQL = """
CREATE FUNCTION consents_immutable() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT 1 FROM guests WHERE id = OLD.guest_id) THEN
        RAISE EXCEPTION 'consents are immutable' USING ERRCODE = 'check_violation';
    END IF;
    IF TG_OP = 'DELETE' THEN
        RETURN OLD;
    END IF;
    RETURN NEW;
END $$
"""
_POSTGRESQL_TRIGGER = """
CREATE TRIGGER consents_immutable BEFORE UPDATE OR DELETE ON consents
FOR EACH ROW EXECUTE FUNCTION consents_immutable()
"""


def upgrade() -> None:
    """Entries go only after the row of their guest."""
    serial = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    op.create_table(
        "consents",
        sa.Column("id", serial, autoincrement=True, nullable=False),
        sa.Column("guest_id", sa.String(length=64), nullable=False),
        sa.Column("purpose", sa.String(length=16), nullable=False),
        sa.Column("version", sa.String(length=16), nullable=False),
        sa.Column("given_at_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_consents")),
    )
    op.create_index("ix_consents_guest", "consents", ["guest_id"])
    op.add_column("guests", sa.Column("erased_at_ms", sa.BigInteger()))
    connection = op.get_bind()
    if connection.dialect.name == "sqlite":
        for event in ("UPDATE", "DELETE"):
            connection.exec_driver_sql(_SQLITE.format(event=event))
    else:
        connection.exec_driver_sql(_POSTGRESQL)
        connection.exec_driver_sql(_POSTGRESQL_TRIGGER)
