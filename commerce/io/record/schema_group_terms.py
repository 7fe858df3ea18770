"""Prices of groups that fall, and invites; part of the record's schema."""

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    String,
    Table,
    UniqueConstraint,
    text,
)

from commerce.groups.invites import JoinState
from commerce.groups.price_drops import DropReason
from commerce.io.record.columns import id_column, metadata, one_of, ref, time_column

# A group's price falls once: at the close of one with steps, or when an invite earns its award.
# Committed with the lower price; `settled_at_ms` once all seats of the group have been looked at.
price_drops = Table(
    "price_drops",
    metadata,
    ref("group_id", "buying_groups.id", key=True),
    Column("reason", String(8), nullable=False),
    Column("invite_id", String(64), ForeignKey("invites.id")),
    Column("before_fen", BigInteger, nullable=False),
    Column("price_fen", BigInteger, nullable=False),
    time_column("dropped_at_ms"),
    time_column("settled_at_ms", nullable=True),
    CheckConstraint("price_fen > 0 AND price_fen <= before_fen", name="price_falls"),
    one_of("reason", [reason.value for reason in DropReason]),
)
Index(
    "ix_price_drops_unsettled",
    price_drops.c.dropped_at_ms,
    sqlite_where=text("settled_at_ms IS NULL"),
    postgresql_where=text("settled_at_ms IS NULL"),
)

# `id` is the code of the link. No foreign key to households: a guest counts alone.
invites = Table(
    "invites",
    metadata,
    id_column(),
    ref("group_id", "buying_groups.id"),
    Column("household_id", String(64), nullable=False),
    ref("guest_id", "guests.id"),
    Column("device_hash", String(64)),
    time_column("made_at_ms"),
    UniqueConstraint("group_id", "household_id"),
)

# Who followed a link, and whether their order counts. The first link that a guest follows stands.
invite_joins = Table(
    "invite_joins",
    metadata,
    ref("group_id", "buying_groups.id", key=True),
    ref("guest_id", "guests.id", key=True),
    ref("invite_id", "invites.id"),
    Column("state", String(16), nullable=False),
    Column("refused", String(32), nullable=False, server_default=""),
    Column("household_id", String(64)),
    Column("order_id", String(64), unique=True),
    Column("device_hash", String(64)),
    Column("address_hash", String(64)),
    time_column("followed_at_ms"),
    time_column("judged_at_ms", nullable=True),
    one_of("state", [state.value for state in JoinState]),
    CheckConstraint("(state = 'refused') = (refused <> '')", name="refused_with_reason"),
)
Index("ix_invite_joins_invite", invite_joins.c.invite_id, invite_joins.c.state)
Index("ix_invite_joins_judged", invite_joins.c.state, invite_joins.c.judged_at_ms)


def terms_columns() -> tuple[Column[str] | Column[int], ...]:
    """The terms of a group; one of an older version has none, and its only price is its first."""
    return (
        Column("steps", String(100), nullable=False, server_default=""),
        Column("award_invites", Integer, nullable=False, server_default="0"),
        Column("award_fen", BigInteger, nullable=False, server_default="0"),
        Column("first_price_fen", BigInteger),
    )
