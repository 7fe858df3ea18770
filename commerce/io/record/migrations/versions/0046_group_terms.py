"""Groups with steps or an award: prices that fall, and invites."""

import sqlalchemy as sa
from alembic import op

revision = "0046"
down_revision = "0045"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Groups so far have one price."""
    for column in (
        sa.Column("steps", sa.String(100), nullable=False, server_default=""),
        sa.Column("award_invites", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("award_fen", sa.BigInteger(), nullable=False, server_default="0"),
        sa.Column("first_price_fen", sa.BigInteger()),
    ):
        op.add_column("buying_groups", column)
    op.add_column("group_seats", sa.Column("settled_fen", sa.BigInteger()))
    _add_invites()
    op.create_table(
        "price_drops",
        sa.Column("group_id", sa.String(64), sa.ForeignKey("buying_groups.id"), primary_key=True),
        sa.Column("reason", sa.String(8), nullable=False),
        sa.Column("invite_id", sa.String(64), sa.ForeignKey("invites.id")),
        sa.Column("before_fen", sa.BigInteger(), nullable=False),
        sa.Column("price_fen", sa.BigInteger(), nullable=False),
        sa.Column("dropped_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("settled_at_ms", sa.BigInteger()),
        sa.CheckConstraint("price_fen > 0 AND price_fen <= before_fen", name="price_falls"),
        sa.CheckConstraint("reason IN ('invite', 'step')", name="reason_known"),
    )
    op.create_index(
        "ix_price_drops_unsettled",
        "price_drops",
        ["dropped_at_ms"],
        sqlite_where=sa.text("settled_at_ms IS NULL"),
        postgresql_where=sa.text("settled_at_ms IS NULL"),
    )


def _add_invites() -> None:
    op.create_table(
        "invites",
        sa.Column("id", sa.String(64), primary_key=True),
        sa.Column("group_id", sa.String(64), sa.ForeignKey("buying_groups.id"), nullable=False),
        sa.Column("household_id", sa.String(64), nullable=False),
        sa.Column("guest_id", sa.String(64), sa.ForeignKey("guests.id"), nullable=False),
        sa.Column("device_hash", sa.String(64)),
        sa.Column("made_at_ms", sa.BigInteger(), nullable=False),
        sa.UniqueConstraint("group_id", "household_id"),
    )
    op.create_table(
        "invite_joins",
        sa.Column("group_id", sa.String(64), sa.ForeignKey("buying_groups.id"), primary_key=True),
        sa.Column("guest_id", sa.String(64), sa.ForeignKey("guests.id"), primary_key=True),
        sa.Column("invite_id", sa.String(64), sa.ForeignKey("invites.id"), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("refused", sa.String(32), nullable=False, server_default=""),
        sa.Column("household_id", sa.String(64)),
        sa.Column("order_id", sa.String(64), unique=True),
        sa.Column("device_hash", sa.String(64)),
        sa.Column("address_hash", sa.String(64)),
        sa.Column("followed_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("judged_at_ms", sa.BigInteger()),
        sa.CheckConstraint("state IN ('counted', 'followed', 'refused')", name="state_known"),
        sa.CheckConstraint("(state = 'refused') = (refused <> '')", name="refused_with_reason"),
    )
    op.create_index("ix_invite_joins_invite", "invite_joins", ["invite_id", "state"])
    op.create_index("ix_invite_joins_judged", "invite_joins", ["state", "judged_at_ms"])
