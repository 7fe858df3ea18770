"""Orders, as their stores, leaders and buyers are shown them."""

from typing import Literal, TypeAlias

import msgspec

from rooms.events import Event, PrivateEvent
from server.bridge.channels.feature import Feature
from server.bridge.channels.groups import Group
from server.bridge.channels.texts import LocalText

OrderState: TypeAlias = Literal[
    "waiting_payment",
    "waiting_group",
    "new",
    "picking",
    "packed",
    "ready",
    "out",
    "handed_over",
    "delivered",
    "returned",
    "cancelled",
    "expired",
]


PickState: TypeAlias = Literal["found", "short", "offered", "substituted"]
Fulfilment: TypeAlias = Literal["pickup", "delivery"]
PaymentActionKind: TypeAlias = Literal["jsapi", "qr", "redirect", "none"]


class Promised(msgspec.Struct, frozen=True):
    """When the buyer gets an order."""

    from_ms: int
    until_ms: int


class StoreRef(msgspec.Struct, frozen=True):
    """Where an order is handed over."""

    id: str
    name: LocalText
    address: LocalText


class Pickup(msgspec.Struct, frozen=True, omit_defaults=True):
    """What the buyer shows at pickup: `qr` is an SVG as data: URI, `slot` where the bag stands."""

    code: str
    qr: str
    slot: str = ""


class Buyer(msgspec.Struct, frozen=True):
    """The name that the store calls out."""

    nickname: str
    estate_name: LocalText


class OrderPart(msgspec.Struct, frozen=True):
    """Units of an item in a line of sets, and its share of the line's total."""

    product_id: str
    name: LocalText
    image: str
    units: int
    share_fen: int


class OrderLine(msgspec.Struct, frozen=True, omit_defaults=True):
    """A line of an order; of a set with its parts."""

    product_id: str
    name: LocalText
    image: str
    quantity: int
    total_fen: int
    parts: tuple[OrderPart, ...] = ()


class Substitute(msgspec.Struct, frozen=True):
    """What is offered, or was taken, for units that were not found."""

    product_id: str
    name: LocalText
    image: str


class OrderPick(msgspec.Struct, frozen=True):
    """What a packer found of a part of a line; while offered, the buyer may answer."""

    line: int
    part: int
    product_id: str
    name: LocalText
    state: PickState
    missing_units: int
    substitute: Substitute | None
    answer_by_ms: int | None


class _OrderFields(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
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
    lines: tuple[OrderLine, ...] = ()
    picks: tuple[OrderPick, ...] = ()
    promised: Promised | None = None
    fulfilment: Fulfilment = "pickup"
    discount_fen: int = 0
    consent_by_ms: int | None = None


class ActionParameter(msgspec.Struct, frozen=True):
    """A parameter of the call that the buyer's page makes."""

    name: str
    value: str


class PaymentAction(msgspec.Struct, frozen=True):
    """What the buyer's page does next: shows `qr`, goes to `url`, or calls WeixinJSBridge."""

    kind: PaymentActionKind
    url: str
    qr: str
    parameters: tuple[ActionParameter, ...]


class Payment(msgspec.Struct, frozen=True):
    """Until when and at which provider an order may be paid."""

    expires_at_ms: int
    provider: str
    action: PaymentAction | None


class Order(_OrderFields, frozen=True, kw_only=True):
    """An order as its buyer sees it; `group` is its group as of the message.

    `payment` is there while it waits to be paid.
    """

    pickup: Pickup | None
    group: Group | None
    payment: Payment | None = None


class StoreOrder(_OrderFields, frozen=True, kw_only=True):
    """An order as its store sees it: the buyer's name, never the pickup code.

    `bag` is its number in its wave, `slot` where the bag stands, `wave` that of its presale, of an
    order that is in no group.
    """

    buyer: Buyer
    handed_over_at_ms: int | None
    bag: int = 0
    slot: str = ""
    wave: str = ""


class OrderChanged(Event, frozen=True, kw_only=True, tag="order"):
    """An order reached its store or changed its state (store channels only)."""

    order: StoreOrder


class LedOrder(msgspec.Struct, frozen=True):
    """An order as its estate's leaders are shown it: no name, no goods."""

    order_id: str
    number: str
    state: OrderState


class LedOrdersChanged(Event, frozen=True, kw_only=True, tag="led_orders"):
    """Orders of an estate changed their states together (channels of estates only)."""

    orders: tuple[LedOrder, ...]


class YourOrder(PrivateEvent, frozen=True, kw_only=True, tag="order"):
    """An order of this user was placed or changed its state.

    `media_time` is that of the live in whose room it was placed, as events have it.
    """

    media_time: int | None = None
    order: Order


ORDERS = Feature(stateless=(OrderChanged, LedOrdersChanged), private=(YourOrder,))
