"""People who have proved a phone number, and the codes by which they do."""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Guests that are there have proved none, and brands that are there ask for none."""
    op.create_table(
        "persons",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("brand_id", sa.String(length=64), nullable=False),
        sa.Column("phone_hash", sa.String(length=64), nullable=False),
        sa.Column("last_four", sa.String(length=4), nullable=False),
        sa.Column("verified_at_ms", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["brand_id"], ["brands.id"], name=op.f("fk_persons_brand_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_persons")),
        sa.UniqueConstraint("brand_id", "phone_hash", name=op.f("uq_persons_brand_id_phone_hash")),
    )
    op.create_table(
        "phone_codes",
        sa.Column("guest_id", sa.String(length=64), nullable=False),
        sa.Column("phone_hash", sa.String(length=64), nullable=False),
        sa.Column("last_four", sa.String(length=4), nullable=False),
        sa.Column("code_hash", sa.String(length=64), nullable=False),
        sa.Column("expires_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["guest_id"], ["guests.id"], name=op.f("fk_phone_codes_guest_id")),
        sa.PrimaryKeyConstraint("guest_id", name=op.f("pk_phone_codes")),
    )
    person = sa.Column("person_id", sa.String(length=64), sa.ForeignKey("persons.id"))
    op.add_column("guests", person, inline_references=True)
    op.create_index("ix_guests_person", "guests", ["person_id"])
    op.add_column(
        "brands",
        sa.Column("phone_needed", sa.Boolean(), nullable=False, server_default=sa.false()),
    )
