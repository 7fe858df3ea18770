"""What the wall of a brand's head office shows."""

import msgspec

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


class WallSource(msgspec.Struct, frozen=True):
    """When a source was read last."""

    name: str
    at_ms: int
