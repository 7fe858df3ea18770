"""Leaders hand over: what their phones scanned, and signatures of pickup codes."""

import sqlalchemy as sa
from alembic import op

revision = "0032"
down_revision = "0031"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Codes that are there have no signature; phones ask the server about them."""
    op.add_column("pickup_codes", sa.Column("signature", sa.String(length=100)))
    op.create_table(
        "scans",
        sa.Column("device", sa.String(length=64), nullable=False),
        sa.Column("seq", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("estate_id", sa.String(length=64), nullable=False),
        sa.Column("staff_id", sa.String(length=64), nullable=False),
        sa.Column("device_name", sa.String(length=40), nullable=False),
        sa.Column("how", sa.String(length=8), nullable=False),
        sa.Column("reason", sa.String(length=200), nullable=False, server_default=""),
        sa.Column("result", sa.String(length=16), nullable=False),
        sa.Column("order_ids", sa.Text(), nullable=False),
        sa.Column("scanned_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("received_at_ms", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("how IN ('code', 'tail')", name=op.f("ck_scans_how_known")),
        sa.CheckConstraint(
            "result IN ('duplicate', 'handed_over', 'not_ready', 'unknown', 'wrong_tail')",
            name=op.f("ck_scans_result_known"),
        ),
        sa.ForeignKeyConstraint(["estate_id"], ["estates.id"], name=op.f("fk_scans_estate_id")),
        sa.PrimaryKeyConstraint("device", "seq", name=op.f("pk_scans")),
    )
    op.create_index("ix_scans_estate", "scans", ["estate_id", "received_at_ms"])
    op.create_table(
        "handovers",
        sa.Column("order_id", sa.String(length=64), nullable=False),
        sa.Column("device", sa.String(length=64), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("device_name", sa.String(length=40), nullable=False),
        sa.Column("staff_id", sa.String(length=64), nullable=False),
        sa.Column("scanned_at_ms", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["order_id"], ["orders.id"], name=op.f("fk_handovers_order_id")),
        sa.PrimaryKeyConstraint("order_id", name=op.f("pk_handovers")),
    )
