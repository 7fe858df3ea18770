"""The wall of a brand's head office (`hq:{brand}`): what changed since the last event.

Like a store's channel it has no state: the whole wall is fetched over HTTP at every snapshot.
"""

import msgspec

from rooms.events import Event
from server.bridge.channels.feature import Feature
from server.bridge.channels.live import LiveState
from server.bridge.channels.texts import LocalText


class WallFigures(msgspec.Struct, frozen=True):
    """The figures; `orders_by_minute` ends with this minute, `bucket` is of ten minutes."""

    day: str
    gmv_fen: int
    paid_fen: int
    refunded_fen: int
    orders: int
    units: int
    refunds: int
    orders_by_minute: tuple[int, ...]
    bucket: int
    bucket_gmv_fen: int
    last_week_gmv_fen: int | None
    open_orders: int
    late_orders: int
    packed: int
    packed_on_time: int
    groups_open: int
    groups_reached: int
    groups_expiring: int
    groups_reached_today: int
    groups_expired_today: int


class WallEstate(msgspec.Struct, frozen=True):
    """An estate's day: what was paid, less what went back, and groups that go on."""

    id: str
    gmv_fen: int
    orders: int
    refunded_fen: int
    groups: int


class WallLive(msgspec.Struct, frozen=True):
    """A live, with what was sold in its room today."""

    room_id: str
    title: LocalText
    store_id: str
    state: LiveState
    started_at_ms: int | None
    viewers: int
    orders: int
    gmv_fen: int


class WallRatings(msgspec.Struct, frozen=True):
    """Ratings that buyers gave today, and their stars in all."""

    count: int = 0
    stars: int = 0


class WallCabinets(msgspec.Struct, frozen=True):
    """Cold cabinets, how many are in alarm, and how many of those for their temperature."""

    count: int = 0
    alarms: int = 0
    out_of_range: int = 0


class WallSource(msgspec.Struct, frozen=True):
    """When a source was read last."""

    name: str
    at_ms: int


class WallChanged(Event, frozen=True, kw_only=True, tag="wall"):
    """The wall at a moment: figures whole, estates and lives only those that changed.

    `stock_outs` are (product, store) pairs on sale with nothing left.
    """

    made_at_ms: int
    behind: int
    figures: WallFigures
    stock_outs: int
    estates: tuple[WallEstate, ...]
    lives: tuple[WallLive, ...]
    sources: tuple[WallSource, ...]
    ratings: WallRatings = WallRatings()
    cabinets: WallCabinets = WallCabinets()


WALL = Feature(stateless=(WallChanged,))
