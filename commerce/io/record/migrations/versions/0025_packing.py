"""Moves of many orders by one key with their undo, and bags."""

import sqlalchemy as sa
from alembic import op

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None

# A frozen copy of REVERSALS in commerce/orders/states.py.
REVERSALS = (("picking", "new"), ("packed", "picking"), ("ready", "packed"))


def upgrade() -> None:
    """An undo is a transition, too."""
    op.create_table(
        "order_batches",
        sa.Column("id", sa.String(64), nullable=False),
        sa.Column("store_id", sa.String(64), nullable=False),
        sa.Column("body_hash", sa.String(32), nullable=False),
        sa.Column("to_state", sa.String(16), nullable=False),
        sa.Column("moved_by", sa.String(64), nullable=False),
        sa.Column("at_ms", sa.BigInteger(), nullable=False),
        sa.Column("answers", sa.Text(), nullable=False),
        sa.Column("undone_at_ms", sa.BigInteger()),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_order_batches")),
        sa.ForeignKeyConstraint(
            ["store_id"], ["stores.id"], name=op.f("fk_order_batches_store_id")
        ),
    )
    op.create_index("ix_order_batches_store", "order_batches", ["store_id", "at_ms"])
    op.create_table(
        "bags",
        sa.Column("order_id", sa.String(64), nullable=False),
        sa.Column("bag", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("slot", sa.String(8), nullable=False, server_default=""),
        sa.PrimaryKeyConstraint("order_id", name=op.f("pk_bags")),
        sa.ForeignKeyConstraint(["order_id"], ["orders.id"], name=op.f("fk_bags_order_id")),
    )
    for state, to in REVERSALS:
        op.execute(f"INSERT INTO order_transitions VALUES ('{state}', '{to}')")
