"""An order as the record has it, and the stream entry it begins as."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from commerce.errors import Refusal
from commerce.orders.lines import EntryLine, Needs, OrderLine, needs_of, read_discounts
from commerce.orders.promise import Fulfilment, slot_item
from commerce.orders.quotas import counted_as
from commerce.orders.states import OrderState

ID_CHARS = 32
PRIZE_ENTRY = "draw:"  # what the entry id of a prize begins with: no tap, but a draw


def order_id_of(guest_id: str, idempotency_key: str) -> str:
    """Return the one order id that a household's key stands for, here and at the provider."""
    material = f"{guest_id}\x00{idempotency_key}".encode()
    return hashlib.blake2b(material, digest_size=ID_CHARS // 2).hexdigest()


def body_hash_of(
    room_id: str,
    product_id: str,
    group_id: str,
    quantity: int,
    price_fen: int | None = None,
    further: Sequence[tuple[str, int, int | None]] = (),
    fulfilment: Fulfilment = Fulfilment.PICKUP,
    flash_id: str = "",
    coupon_id: str = "",
) -> str:
    """Return a hash that differs between bodies under the same key.

    `further` are product, units and price of the second line and those after it.
    """
    material = f"{room_id}\x00{product_id}\x00{group_id}\x00{quantity}"
    if price_fen is not None:
        material += f"\x00{price_fen}"
    for line in further:
        material += f"\x00{line}"
    if fulfilment is not Fulfilment.PICKUP:
        material += f"\x00{fulfilment}"
    if flash_id:
        material += f"\x00flash {flash_id}"
    if coupon_id:
        material += f"\x00coupon {coupon_id}"
    return hashlib.blake2b(material.encode(), digest_size=8).hexdigest()


@dataclass(frozen=True, slots=True)
class Entry:
    """A tap that the gate admitted, on its way into the record. `at_ms` is the gate's time.

    `household_id` is the one whose limits and seats count.
    `lines` and `needs` are empty for an order of one item; otherwise `product_id`, `quantity` and
    `price_fen` are those of the first line. `slot` is empty at stores that do not count them, and
    for groups, which get theirs when they are complete; `ruled_out` are the stores that did not get
    it (promise.py); `fulfilment` is empty for pickup. `quotas` are units by quota (quotas.py).
    `coupon_id` is the coupon that it takes, and `discounts` what that takes off its lines
    (lines.py); both are empty without one.
    """

    entry_id: str
    order_id: str
    body_hash: str
    guest_id: str
    estate_id: str
    room_id: str
    product_id: str
    quantity: int
    price_fen: int
    group_id: str
    store_id: str
    at_ms: int
    origin: str
    household_id: str = ""
    lines: tuple[EntryLine, ...] = ()
    needs: Needs = ()
    slot: str = ""
    fulfilment: str = ""
    ruled_out: str = ""
    quotas: Needs = ()
    coupon_id: str = ""
    discounts: str = ""

    @property
    def household(self) -> str:
        """Whose limits and seats count; a guest of no household counts alone."""
        return self.household_id or self.guest_id

    @property
    def discounts_fen(self) -> tuple[int, ...]:
        """What comes off each line."""
        return read_discounts(self.discounts) or (0,) * max(1, len(self.lines))

    @property
    def goods_fen(self) -> int:
        """What its goods cost before the discount."""
        if self.lines:
            return sum(line.goods_fen for line in self.lines)
        return self.quantity * self.price_fen

    @property
    def total_fen(self) -> int:
        """What the buyer pays."""
        return self.goods_fen - sum(read_discounts(self.discounts))

    @property
    def taken(self) -> Needs:
        """Units of items that it takes."""
        return self.needs or ((self.product_id, self.quantity),)

    @property
    def held(self) -> Needs:
        """All that the gate holds of its store: items, and its slot."""
        return (*self.taken, (slot_item(self.slot), 1)) if self.slot else self.taken

    @property
    def bought(self) -> Needs:
        """Units of products that it is of."""
        if self.lines:
            return tuple((line.product_id, line.units) for line in self.lines)
        return ((self.product_id, self.quantity),)

    @property
    def counted(self) -> Needs:
        """What the household's limits count: units of products, and those of flash sales."""
        return (*self.bought, *counted_as(self.quotas))


@dataclass(frozen=True, slots=True)
class OrderRow:
    """An order as it stands in the record.

    `refused` is set when the ledger refuses what the gate had admitted (payment declined, or a gate
    that oversold after a loss); such an order is CANCELLED from the start, holds no stock,
    and whatever was paid goes back. `lines` are empty for an order of one item; otherwise
    `product_id` and `quantity` are those of the first line. `discount_fen` is what came off all
    lines.
    """

    id: str
    number: str
    guest_id: str
    estate_id: str
    room_id: str
    store_id: str
    product_id: str
    group_id: str
    quantity: int
    total_fen: int
    paid_fen: int
    refunded_fen: int
    state: OrderState
    refused: Refusal | None
    version: int
    created_at_ms: int
    due_at_ms: int | None
    handed_over_at_ms: int | None
    body_hash: str
    entry_id: str
    household_id: str = ""
    lines: tuple[OrderLine, ...] = ()
    slot: str = ""
    fulfilment: Fulfilment = Fulfilment.PICKUP
    quotas: Needs = ()
    discount_fen: int = 0
    consent_by_ms: int | None = None  # until then its buyer may refuse the store that it moved to

    @property
    def is_prize(self) -> bool:
        """Whether it was won, not bought."""
        return self.entry_id.startswith(PRIZE_ENTRY)

    @property
    def household(self) -> str:
        """Whose limits and seats count; a guest of no household counts alone."""
        return self.household_id or self.guest_id

    @property
    def all_lines(self) -> tuple[OrderLine, ...]:
        """Its lines; of one item, the one that it is."""
        if self.lines:
            return self.lines
        price_fen = (self.total_fen + self.discount_fen) // self.quantity
        off = self.discount_fen
        return (OrderLine(self.product_id, self.quantity, price_fen, discount_fen=off),)

    @property
    def taken(self) -> Needs:
        """Units of items that it takes."""
        return needs_of(self.lines) if self.lines else ((self.product_id, self.quantity),)

    @property
    def held(self) -> Needs:
        """All that it takes of its store: items, and its slot."""
        return (*self.taken, (slot_item(self.slot), 1)) if self.slot else self.taken

    @property
    def bought(self) -> Needs:
        """Units of products that the household's limits count.

        A prize is none of them.
        """
        if self.is_prize:
            return ()
        if self.lines:
            return tuple((line.product_id, line.units) for line in self.lines)
        return ((self.product_id, self.quantity),)

    @property
    def counted(self) -> Needs:
        """What the household's limits count: units of products, and those of flash sales."""
        return (*self.bought, *counted_as(self.quotas))
