"""What is shown of claims, refunds and ratings. Field names are those of the wire."""

from dataclasses import dataclass

from commerce.after_sales.claims import ClaimState, Desk, Fault, GoodsGo, Why
from commerce.after_sales.ratings import Tag
from commerce.catalogue.values import Text
from commerce.io.shop.goods.note_cards import ShownCard
from commerce.money.refund_calls import CallState


@dataclass(frozen=True, slots=True)
class NewClaim:
    """What a neighbour says is wrong with units of a part."""

    order_id: str
    line: int
    part: int
    units: int
    fault: Fault
    words: str = ""
    photos: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class GoodsClaim:
    """A claim as its buyer sees it."""

    id: str
    order_id: str
    line: int
    part: int
    product_id: str
    name: Text
    image: str
    units: int
    amount_fen: int
    fault: Fault
    words: str
    photos: tuple[str, ...]
    state: ClaimState
    desk: Desk
    made_at_ms: int
    due_at_ms: int
    decided_at_ms: int | None
    answer: str


@dataclass(frozen=True, slots=True)
class DeskClaim:
    """A claim as a desk sees it; `recent` counts the household's of 30 days, with this one."""

    claim: GoodsClaim
    why: Why
    number: str
    nickname: str
    estate_name: Text
    store_id: str
    recent: int
    decided_by: str
    goods: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a person decides of a claim; `answer` is shown to the buyer."""

    approved: bool
    answer: str
    goods: GoodsGo | None = None


@dataclass(frozen=True, slots=True)
class FaultCount:
    """How often a fault of a supplier's product was claimed, and what of it was approved."""

    product_id: str
    name: Text
    supplier: str
    fault: Fault
    claims: int
    approved: int
    units: int
    refunded_fen: int


@dataclass(frozen=True, slots=True)
class NewRating:
    """What a neighbour says of one part."""

    order_id: str
    line: int
    part: int
    stars: int
    tags: tuple[Tag, ...] = ()
    words: str = ""


@dataclass(frozen=True, slots=True)
class PartRating:
    """A rating as its buyer sees it; `held` ones are read by a person before others see them."""

    stars: int
    tags: tuple[Tag, ...]
    words: str
    held: bool
    rated_at_ms: int


@dataclass(frozen=True, slots=True)
class SoldPart:
    """A part of an order after the sale."""

    line: int
    part: int
    product_id: str
    name: Text
    image: str
    units: int
    amount_fen: int
    refunded_fen: int
    claim: GoodsClaim | None
    rating: PartRating | None


@dataclass(frozen=True, slots=True)
class OrderAfterSale:
    """What a buyer can still do about an order, and what became of it.

    `refund_due_fen` is on its way; `claim_until_ms` and `rate_until_ms` are None before a handover,
    and there are no `note_cards` yet.
    """

    order_id: str
    claim_until_ms: int | None
    rate_until_ms: int | None
    refund_due_fen: int
    refunded_fen: int
    parts: tuple[SoldPart, ...]
    note_cards: tuple[ShownCard, ...] = ()


@dataclass(frozen=True, slots=True)
class ListedCall:
    """A refund call as the head office sees it; without a call, its refunds wait for their turn.

    `next_at_ms` is from when it may be sent, or sent again, at the provider's pace; None if it is
    over, or follows another call of its order.
    """

    order_id: str
    number: str
    store_id: str
    store_name: Text
    n: int | None
    amount_fen: int
    state: CallState
    attempts: int
    reasons: tuple[str, ...]
    requested_at_ms: int
    sent_at_ms: int | None
    ended_at_ms: int | None
    next_at_ms: int | None
