"""Pseudonyms whose rows in the lake are still to be rewritten."""

import sqlalchemy as sa
from alembic import op

revision = "0061"
down_revision = "0060"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """A new table only; who was erased before has no key, and so no pseudonym to look for."""
    op.create_table(
        "lake_erasures",
        sa.Column("pseudonym", sa.String(40), nullable=False),
        sa.Column("erased_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("rewritten_at_ms", sa.BigInteger()),
        sa.PrimaryKeyConstraint("pseudonym", name=op.f("pk_lake_erasures")),
    )
