"""The tables of the record, the same on SQLite and PostgreSQL, and the rules the database enforces.

Money in fen, times in UTC milliseconds, localised text as two columns `*_zh` and `*_en`.

Bounds that no bug above can break: a state changes only along `order_transitions` and
`group_transitions` (triggers, made by the migrations); `0 <= sold <= on_hand`; refunds ≤ paid ≤
total; one seat per household and group; one transfer of a kind per order and source; one order per
id (a household's key).
"""

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    String,
    Table,
    Text,
    UniqueConstraint,
    false,
    text,
    true,
)

from commerce.catalogue import values
from commerce.catalogue.sets import ProductKind
from commerce.catalogue.stock import StockMoveKind
from commerce.catalogue.values import LiveState
from commerce.groups import group
from commerce.io.record.columns import (
    SERIAL,
    id_column,
    metadata,
    one_of,
    position,
    ref,
    time_column,
    version,
    words,
)
from commerce.io.record.schema_goods import food_columns, variant_columns
from commerce.io.record.schema_group_terms import terms_columns
from commerce.money.tax import RATE_BP
from commerce.orders import states

meta = Table(
    "meta",
    metadata,
    Column("name", String(64), primary_key=True),
    Column("value", String(200), nullable=False),
)

counters = Table(
    "counters",
    metadata,
    Column("name", String(64), primary_key=True),
    Column("value", BigInteger, nullable=False),
)

brands = Table(
    "brands",
    metadata,
    id_column(),
    *words("name"),
    Column(
        "confirm_above_fen",
        BigInteger,
        nullable=False,
        server_default=str(values.CONFIRM_ABOVE_FEN),
    ),
    Column(
        "units_per_address",
        Integer,
        nullable=False,
        server_default=str(values.UNITS_PER_ADDRESS),
    ),
    Column(
        "units_per_device", Integer, nullable=False, server_default=str(values.UNITS_PER_DEVICE)
    ),
    Column(
        "seats_per_device", Integer, nullable=False, server_default=str(values.SEATS_PER_DEVICE)
    ),
    Column("recording_days", Integer, nullable=False, server_default=str(values.RECORDING_DAYS)),
    Column("recording_gib", Integer, nullable=False, server_default=str(values.RECORDING_GIB)),
    version(),
    Column("phone_needed", Boolean, nullable=False, server_default=false()),
    Column("totp_needed", Boolean, nullable=False, server_default=false()),
    Column("member_prices", Boolean, nullable=False, server_default=false()),
    Column("split_orders", Boolean, nullable=False, server_default=false()),
    Column("store_presales", Boolean, nullable=False, server_default=false()),
    Column("kpi_plan", JSON),
    Column("gate", String(80), nullable=False, server_default=values.SHARED_GATE),
)

stores = Table(
    "stores",
    metadata,
    id_column(),
    ref("brand_id", "brands.id"),
    *words("name"),
    *words("address"),
    *position(),
    Column("opening_hours", String(100), nullable=False, server_default=""),
    version(),
    Column("packers", Integer),
    Column("orders_per_packer_hour", Integer, nullable=False, server_default="12"),
    Column("delivers", Boolean, nullable=False, server_default=false()),
    Column("closed_until_ms", BigInteger, nullable=False, server_default="0"),
)

warehouses = Table(
    "warehouses",
    metadata,
    id_column(),
    ref("brand_id", "brands.id"),
    *words("name"),
    *words("address"),
    *position(),
    version(),
)

cities = Table(
    "cities", metadata, id_column(), ref("brand_id", "brands.id"), *words("name"), version()
)

estates = Table(
    "estates",
    metadata,
    id_column(),
    ref("brand_id", "brands.id"),
    *words("name"),
    *position(),
    ref("store_id", "stores.id"),
    ref("city_id", "cities.id", nullable=True),
    Column("rings", Integer, nullable=False, server_default=str(values.RINGS)),
    Column("time_zone", String(40), nullable=False, server_default=values.TIME_ZONE),
    version(),
)

# Stores that serve an estate after its first one (`estates.store_id`), by rank.
estate_stores = Table(
    "estate_stores",
    metadata,
    ref("estate_id", "estates.id", key=True),
    ref("store_id", "stores.id", key=True),
    Column("rank", Integer, nullable=False),
)

rooms = Table(
    "rooms",
    metadata,
    id_column(),
    ref("store_id", "stores.id"),
    *words("title"),
    time_column("rehearsal_since_ms", nullable=True),
)

lives = Table(
    "lives",
    metadata,
    ref("room_id", "rooms.id", key=True),
    Column("state", String(16), nullable=False),
    time_column("started_at_ms", nullable=True),
    Column("fence", BigInteger, nullable=False, server_default="0"),
    Column("owner", String(64), nullable=False, server_default=""),
    Column("announced", Boolean, nullable=False, server_default=true()),
    one_of("state", [state.value for state in LiveState]),
)

guests = Table(
    "guests",
    metadata,
    id_column(),
    Column("nickname", String(64), nullable=False),
    ref("estate_id", "estates.id"),
    time_column("created_at_ms"),
    ref("person_id", "persons.id", nullable=True),
    ref("household_id", "households.id", nullable=True),
    time_column("household_at_ms", nullable=True),
    time_column("erased_at_ms", nullable=True),
)
Index("ix_guests_household", guests.c.household_id)
Index("ix_guests_household_at", guests.c.household_at_ms)
Index("ix_guests_person", guests.c.person_id)

guest_devices = Table(
    "guest_devices",
    metadata,
    Column("secret_hash", String(64), primary_key=True),
    ref("guest_id", "guests.id"),
    time_column("created_at_ms"),
    time_column("used_at_ms"),
)
Index("ix_guest_devices_guest", guest_devices.c.guest_id, guest_devices.c.used_at_ms)

products = Table(
    "products",
    metadata,
    id_column(),
    ref("brand_id", "brands.id"),
    *words("name"),
    *words("unit"),
    Column("image", String(200), nullable=False),
    Column("price_fen", BigInteger, nullable=False),
    Column("list_price_fen", BigInteger, nullable=False),
    Column("group_price_fen", BigInteger),
    Column("group_target", Integer),
    Column("group_duration_s", Integer),
    Column("household_limit", Integer, nullable=False),
    Column("on_sale", Boolean, nullable=False),
    Column("shelf", Integer, nullable=False),
    Column("own_price_min_fen", BigInteger),
    Column("own_price_max_fen", BigInteger),
    Column("pinyin", String(400), nullable=False, server_default=""),
    Column("version", Integer, nullable=False, server_default="1"),
    Column("kind", String(8), nullable=False, server_default=ProductKind.ITEM),
    Column("recipe_version", Integer, nullable=False, server_default="0"),
    Column("recipe_zh", Text, nullable=False, server_default=""),
    Column("recipe_en", Text, nullable=False, server_default=""),
    Column("cooking_minutes", Integer),
    Column("tax_bp", Integer, nullable=False, server_default=str(RATE_BP)),
    ref("category_id", "categories.id", nullable=True),
    *food_columns(),
    *variant_columns(),
    CheckConstraint("price_fen > 0", name="price_positive"),
    CheckConstraint("group_price_fen > 0", name="group_price_positive"),
    CheckConstraint("group_target >= 1", name="group_target_positive"),
)
Index("uq_products_id_kind", products.c.id, products.c.kind, unique=True)
Index("ix_products_category", products.c.category_id)

pins = Table(
    "pins",
    metadata,
    ref("room_id", "rooms.id", key=True),
    ref("product_id", "products.id", key=True),
    time_column("pinned_at_ms"),
    Column("media_time", BigInteger),
)

# `moves` counts what changed on_hand − sold; the gate counts what it applied, so both can be
# compared at a moment when the counts are equal (commerce/io/gate/reconcile.py).
stock = Table(
    "stock",
    metadata,
    ref("product_id", "products.id", key=True),
    ref("store_id", "stores.id", key=True),
    Column("on_hand", BigInteger, nullable=False),
    Column("sold", BigInteger, nullable=False),
    Column("moves", BigInteger, nullable=False),
    CheckConstraint("sold >= 0", name="sold_positive"),
    CheckConstraint("sold <= on_hand", name="never_oversold"),
)

stock_moves = Table(
    "stock_moves",
    metadata,
    Column("id", SERIAL, primary_key=True, autoincrement=True),
    ref("product_id", "products.id"),
    ref("store_id", "stores.id"),
    Column("order_id", String(64)),
    Column("kind", String(16), nullable=False),
    Column("units", BigInteger, nullable=False),
    time_column("at_ms"),
    UniqueConstraint("order_id", "product_id", "kind"),
    CheckConstraint("units > 0", name="units_positive"),
    one_of("kind", [kind.value for kind in StockMoveKind]),
)

buying_groups = Table(
    "buying_groups",
    metadata,
    id_column(),
    ref("room_id", "rooms.id"),
    ref("estate_id", "estates.id"),
    ref("product_id", "products.id"),
    Column("price_fen", BigInteger, nullable=False),
    Column("target", Integer, nullable=False),
    Column("joined", Integer, nullable=False),
    Column("state", String(16), nullable=False),
    time_column("opened_at_ms"),
    time_column("ends_at_ms"),
    *terms_columns(),
    CheckConstraint("joined >= 0", name="joined_positive"),
    one_of("state", [state.value for state in group.GroupState]),
)
Index(
    "uq_buying_groups_one_open",
    buying_groups.c.estate_id,
    buying_groups.c.product_id,
    unique=True,
    sqlite_where=text("state = 'open'"),
    postgresql_where=text("state = 'open'"),
)
Index("ix_buying_groups_state_ends", buying_groups.c.state, buying_groups.c.ends_at_ms)

group_seats = Table(
    "group_seats",
    metadata,
    ref("group_id", "buying_groups.id", key=True),
    Column("household_id", String(64), primary_key=True),
    Column("order_id", String(64), nullable=False, unique=True),
    Column("settled_fen", BigInteger),
)

orders = Table(
    "orders",
    metadata,
    id_column(),
    Column("number", String(20), nullable=False, unique=True),
    Column("guest_id", String(64), nullable=False),
    ref("estate_id", "estates.id"),
    ref("room_id", "rooms.id"),
    ref("store_id", "stores.id"),
    ref("product_id", "products.id"),
    ref("group_id", "buying_groups.id", nullable=True),
    Column("quantity", Integer, nullable=False),
    Column("total_fen", BigInteger, nullable=False),
    Column("paid_fen", BigInteger, nullable=False),
    Column("refunded_fen", BigInteger, nullable=False),
    Column("state", String(16), nullable=False),
    Column("refused", String(32)),
    Column("version", Integer, nullable=False),
    time_column("created_at_ms"),
    time_column("due_at_ms", nullable=True),
    time_column("handed_over_at_ms", nullable=True),
    Column("body_hash", String(32), nullable=False),
    Column("entry_id", String(64), nullable=False),
    Column("line_count", Integer, nullable=False, server_default="0"),
    Column("household_id", String(64)),
    Column("tax_bp", Integer),
    Column("slot", String(16), nullable=False, server_default=""),
    Column("fulfilment", String(16), nullable=False, server_default="pickup"),
    Column("quotas", String(255), nullable=False, server_default=""),
    Column("discount_fen", BigInteger, nullable=False, server_default="0"),
    Column("consent_by_ms", BigInteger),
    CheckConstraint("quantity > 0", name="quantity_positive"),
    CheckConstraint("paid_fen IN (0, total_fen)", name="paid_all_or_nothing"),
    CheckConstraint("refunded_fen >= 0 AND refunded_fen <= paid_fen", name="refunds_within_paid"),
    CheckConstraint("refused IS NULL OR state = 'cancelled'", name="refused_is_cancelled"),
    one_of("state", [state.value for state in states.OrderState]),
)
Index("ix_orders_guest", orders.c.guest_id, orders.c.created_at_ms)
Index("ix_orders_store", orders.c.store_id, orders.c.state)
Index("ix_orders_group", orders.c.group_id, orders.c.state)
Index("ix_orders_created", orders.c.created_at_ms)
Index(
    "ix_orders_consent",
    orders.c.consent_by_ms,
    sqlite_where=text("consent_by_ms IS NOT NULL"),
    postgresql_where=text("consent_by_ms IS NOT NULL"),
)

order_moves = Table(
    "order_moves",
    metadata,
    ref("order_id", "orders.id", key=True),
    Column("version", Integer, primary_key=True),
    Column("from_state", String(16), nullable=False),
    Column("to_state", String(16), nullable=False),
    Column("moved_by", String(64), nullable=False),
    time_column("at_ms"),
)

pickup_codes = Table(
    "pickup_codes",
    metadata,
    ref("store_id", "stores.id", key=True),
    Column("code", String(16), primary_key=True),
    Column("order_id", String(64), ForeignKey("orders.id"), nullable=False, unique=True),
    time_column("created_at_ms"),
    time_column("redeemed_at_ms", nullable=True),
    Column("signature", String(100)),
)

# `source` tells transfers of a kind and an order apart; `period` is the day whose books have it.
money_transfers = Table(
    "money_transfers",
    metadata,
    Column("id", SERIAL, primary_key=True, autoincrement=True),
    Column("order_id", String(64), ForeignKey("orders.id")),
    Column("kind", String(16), nullable=False),
    Column("from_account", String(80), nullable=False),
    Column("to_account", String(80), nullable=False),
    Column("amount_fen", BigInteger, nullable=False),
    time_column("at_ms"),
    Column("source", String(130), nullable=False, server_default=""),
    Column("brand_id", String(64), nullable=False, server_default=""),
    Column("period", String(10), nullable=False, server_default=""),
    UniqueConstraint("order_id", "kind", "source"),
    CheckConstraint("amount_fen > 0", name="amount_positive"),
    CheckConstraint("from_account <> to_account", name="two_accounts"),
    CheckConstraint("order_id IS NOT NULL OR source <> ''", name="of_an_order_or_a_source"),
)
Index("ix_money_transfers_period", money_transfers.c.brand_id, money_transfers.c.period)
Index(
    "uq_money_transfers_kind_source",
    money_transfers.c.kind,
    money_transfers.c.source,
    unique=True,
    sqlite_where=text("order_id IS NULL"),
    postgresql_where=text("order_id IS NULL"),
)

# What is to be delivered; a row is deleted after delivery. `subject` names what to look
# up at that time, so that a late message carries the state of its delivery, not of its commit.
outbox = Table(
    "outbox",
    metadata,
    Column("id", SERIAL, primary_key=True, autoincrement=True),
    Column("topic", String(16), nullable=False),
    Column("subject", String(130), nullable=False),
    Column("units", BigInteger, nullable=False, server_default="0"),
    Column("attempts", Integer, nullable=False, server_default="0"),
    time_column("due_at_ms"),
    Column("enqueued_at_ms", BigInteger, nullable=False, server_default="0"),
    sqlite_autoincrement=True,  # the gate knows a change by it
)
Index("ix_outbox_due", outbox.c.due_at_ms, outbox.c.id)

# The sandbox provider's own books: another company's, as far as the record is concerned.
sandbox_charges = Table(
    "sandbox_charges",
    metadata,
    Column("order_id", String(64), primary_key=True),
    Column("amount_fen", BigInteger, nullable=False),
    Column("outcome", String(16), nullable=False),
    Column("at_ms", BigInteger, nullable=False, server_default="0"),
)
sandbox_refunds = Table(
    "sandbox_refunds",
    metadata,
    Column("order_id", String(64), ForeignKey("sandbox_charges.order_id"), primary_key=True),
    Column("n", Integer, primary_key=True, autoincrement=False, server_default="1"),
    Column("amount_fen", BigInteger, nullable=False),
    Column("at_ms", BigInteger, nullable=False, server_default="0"),
)

order_transitions = Table(
    "order_transitions",
    metadata,
    Column("from_state", String(16), primary_key=True),
    Column("to_state", String(16), primary_key=True),
)
group_transitions = Table(
    "group_transitions",
    metadata,
    Column("from_state", String(16), primary_key=True),
    Column("to_state", String(16), primary_key=True),
)
