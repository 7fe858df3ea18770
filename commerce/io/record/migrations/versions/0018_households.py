"""Households, the flats by which shops know them, and whose limits an order counts for."""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def _id(name: str, *, nullable: bool = False) -> "sa.Column[str]":
    return sa.Column(name, sa.String(length=64), nullable=nullable)


def _fk(table: str, column: str, target: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([column], [target], name=op.f(f"fk_{table}_{column}"))


def upgrade() -> None:
    """Guests that are there belong to no household: each counts alone, as before."""
    op.create_table(
        "households",
        _id("id"),
        _id("brand_id"),
        sa.Column("created_at_ms", sa.BigInteger(), nullable=False),
        _fk("households", "brand_id", "brands.id"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_households")),
    )
    op.create_table(
        "dwellings",
        _id("estate_id"),
        sa.Column("building", sa.String(length=16), nullable=False),
        sa.Column("flat", sa.String(length=16), nullable=False),
        _id("household_id"),
        _fk("dwellings", "estate_id", "estates.id"),
        _fk("dwellings", "household_id", "households.id"),
        sa.PrimaryKeyConstraint("estate_id", "building", "flat", name=op.f("pk_dwellings")),
    )
    op.create_index("ix_dwellings_household", "dwellings", ["household_id"])
    op.create_table(
        "dwelling_claims",
        _id("guest_id"),
        _id("estate_id"),
        sa.Column("building", sa.String(length=16), nullable=False),
        sa.Column("flat", sa.String(length=16), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("asked_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("decided_at_ms", sa.BigInteger()),
        _id("decided_by", nullable=True),
        _fk("dwelling_claims", "guest_id", "guests.id"),
        _fk("dwelling_claims", "estate_id", "estates.id"),
        sa.PrimaryKeyConstraint("guest_id", name=op.f("pk_dwelling_claims")),
        sa.CheckConstraint(
            "state IN ('confirmed', 'refused', 'waiting')",
            name=op.f("ck_dwelling_claims_state_known"),
        ),
    )
    op.create_index("ix_dwelling_claims_estate", "dwelling_claims", ["estate_id", "state"])
    for table in ("persons", "guests"):
        household = sa.Column("household_id", sa.String(64), sa.ForeignKey("households.id"))
        op.add_column(table, household, inline_references=True)
    op.add_column("guests", sa.Column("household_at_ms", sa.BigInteger()))
    op.create_index("ix_guests_household", "guests", ["household_id"])
    op.create_index("ix_guests_household_at", "guests", ["household_at_ms"])
    op.add_column("orders", _id("household_id", nullable=True))
