"""The tables of campaigns, coupons and discounts; part of the record's schema.

`taken_fen` is what the coupons of a campaign may take off together, without those that have
expired: a check keeps it within the budget, whoever claims at the same moment.
"""

from sqlalchemy import (
    JSON,
    BigInteger,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    String,
    Table,
    UniqueConstraint,
)

from commerce.coupons.campaigns import CampaignKind, CouponState
from commerce.io.record.columns import id_column, metadata, one_of, ref, time_column, words

campaigns = Table(
    "campaigns",
    metadata,
    id_column(),
    ref("brand_id", "brands.id"),
    *words("name"),
    Column("kind", String(16), nullable=False),
    Column("amount_fen", BigInteger, nullable=False),
    Column("percent", Integer, nullable=False),
    Column("cap_fen", BigInteger, nullable=False),
    Column("minimum_fen", BigInteger, nullable=False),
    Column("products", JSON, nullable=False),
    Column("estates", JSON, nullable=False),
    time_column("from_ms"),
    time_column("until_ms"),
    Column("valid_s", Integer, nullable=False),
    Column("budget_fen", BigInteger, nullable=False),
    Column("taken_fen", BigInteger, nullable=False),
    Column("code", String(20)),
    time_column("made_at_ms"),
    time_column("stopped_at_ms", nullable=True),
    UniqueConstraint("brand_id", "code"),
    CheckConstraint("taken_fen >= 0 AND taken_fen <= budget_fen", name="within_budget"),
    one_of("kind", [kind.value for kind in CampaignKind]),
)
Index("ix_campaigns_brand", campaigns.c.brand_id, campaigns.c.made_at_ms)

coupon_releases = Table(
    "coupon_releases",
    metadata,
    id_column(),
    ref("campaign_id", "campaigns.id"),
    ref("room_id", "rooms.id"),
    Column("pieces", Integer, nullable=False),
    Column("claimed", Integer, nullable=False),
    time_column("opened_at_ms"),
    time_column("closes_at_ms"),
    CheckConstraint("claimed >= 0 AND claimed <= pieces", name="within_pieces"),
)
Index("ix_coupon_releases_room", coupon_releases.c.room_id, coupon_releases.c.opened_at_ms)

# No foreign key to households: a guest without a confirmed one claims under its own id.
coupons = Table(
    "coupons",
    metadata,
    id_column(),
    ref("campaign_id", "campaigns.id"),
    Column("household_id", String(64), nullable=False),
    Column("n", Integer, nullable=False),
    ref("guest_id", "guests.id"),
    Column("release_id", String(64), ForeignKey("coupon_releases.id")),
    Column("value_fen", BigInteger, nullable=False),
    Column("state", String(16), nullable=False),
    time_column("claimed_at_ms"),
    time_column("expires_at_ms"),
    Column("order_id", String(64), ForeignKey("orders.id")),
    UniqueConstraint("campaign_id", "household_id", "n"),
    CheckConstraint("value_fen > 0", name="value_positive"),
    CheckConstraint(
        "(order_id IS NOT NULL) = (state IN ('held', 'used'))", name="of_an_order_while_taken"
    ),
    one_of("state", [state.value for state in CouponState]),
)
Index("ix_coupons_household", coupons.c.household_id, coupons.c.state)
Index("ix_coupons_guest", coupons.c.guest_id)
Index("ix_coupons_order", coupons.c.order_id)
Index("ix_coupons_ends", coupons.c.state, coupons.c.expires_at_ms)

order_discounts = Table(
    "order_discounts",
    metadata,
    ref("order_id", "orders.id", key=True),
    Column("line", Integer, primary_key=True, autoincrement=False),
    Column("kind", String(16), primary_key=True),
    Column("source", String(64), primary_key=True),
    Column("amount_fen", BigInteger, nullable=False),
    CheckConstraint("amount_fen > 0", name="amount_positive"),
)

coupon_transitions = Table(
    "coupon_transitions",
    metadata,
    Column("from_state", String(16), primary_key=True),
    Column("to_state", String(16), primary_key=True),
)
