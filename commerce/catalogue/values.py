"""The things that are sold, the places they lie in, and the people: plain values.

Money in fen (1/100 yuan), positions in degrees (WGS 84), times in UTC milliseconds.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from commerce.catalogue.categories import Category
from commerce.catalogue.food import FoodInformation
from commerce.catalogue.pricing import PriceBounds
from commerce.catalogue.sets import ProductKind, SetPart
from commerce.catalogue.text import Text as Text
from commerce.catalogue.variants import Option

HOUSEHOLD_LIMIT_DEFAULT = 20  # units of one product per household and day
CONFIRM_ABOVE_FEN = 20_000  # an order that costs more is confirmed by a second tap
UNITS_PER_ADDRESS = 60  # of one product per address and live, while phones are not verified
UNITS_PER_DEVICE = 40  # of one product per browser and live, the same
SEATS_PER_DEVICE = 2  # in one group
RECORDING_DAYS = 30  # how long recordings of lives are kept; 0: nothing is recorded
SHARED_GATE = "shop"
"""The gate of brands that have none of their own; the name is their keys' hash tag in Redis."""
TIME_ZONE = "Asia/Shanghai"
"""Of an estate that names none (IANA)."""
ORDERS_PER_PACKER_HOUR = 12
RINGS = 1  # of H3 cells around that of an estate's pin
RECORDING_GIB = 50  # of all recordings; beyond that the oldest are deleted


def own_gate(brand_id: str) -> str:
    """The name of a brand's own gate."""
    return f"b:{brand_id}"


@dataclass(frozen=True, slots=True)
class Coordinates:
    """A point on the map, in degrees (WGS 84)."""

    latitude: float
    longitude: float


@dataclass(frozen=True, slots=True)
class Brand:
    """The chain, and what it allows: see the constants of the same names.

    With `phone_needed` only guests who have proved a phone number may order. With `member_prices`
    those guests are members, and pay members' prices. With `split_orders` who buys several
    goods that no one store has is offered an order at each of two stores. With `store_presales`
    its stores open presales of their own, and cancel their part of the others.
    """

    id: str
    name: Text
    confirm_above_fen: int = CONFIRM_ABOVE_FEN
    units_per_address: int = UNITS_PER_ADDRESS
    units_per_device: int = UNITS_PER_DEVICE
    seats_per_device: int = SEATS_PER_DEVICE
    recording_days: int = RECORDING_DAYS
    recording_gib: int = RECORDING_GIB
    phone_needed: bool = False
    member_prices: bool = False
    split_orders: bool = False
    store_presales: bool = False


@dataclass(frozen=True, slots=True)
class Store:
    """Where goods lie and are handed over; `opening_hours` as in opening_hours.py.

    Without `packers` it takes orders at any time, as many as there are; otherwise as many per
    window as they can pack (orders/promise.py), and none until `closed_until_ms`.
    """

    id: str
    name: Text
    address: Text
    position: Coordinates
    opening_hours: str = ""
    packers: int | None = None
    orders_per_packer_hour: int = ORDERS_PER_PACKER_HOUR
    delivers: bool = False
    closed_until_ms: int = 0


@dataclass(frozen=True, slots=True)
class City:
    """Estates that share prices and an assortment."""

    id: str
    name: Text


@dataclass(frozen=True, slots=True)
class Estate:
    """Where neighbours live, the store that serves them first, and the city ("" for none).

    `next_stores` serve them after that, before the others that are near.
    """

    id: str
    name: Text
    position: Coordinates
    store_id: str
    city_id: str = ""
    next_stores: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Room:
    """A room and the store that goes live in it."""

    id: str
    title: Text
    store_id: str


@dataclass(frozen=True, slots=True)
class GroupOffer:
    """What a group buy of a product costs, needs and lasts."""

    price_fen: int
    target: int
    duration_s: int


@dataclass(frozen=True, slots=True)
class Product:
    """What is sold. `household_limit` is units per household and day.

    `own_price` are the bounds of a store's own price; without them it has none. A set has the parts
    of its `recipe_version`, and may say how it is cooked; an item has version 0. `option` is what
    it differs in from others of its family, and part of the `name` of one in the catalogue.
    """

    id: str
    name: Text
    unit: Text
    image: str
    price_fen: int
    list_price_fen: int
    group: GroupOffer | None = None
    household_limit: int = HOUSEHOLD_LIMIT_DEFAULT
    on_sale: bool = True
    own_price: PriceBounds | None = None
    parts: tuple[SetPart, ...] = ()
    recipe_version: int = 0
    recipe: Text | None = None
    cooking_minutes: int | None = None
    category_id: str = ""
    variant_of: str = ""
    option: Text | None = None

    @property
    def kind(self) -> ProductKind:
        """Whether it is made of other products."""
        return ProductKind.SET if self.parts else ProductKind.ITEM


@dataclass(frozen=True, slots=True)
class Stock:
    """Units of a product that lie in a store."""

    product_id: str
    store_id: str
    units: int


@dataclass(frozen=True, slots=True)
class Staff:
    """Somebody who logs in; `roles` are names that server/access/policy.py knows.

    `estate_ids` are those that a leader leads.
    """

    id: str
    username: str
    name: str
    roles: tuple[str, ...]
    room_id: str = ""
    store_id: str = ""
    token_version: int = 0
    brand_id: str = ""
    estate_ids: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Guest:
    """A viewer with a nickname and an estate; a household of one for now."""

    id: str
    nickname: str
    estate_id: str
    created_at_ms: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Registered:
    """A guest on a device of theirs, which keeps the secret."""

    guest: Guest
    device_secret: str


class LiveState(StrEnum):
    """Where a live stands."""

    SCHEDULED = "scheduled"
    LIVE = "live"
    PAUSED = "paused"
    OVER = "over"


@dataclass(frozen=True, slots=True)
class Live:
    """The current (or last, or next) live of a room.

    `fence` is the fencing token of the owner that wrote it; a smaller one writes no more.
    `announced` is false from when it is over until its room knows that.
    """

    room_id: str
    state: LiveState
    started_at_ms: int | None
    fence: int = 0
    announced: bool = True


@dataclass(frozen=True, slots=True)
class Pin:
    """A product that is on the table of a room."""

    room_id: str
    product_id: str
    pinned_at_ms: int
    media_time: int | None


@dataclass(frozen=True, slots=True)
class SeedStaff:
    """A staff member and the password to give them."""

    staff: Staff
    password: str


@dataclass(frozen=True, slots=True)
class SeedPlan:
    """A whole shop, to be loaded any number of times.

    Loading again updates names and prices; stock that exists is left as it is. `food` and
    `options` are by product, whose names here are without the option.
    """

    brand: Brand
    stores: tuple[Store, ...]
    estates: tuple[Estate, ...]
    rooms: tuple[Room, ...]
    products: tuple[Product, ...]
    stock: tuple[Stock, ...]
    staff: tuple[SeedStaff, ...] = ()
    cities: tuple[City, ...] = ()
    categories: tuple[Category, ...] = ()
    food: Mapping[str, FoodInformation] = field(default_factory=dict)
    options: Mapping[str, Option] = field(default_factory=dict)
