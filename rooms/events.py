"""The events of a channel and their payloads.

An event is announced without an offset; the log sets `o`, its offset in the channel, and keeps it
as MessagePack. Field names are the wire's own (docs/protocol.md). A payload is the wire form of a
view of commerce, field by field, and has its name; `server/bridge/feed.py` makes one of the other.
"""

from typing import Literal, TypeAlias

import msgspec

LiveState: TypeAlias = Literal["scheduled", "live", "paused", "over"]
GroupState: TypeAlias = Literal["open", "reached", "fulfilling", "done", "expired", "cancelled"]
OrderState: TypeAlias = Literal[
    "waiting_group", "new", "picking", "packed", "ready", "handed_over", "cancelled"
]

GROUP_STATES_ENDED: frozenset[GroupState] = frozenset({"done", "expired", "cancelled"})


class LocalText(msgspec.Struct, frozen=True):
    """Text in both languages."""

    zh: str
    en: str


class GroupOffer(msgspec.Struct, frozen=True):
    """The terms on which a group may buy a product."""

    price_fen: int
    target: int
    duration_s: int


class StoreStock(msgspec.Struct, frozen=True):
    """Units of a product that are left in a store."""

    store_id: str
    left: int


class Product(msgspec.Struct, frozen=True, omit_defaults=True):
    """A product as viewers see it; `left` is the stock at the time of the message.

    `stores` are those that have some; `GET /api/rooms/{room}` says which of them serve an estate.
    """

    id: str
    name: LocalText
    unit: LocalText
    image: str
    price_fen: int
    list_price_fen: int
    left: int
    group: GroupOffer | None
    stores: tuple[StoreStock, ...] = ()


class Card(msgspec.Struct, frozen=True):
    """A pinned product; `media_time` is the RTP time (90 kHz, 32 bits) of its video frame."""

    product: Product
    pinned_at_ms: int
    media_time: int | None


class Group(msgspec.Struct, frozen=True):
    """One estate's group buy of one product."""

    id: str
    product_id: str
    estate_id: str
    joined: int
    target: int
    price_fen: int
    state: GroupState
    ends_at_ms: int


class StoreRef(msgspec.Struct, frozen=True):
    """Where an order is handed over."""

    id: str
    name: LocalText
    address: LocalText


class Pickup(msgspec.Struct, frozen=True):
    """What the buyer shows at pickup; `qr` is a data: URI of an SVG."""

    code: str
    qr: str


class Buyer(msgspec.Struct, frozen=True):
    """The name that the store calls out."""

    nickname: str
    estate_name: LocalText


class _OrderFields(msgspec.Struct, frozen=True, kw_only=True):
    id: str
    number: str
    state: OrderState
    product_id: str
    name: LocalText
    image: str
    quantity: int
    total_fen: int
    group_id: str | None
    estate_id: str
    store: StoreRef
    created_at_ms: int
    due_at_ms: int | None
    refunded_fen: int


class Order(_OrderFields, frozen=True, kw_only=True):
    """An order as its buyer sees it; `group` is its group as of the message."""

    pickup: Pickup | None
    group: Group | None


class StoreOrder(_OrderFields, frozen=True, kw_only=True):
    """An order as its store sees it: the buyer's name, never the pickup code."""

    buyer: Buyer
    handed_over_at_ms: int | None


class _Numbered(msgspec.Struct, frozen=True, kw_only=True, tag_field="k"):
    o: int = 0
    at_ms: int = 0


class LiveChanged(_Numbered, frozen=True, kw_only=True, tag="live"):
    """The live started, paused, resumed or ended."""

    state: LiveState
    started_at_ms: int | None


class CardPinned(_Numbered, frozen=True, kw_only=True, tag="pin"):
    """A product was pinned; pinned again, it moves to the front."""

    card: Card


class CardUnpinned(_Numbered, frozen=True, kw_only=True, tag="unpin"):
    """A product was unpinned."""

    product_id: str


class StockChanged(_Numbered, frozen=True, kw_only=True, tag="stock"):
    """The stock of a product changed; stores that are left out have none."""

    product_id: str
    left: int
    stores: tuple[StoreStock, ...] = ()


class GroupChanged(_Numbered, frozen=True, kw_only=True, tag="group"):
    """A group opened, grew, or changed its state; carries the whole group."""

    group: Group


class OrderChanged(_Numbered, frozen=True, kw_only=True, tag="order"):
    """An order reached its store or changed its state (store channels only)."""

    order: StoreOrder


ChannelEvent: TypeAlias = (
    LiveChanged | CardPinned | CardUnpinned | StockChanged | GroupChanged | OrderChanged
)


class YourOrder(msgspec.Struct, frozen=True, kw_only=True, tag_field="k", tag="order"):
    """An order of this user was placed or changed its state."""

    order: Order


PrivateEvent: TypeAlias = YourOrder


def is_urgent(event: ChannelEvent) -> bool:
    """Whether `event` goes out in the urgent lane: at once instead of with the next tick."""
    match event:
        case StockChanged(left=left):
            return left == 0
        case GroupChanged(group=group):
            return group.state != "open"
        case _:
            return True
