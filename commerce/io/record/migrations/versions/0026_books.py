"""Books: tax rates, closed days, settlements, the provider's bills."""

import sqlalchemy as sa
from alembic import op

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None

_SQLITE = """
CREATE TRIGGER money_transfers_period BEFORE INSERT ON money_transfers
WHEN EXISTS (SELECT 1 FROM book_closings
             WHERE brand_id = NEW.brand_id AND period >= NEW.period AND NEW.period <> '')
BEGIN SELECT RAISE(ABORT, 'the books of that day are closed'); END
"""
# Closing takes the lock alone, so that no transfer of the day is still on its way.
_POSTGRESQL = """
CREATE FUNCTION money_transfers_period() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_advisory_xact_lock_shared(hashtext('books:' || NEW.brand_id));
    IF EXISTS (SELECT 1 FROM book_closings
               WHERE brand_id = NEW.brand_id AND period >= NEW.period AND NEW.period <> '') THEN
        RAISE EXCEPTION 'the books of that day are closed' USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END $$
"""
_POSTGRESQL_TRIGGER = """
CREATE TRIGGER money_transfers_period BEFORE INSERT ON money_transfers
FOR EACH ROW EXECUTE FUNCTION money_transfers_period()
"""
_BRAND = (
    "(SELECT s.brand_id FROM orders o JOIN stores s ON s.id = o.store_id"
    " WHERE o.id = money_transfers.order_id)"
)
_DAY_SQLITE = "strftime('%Y-%m-%d', at_ms / 1000 + 28800, 'unixepoch')"
_DAY_POSTGRESQL = "to_char(to_timestamp(at_ms / 1000 + 28800) AT TIME ZONE 'UTC', 'YYYY-MM-DD')"


def upgrade() -> None:
    """What was transferred before goes to the books of its day."""
    op.add_column(
        "products", sa.Column("tax_bp", sa.Integer(), nullable=False, server_default="900")
    )
    op.add_column("orders", sa.Column("tax_bp", sa.Integer()))
    op.add_column("order_lines", sa.Column("tax_bp", sa.Integer()))
    op.create_table(
        "book_closings",
        _brand(),
        sa.Column("period", sa.String(10), nullable=False),
        sa.Column("closed_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("closed_by", sa.String(64), nullable=False),
        sa.PrimaryKeyConstraint("brand_id", "period", name=op.f("pk_book_closings")),
        _of_brand("book_closings"),
    )
    op.create_table(
        "settlements",
        _brand(),
        sa.Column("period", sa.String(10), nullable=False),
        sa.Column("party", sa.String(80), nullable=False),
        sa.Column("payable_fen", sa.BigInteger(), nullable=False),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("made_at_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("brand_id", "period", "party", name=op.f("pk_settlements")),
        _of_brand("settlements"),
    )
    op.create_table(
        "provider_bills",
        _brand(),
        sa.Column("period", sa.String(10), nullable=False),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("charges_fen", sa.BigInteger(), nullable=False),
        sa.Column("refunds_fen", sa.BigInteger(), nullable=False),
        sa.Column("fee_fen", sa.BigInteger(), nullable=False),
        sa.Column("differences", sa.Text(), nullable=False),
        sa.Column("read_at_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("brand_id", "period", name=op.f("pk_provider_bills")),
        _of_brand("provider_bills"),
    )
    connection = op.get_bind()
    sqlite = connection.dialect.name == "sqlite"
    day = _DAY_SQLITE if sqlite else _DAY_POSTGRESQL
    connection.exec_driver_sql(
        f"UPDATE money_transfers SET period = {day},"
        f" brand_id = COALESCE({_BRAND}, '') WHERE period = ''"
    )
    if sqlite:
        connection.exec_driver_sql(_SQLITE)
    else:
        connection.exec_driver_sql(_POSTGRESQL)
        connection.exec_driver_sql(_POSTGRESQL_TRIGGER)


def _brand() -> sa.Column[str]:
    return sa.Column("brand_id", sa.String(64), nullable=False)


def _of_brand(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(["brand_id"], ["brands.id"], name=op.f(f"fk_{table}_brand_id"))
