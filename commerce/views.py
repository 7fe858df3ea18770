"""What commerce shows: products, cards, orders. Field names are those of the wire."""

from dataclasses import dataclass

from commerce.activities.draws import Draw, DrawState, VoidReason
from commerce.catalogue.food import Allergen, FoodInformation
from commerce.catalogue.offers import EstateOffer
from commerce.catalogue.sets import PartRole, ProductKind
from commerce.catalogue.values import GroupOffer, Product, Text
from commerce.groups.group import Group
from commerce.money.providers import ActionKind
from commerce.orders.picks import PickState
from commerce.orders.promise import Fulfilment, Span
from commerce.orders.states import OrderState


@dataclass(frozen=True, slots=True)
class StoreStock:
    """Unsold units in a store."""

    store_id: str
    left: int


@dataclass(frozen=True, slots=True)
class ProductView:
    """A product as a buyer sees it; `left` is unsold units in the record.

    They lie in `stores`; an order comes from one of the few that serve the buyer's estate.
    Price and `offered` are those of estates that are not in `offers`. `member_fen` is what members
    pay, where that is less. `variants` are offered on the same card; `option` is what this one
    differs in from them.
    """

    id: str
    name: Text
    unit: Text
    image: str
    price_fen: int
    list_price_fen: int
    left: int
    group: GroupOffer | None
    stores: tuple[StoreStock, ...] = ()
    offered: bool = True
    offers: tuple[EstateOffer, ...] = ()
    kind: ProductKind = ProductKind.ITEM
    member_fen: int | None = None
    option: Text | None = None
    variants: tuple["ProductView", ...] = ()


@dataclass(frozen=True, slots=True)
class PartView:
    """Units of an item in one set.

    `alone_fen` is what they cost by themselves, `share_fen` what they cost of the set's price;
    `left` are units of the item, in `stores`.
    """

    product_id: str
    name: Text
    unit: Text
    image: str
    role: PartRole
    units: int
    alone_fen: int
    share_fen: int
    left: int
    stores: tuple[StoreStock, ...] = ()


@dataclass(frozen=True, slots=True)
class ProductDetail:
    """All that a buyer may know of a product; parts, recipe and minutes are those of a set.

    `allergens` are those of the product and of all parts of a set; `category` is a path.
    """

    product: ProductView
    parts: tuple[PartView, ...]
    recipe: Text | None
    cooking_minutes: int | None
    food: FoodInformation
    allergens: tuple[Allergen, ...]
    category: Text | None


@dataclass(frozen=True, slots=True)
class Card:
    """A pinned product. `media_time` is in RTP ticks of the video (90 kHz)."""

    product: ProductView
    pinned_at_ms: int
    media_time: int | None


@dataclass(frozen=True, slots=True)
class TeaserGood:
    """A product of a teaser; `price_fen` is that of estates without a price of their own."""

    id: str
    name: Text
    unit: Text
    image: str
    price_fen: int


@dataclass(frozen=True, slots=True)
class Teaser:
    """A scheduled live as its room shows it."""

    id: str
    title: str
    teaser: str
    starts_at_ms: int
    goods: tuple[TeaserGood, ...]


@dataclass(frozen=True, slots=True)
class CouponRelease:
    """Coupons that a host gives to whoever taps first; `left` pieces until `closes_at_ms`."""

    id: str
    name: Text
    amount_fen: int
    percent: int
    cap_fen: int
    minimum_fen: int
    pieces: int
    left: int
    closes_at_ms: int


@dataclass(frozen=True, slots=True)
class StoreView:
    """A store as a buyer needs it."""

    id: str
    name: Text
    address: Text


@dataclass(frozen=True, slots=True)
class PickupView:
    """The code as people read it, its QR as an SVG data URI, and where the bag stands, if known."""

    code: str
    qr: str
    slot: str = ""


@dataclass(frozen=True, slots=True)
class OrderPartView:
    """Units of an item in a line of sets, and its share of the line's total."""

    product_id: str
    name: Text
    image: str
    units: int
    share_fen: int


@dataclass(frozen=True, slots=True)
class OrderLineView:
    """A line of an order; of a set with its parts."""

    product_id: str
    name: Text
    image: str
    quantity: int
    total_fen: int
    parts: tuple[OrderPartView, ...] = ()


@dataclass(frozen=True, slots=True)
class SubstituteView:
    """What is offered, or was taken, for units that were not found."""

    product_id: str
    name: Text
    image: str


@dataclass(frozen=True, slots=True)
class PickView:
    """A part of a line of which not all was found, or that was noted as found."""

    line: int
    part: int
    product_id: str
    name: Text
    state: PickState
    missing_units: int
    substitute: SubstituteView | None
    answer_by_ms: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SharedOrderView:
    """What buyer and store both see of an order.

    `lines` are empty for an order of one item, which is its own line; otherwise product, name,
    image and quantity are those of the first line. `promised` is when the buyer gets it, where the
    store counts its slots.
    """

    id: str
    number: str
    state: OrderState
    product_id: str
    name: Text
    image: str
    quantity: int
    total_fen: int
    group_id: str | None
    estate_id: str
    store: StoreView
    created_at_ms: int
    due_at_ms: int | None
    refunded_fen: int
    lines: tuple[OrderLineView, ...] = ()
    picks: tuple[PickView, ...] = ()
    promised: Span | None = None
    fulfilment: Fulfilment = Fulfilment.PICKUP
    discount_fen: int = 0
    consent_by_ms: int | None = None


@dataclass(frozen=True, slots=True)
class ActionParameter:
    """A parameter of the call that the page makes."""

    name: str
    value: str


@dataclass(frozen=True, slots=True)
class ActionView:
    """What the page does next: shows `qr`, goes to `url`, or calls with the parameters.

    `qr` is the URL as an SVG as data: URI, where that is to be scanned.
    """

    kind: ActionKind
    url: str
    qr: str
    parameters: tuple[ActionParameter, ...]


@dataclass(frozen=True, slots=True)
class PaymentView:
    """What an order waits for; `action` is set once the provider has answered."""

    expires_at_ms: int
    provider: str
    action: ActionView | None


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderView(SharedOrderView):
    """An order as its buyer sees it; `group` is the one that it waits for or belongs to.

    `payment` is set while it waits to be paid.
    """

    pickup: PickupView | None
    group: Group | None
    payment: PaymentView | None = None


@dataclass(frozen=True, slots=True)
class BuyerView:
    """Who bought, as far as a clerk needs it."""

    nickname: str
    estate_name: Text


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreOrder(SharedOrderView):
    """An order as the store sees it: never with the pickup code.

    `bag` is its number in its wave (0: none yet), `slot` where the bag stands. `wave` is that of
    its presale, "" for an order of a group or from the shelf.
    """

    buyer: BuyerView
    handed_over_at_ms: int | None
    bag: int = 0
    slot: str = ""
    wave: str = ""


@dataclass(frozen=True, slots=True)
class ClaimView:
    """Where a guest says to live, and what the shop says to it: waiting, confirmed, refused.

    `last_four` are digits of a phone number that the guest has proved, or null.
    """

    guest_id: str
    nickname: str
    estate_id: str
    building: str
    flat: str
    state: str
    asked_at_ms: int
    last_four: str | None


@dataclass(frozen=True, slots=True)
class HouseholdView:
    """How many people the own household has, and the flat that one has named."""

    people: int
    dwelling: ClaimView | None


@dataclass(frozen=True, slots=True)
class DrawView:
    """A lucky bag with the prize that is drawn; see `Draw` and `DrawTerms`."""

    id: str
    product_id: str
    name: Text
    image: str
    winners: int
    word: str
    estate_id: str
    stay: bool
    state: DrawState
    entries: int
    opened_at_ms: int
    closes_at_ms: int
    ended_at_ms: int | None
    void_reason: VoidReason | None
    commitment: str
    entries_hash: str | None
    seed: str | None
    winning: tuple[str, ...]
    nicknames: tuple[str, ...]


def draw_view(draw: Draw, product: Product) -> DrawView:
    """Return a draw as it is shown."""
    terms = draw.terms
    return DrawView(
        draw.id,
        product.id,
        product.name,
        product.image,
        terms.winners,
        terms.word,
        terms.estate_id,
        terms.stay,
        draw.state,
        draw.entries,
        terms.opened_at_ms,
        terms.closes_at_ms,
        draw.ended_at_ms,
        draw.void_reason,
        draw.commitment,
        draw.entries_hash,
        draw.seed,
        draw.winning,
        draw.nicknames,
    )
