"""The tables of the record, the same on SQLite and PostgreSQL, and the rules the database enforces.

Money in fen, times in UTC milliseconds, localised text as two columns `*_zh` and `*_en`.

Bounds that no bug above can break: a state changes only along `order_transitions` and
`group_transitions` (triggers, made by the migrations); `0 <= sold <= on_hand`; refunds ≤ paid ≤
total; one seat per household and group; one transfer of a kind per order; one order per id (a
household's key).
"""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    MetaData,
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
from commerce.orders import states

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

# An ever-growing id; SQLite grows only INTEGER keys by itself.
_Serial = BigInteger().with_variant(Integer, "sqlite")


def _id(length: int = 64) -> Column[str]:
    return Column("id", String(length), primary_key=True)


def _words(name: str) -> tuple[Column[str], Column[str]]:
    return (
        Column(f"{name}_zh", String(200), nullable=False),
        Column(f"{name}_en", String(200), nullable=False),
    )


def _position() -> tuple[Column[float], Column[float]]:
    return Column("latitude", Float, nullable=False), Column("longitude", Float, nullable=False)


def _version() -> Column[int]:
    return Column("version", Integer, nullable=False, server_default="1")


def _time(name: str, *, nullable: bool = False) -> Column[int]:
    return Column(name, BigInteger, nullable=nullable)


def _ref(name: str, target: str, *, nullable: bool = False, key: bool = False) -> Column[str]:
    return Column(name, String(64), ForeignKey(target), nullable=nullable, primary_key=key)


def _one_of(column: str, values: list[str]) -> CheckConstraint:
    listed = ", ".join(f"'{value}'" for value in sorted(values))
    return CheckConstraint(f"{column} IN ({listed})", name=f"{column}_known")


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
    _id(),
    *_words("name"),
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
    _version(),
    Column("phone_needed", Boolean, nullable=False, server_default=false()),
)

stores = Table(
    "stores",
    metadata,
    _id(),
    _ref("brand_id", "brands.id"),
    *_words("name"),
    *_words("address"),
    *_position(),
    Column("opening_hours", String(100), nullable=False, server_default=""),
    _version(),
)

warehouses = Table(
    "warehouses",
    metadata,
    _id(),
    _ref("brand_id", "brands.id"),
    *_words("name"),
    *_words("address"),
    *_position(),
    _version(),
)

cities = Table(
    "cities", metadata, _id(), _ref("brand_id", "brands.id"), *_words("name"), _version()
)

estates = Table(
    "estates",
    metadata,
    _id(),
    _ref("brand_id", "brands.id"),
    *_words("name"),
    *_position(),
    _ref("store_id", "stores.id"),
    _ref("city_id", "cities.id", nullable=True),
    Column("rings", Integer, nullable=False, server_default=str(values.RINGS)),
    _version(),
)

# Stores that serve an estate after its first one (`estates.store_id`), by rank.
estate_stores = Table(
    "estate_stores",
    metadata,
    _ref("estate_id", "estates.id", key=True),
    _ref("store_id", "stores.id", key=True),
    Column("rank", Integer, nullable=False),
)

rooms = Table("rooms", metadata, _id(), _ref("store_id", "stores.id"), *_words("title"))

lives = Table(
    "lives",
    metadata,
    _ref("room_id", "rooms.id", key=True),
    Column("state", String(16), nullable=False),
    _time("started_at_ms", nullable=True),
    Column("fence", BigInteger, nullable=False, server_default="0"),
    Column("owner", String(64), nullable=False, server_default=""),
    _one_of("state", [state.value for state in LiveState]),
)

staff = Table(
    "staff",
    metadata,
    _id(),
    Column("username", String(64), nullable=False, unique=True),
    Column("name", String(100), nullable=False),
    Column("roles", String(100), nullable=False),
    _ref("room_id", "rooms.id", nullable=True),
    _ref("store_id", "stores.id", nullable=True),
    Column("password_hash", String(200), nullable=False),
    Column("token_version", Integer, nullable=False, server_default="0"),
    Column("active", Boolean, nullable=False, server_default=true()),
    Column("own_password", Boolean, nullable=False, server_default=false()),
    Column("brand_id", String(64), nullable=False, server_default=""),
    Column("invited", Boolean, nullable=False, server_default=false()),
    _version(),
)

# The one link by which somebody may choose a password; it is gone once it was used.
staff_links = Table(
    "staff_links",
    metadata,
    Column("token_hash", String(64), primary_key=True),
    Column("staff_id", String(64), ForeignKey("staff.id"), nullable=False, unique=True),
    Column("kind", String(16), nullable=False),
    _time("made_at_ms"),
    _time("ends_at_ms"),
)

# No foreign key: a trigger keeps entries as long as their brand is there, and they go after it.
audit_entries = Table(
    "audit_entries",
    metadata,
    Column("brand_id", String(64), primary_key=True),
    Column("n", BigInteger, primary_key=True, autoincrement=False),
    _time("at_ms"),
    Column("actor", String(64), nullable=False),
    Column("action", String(64), nullable=False),
    Column("subject", String(130), nullable=False),
    Column("before", Text),
    Column("after", Text),
    Column("hash", String(64), nullable=False),
)

guests = Table(
    "guests",
    metadata,
    _id(),
    Column("nickname", String(64), nullable=False),
    _ref("estate_id", "estates.id"),
    _time("created_at_ms"),
    _ref("person_id", "persons.id", nullable=True),
    _ref("household_id", "households.id", nullable=True),
    _time("household_at_ms", nullable=True),
    _time("erased_at_ms", nullable=True),
)
Index("ix_guests_household", guests.c.household_id)
Index("ix_guests_household_at", guests.c.household_at_ms)
Index("ix_guests_person", guests.c.person_id)

guest_devices = Table(
    "guest_devices",
    metadata,
    Column("secret_hash", String(64), primary_key=True),
    _ref("guest_id", "guests.id"),
    _time("created_at_ms"),
    _time("used_at_ms"),
)
Index("ix_guest_devices_guest", guest_devices.c.guest_id, guest_devices.c.used_at_ms)

products = Table(
    "products",
    metadata,
    _id(),
    _ref("brand_id", "brands.id"),
    *_words("name"),
    *_words("unit"),
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
    CheckConstraint("price_fen > 0", name="price_positive"),
    CheckConstraint("group_price_fen > 0", name="group_price_positive"),
    CheckConstraint("group_target >= 1", name="group_target_positive"),
)
Index("uq_products_id_kind", products.c.id, products.c.kind, unique=True)

stream_keys = Table(
    "stream_keys",
    metadata,
    _ref("room_id", "rooms.id", key=True),
    Column("key_hash", String(64), nullable=False, unique=True),
    _time("made_at_ms"),
)

restreams = Table(
    "restreams",
    metadata,
    _ref("room_id", "rooms.id", key=True),
    Column("address", String(500), nullable=False),
    Column("sealed_key", String(1_000), nullable=False),
)

pins = Table(
    "pins",
    metadata,
    _ref("room_id", "rooms.id", key=True),
    _ref("product_id", "products.id", key=True),
    _time("pinned_at_ms"),
    Column("media_time", BigInteger),
)

recordings = Table(
    "recordings",
    metadata,
    _ref("room_id", "rooms.id", key=True),
    Column("live_id", String(32), primary_key=True),
    _time("started_at_ms"),
    _time("ended_at_ms", nullable=True),
    Column("duration_ms", BigInteger, nullable=False),
    Column("octets", BigInteger, nullable=False),
)

clips = Table(
    "clips",
    metadata,
    _id(),
    _ref("room_id", "rooms.id"),
    Column("live_id", String(32), nullable=False),
    _ref("product_id", "products.id"),
    Column("title", String(80)),
    Column("hidden", Boolean, nullable=False),
    Column("edited", Boolean, nullable=False),
    Column("start_ms", BigInteger, nullable=False),
    Column("end_ms", BigInteger, nullable=False),
    CheckConstraint("start_ms >= 0 AND start_ms < end_ms", name="clip_has_length"),
)
Index("ix_clips_live", clips.c.room_id, clips.c.live_id, clips.c.start_ms)

# `moves` counts what changed on_hand − sold; the gate counts what it applied, so both can be
# compared at a moment when the counts are equal (commerce/io/gate/reconcile.py).
stock = Table(
    "stock",
    metadata,
    _ref("product_id", "products.id", key=True),
    _ref("store_id", "stores.id", key=True),
    Column("on_hand", BigInteger, nullable=False),
    Column("sold", BigInteger, nullable=False),
    Column("moves", BigInteger, nullable=False),
    CheckConstraint("sold >= 0", name="sold_positive"),
    CheckConstraint("sold <= on_hand", name="never_oversold"),
)

stock_moves = Table(
    "stock_moves",
    metadata,
    Column("id", _Serial, primary_key=True, autoincrement=True),
    _ref("product_id", "products.id"),
    _ref("store_id", "stores.id"),
    Column("order_id", String(64)),
    Column("kind", String(16), nullable=False),
    Column("units", BigInteger, nullable=False),
    _time("at_ms"),
    UniqueConstraint("order_id", "product_id", "kind"),
    CheckConstraint("units > 0", name="units_positive"),
    _one_of("kind", [kind.value for kind in StockMoveKind]),
)

buying_groups = Table(
    "buying_groups",
    metadata,
    _id(),
    _ref("room_id", "rooms.id"),
    _ref("estate_id", "estates.id"),
    _ref("product_id", "products.id"),
    Column("price_fen", BigInteger, nullable=False),
    Column("target", Integer, nullable=False),
    Column("joined", Integer, nullable=False),
    Column("state", String(16), nullable=False),
    _time("opened_at_ms"),
    _time("ends_at_ms"),
    CheckConstraint("joined >= 0", name="joined_positive"),
    _one_of("state", [state.value for state in group.GroupState]),
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
    _ref("group_id", "buying_groups.id", key=True),
    Column("household_id", String(64), primary_key=True),
    Column("order_id", String(64), nullable=False, unique=True),
)

orders = Table(
    "orders",
    metadata,
    _id(),
    Column("number", String(20), nullable=False, unique=True),
    Column("guest_id", String(64), nullable=False),
    _ref("estate_id", "estates.id"),
    _ref("room_id", "rooms.id"),
    _ref("store_id", "stores.id"),
    _ref("product_id", "products.id"),
    _ref("group_id", "buying_groups.id", nullable=True),
    Column("quantity", Integer, nullable=False),
    Column("total_fen", BigInteger, nullable=False),
    Column("paid_fen", BigInteger, nullable=False),
    Column("refunded_fen", BigInteger, nullable=False),
    Column("state", String(16), nullable=False),
    Column("refused", String(32)),
    Column("version", Integer, nullable=False),
    _time("created_at_ms"),
    _time("due_at_ms", nullable=True),
    _time("handed_over_at_ms", nullable=True),
    Column("body_hash", String(32), nullable=False),
    Column("entry_id", String(64), nullable=False),
    Column("line_count", Integer, nullable=False, server_default="0"),
    Column("household_id", String(64)),
    CheckConstraint("quantity > 0", name="quantity_positive"),
    CheckConstraint("paid_fen IN (0, total_fen)", name="paid_all_or_nothing"),
    CheckConstraint("refunded_fen >= 0 AND refunded_fen <= paid_fen", name="refunds_within_paid"),
    CheckConstraint("refused IS NULL OR state = 'cancelled'", name="refused_is_cancelled"),
    _one_of("state", [state.value for state in states.OrderState]),
)
Index("ix_orders_guest", orders.c.guest_id, orders.c.created_at_ms)
Index("ix_orders_store", orders.c.store_id, orders.c.state)
Index("ix_orders_group", orders.c.group_id, orders.c.state)
Index("ix_orders_created", orders.c.created_at_ms)

order_moves = Table(
    "order_moves",
    metadata,
    _ref("order_id", "orders.id", key=True),
    Column("version", Integer, primary_key=True),
    Column("from_state", String(16), nullable=False),
    Column("to_state", String(16), nullable=False),
    Column("moved_by", String(64), nullable=False),
    _time("at_ms"),
)

pickup_codes = Table(
    "pickup_codes",
    metadata,
    _ref("store_id", "stores.id", key=True),
    Column("code", String(16), primary_key=True),
    Column("order_id", String(64), ForeignKey("orders.id"), nullable=False, unique=True),
    _time("created_at_ms"),
    _time("redeemed_at_ms", nullable=True),
)

money_transfers = Table(
    "money_transfers",
    metadata,
    Column("id", _Serial, primary_key=True, autoincrement=True),
    Column("order_id", String(64), ForeignKey("orders.id"), nullable=False),
    Column("kind", String(16), nullable=False),
    Column("from_account", String(80), nullable=False),
    Column("to_account", String(80), nullable=False),
    Column("amount_fen", BigInteger, nullable=False),
    _time("at_ms"),
    UniqueConstraint("order_id", "kind"),
    CheckConstraint("amount_fen > 0", name="amount_positive"),
    CheckConstraint("from_account <> to_account", name="two_accounts"),
)

refunds = Table(
    "refunds",
    metadata,
    Column("order_id", String(64), ForeignKey("orders.id"), primary_key=True),
    Column("amount_fen", BigInteger, nullable=False),
    Column("reason", String(32), nullable=False),
    _time("requested_at_ms"),
    _time("done_at_ms", nullable=True),
)
Index(
    "ix_refunds_waiting",
    refunds.c.order_id,
    sqlite_where=text("done_at_ms IS NULL"),
    postgresql_where=text("done_at_ms IS NULL"),
)

# What is to be delivered; a row is deleted after delivery. `subject` names what to look
# up at that time, so that a late message carries the state of its delivery, not of its commit.
outbox = Table(
    "outbox",
    metadata,
    Column("id", _Serial, primary_key=True, autoincrement=True),
    Column("topic", String(16), nullable=False),
    Column("subject", String(130), nullable=False),
    Column("units", BigInteger, nullable=False, server_default="0"),
    Column("attempts", Integer, nullable=False, server_default="0"),
    _time("due_at_ms"),
    Column("enqueued_at_ms", BigInteger, nullable=False, server_default="0"),
)
Index("ix_outbox_due", outbox.c.due_at_ms, outbox.c.id)

# The sandbox provider's own books: another company's, as far as the record is concerned.
sandbox_charges = Table(
    "sandbox_charges",
    metadata,
    Column("order_id", String(64), primary_key=True),
    Column("amount_fen", BigInteger, nullable=False),
    Column("outcome", String(16), nullable=False),
)
sandbox_refunds = Table(
    "sandbox_refunds",
    metadata,
    Column("order_id", String(64), ForeignKey("sandbox_charges.order_id"), primary_key=True),
    Column("amount_fen", BigInteger, nullable=False),
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
