"""What a packer finds of each part of an order."""

import sqlalchemy as sa
from alembic import op

revision = "0038"
down_revision = "0037"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Nothing was noted before."""
    op.create_table(
        "order_picks",
        sa.Column("order_id", sa.String(64), nullable=False),
        sa.Column("line", sa.Integer(), nullable=False),
        sa.Column("part", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("missing_units", sa.Integer(), nullable=False),
        sa.Column("substitute_id", sa.String(64)),
        sa.Column("answer_by_ms", sa.BigInteger()),
        sa.Column("grams", sa.Integer()),
        sa.Column("moved_by", sa.String(64), nullable=False),
        sa.Column("at_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("order_id", "line", "part", name=op.f("pk_order_picks")),
        sa.ForeignKeyConstraint(["order_id"], ["orders.id"], name=op.f("fk_order_picks_order_id")),
        sa.ForeignKeyConstraint(
            ["substitute_id"], ["products.id"], name=op.f("fk_order_picks_substitute_id")
        ),
        sa.CheckConstraint(
            "state IN ('found', 'offered', 'short', 'substituted')",
            name=op.f("ck_order_picks_state_known"),
        ),
        sa.CheckConstraint("missing_units >= 0", name=op.f("ck_order_picks_missing_positive")),
    )
    op.create_index(
        "ix_order_picks_offered",
        "order_picks",
        ["answer_by_ms"],
        sqlite_where=sa.text("state = 'offered'"),
        postgresql_where=sa.text("state = 'offered'"),
    )
