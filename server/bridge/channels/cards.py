"""The products pinned in a room, and their stock."""

from typing import Literal, TypeAlias

import msgspec

from server.bridge.channels.feature import Feature, TimedEvent
from server.bridge.channels.texts import LocalText

CARDS_MAX = 20

ProductKind: TypeAlias = Literal["item", "set"]


class GroupOffer(msgspec.Struct, frozen=True):
    """The terms on which a group may buy a product."""

    price_fen: int
    target: int
    duration_s: int


class StoreStock(msgspec.Struct, frozen=True):
    """Units of a product that are left in a store."""

    store_id: str
    left: int


class EstateOffer(msgspec.Struct, frozen=True, omit_defaults=True):
    """What an estate is offered where it is not what all others are."""

    estate_id: str
    price_fen: int
    offered: bool
    member_fen: int | None = None


class Variant(msgspec.Struct, frozen=True, omit_defaults=True):
    """A product as viewers see it; `left` is the stock at the time of the message.

    `stores` are those that have some; `GET /api/rooms/{room}` says which of them serve an estate.
    `price_fen`, `offered` and `member_fen`, what members pay, are for the estates that are not in
    `offers`. `option` is what it differs in from the others of its card.
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
    offered: bool = True
    offers: tuple[EstateOffer, ...] = ()
    kind: ProductKind = "item"
    member_fen: int | None = None
    option: LocalText | None = None


class Product(Variant, frozen=True, omit_defaults=True):
    """A product with those that are offered on the same card."""

    variants: tuple[Variant, ...] = ()


class Card(msgspec.Struct, frozen=True):
    """A pinned product; `media_time` is the RTP time (90 kHz, 32 bits) of its video frame."""

    product: Product
    pinned_at_ms: int
    media_time: int | None


class CardPinned(TimedEvent, frozen=True, kw_only=True, tag="pin"):
    """A product was pinned; pinned again, it moves to the front."""

    card: Card


class CardUnpinned(TimedEvent, frozen=True, kw_only=True, tag="unpin"):
    """A product was unpinned."""

    product_id: str


class StockChanged(TimedEvent, frozen=True, kw_only=True, tag="stock"):
    """The stock of a product changed; stores that are left out have none."""

    product_id: str
    left: int
    stores: tuple[StoreStock, ...] = ()

    @property
    def is_urgent(self) -> bool:
        """Sold out is urgent."""
        return self.left == 0


Cards = tuple[Card, ...]
"""Newest pin first."""


def _pinned(cards: Cards, event: CardPinned) -> Cards:
    return (event.card, *_without(cards, event.card.product.id))[:CARDS_MAX]


def _unpinned(cards: Cards, event: CardUnpinned) -> Cards:
    return _without(cards, event.product_id)


def _restocked(cards: Cards, event: StockChanged) -> Cards:
    return tuple(
        msgspec.structs.replace(card, product=_with_stock(card.product, event)) for card in cards
    )


def _with_stock(product: Product, event: StockChanged) -> Product:
    replace = msgspec.structs.replace
    if product.id == event.product_id:
        return replace(product, left=event.left, stores=event.stores)
    if not any(variant.id == event.product_id for variant in product.variants):
        return product
    variants = (
        replace(variant, left=event.left, stores=event.stores)
        if variant.id == event.product_id
        else variant
        for variant in product.variants
    )
    return replace(product, variants=tuple(variants))


def _without(cards: Cards, product_id: str) -> Cards:
    return tuple(card for card in cards if card.product.id != product_id)


CARDS = Feature(
    member="cards",
    reducers={CardPinned: _pinned, CardUnpinned: _unpinned, StockChanged: _restocked},
)
