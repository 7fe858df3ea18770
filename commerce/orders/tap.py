"""What the gate is asked, a tap, and what it answers. Times are UTC milliseconds."""

from dataclasses import dataclass
from enum import StrEnum

from commerce.errors import Refusal
from commerce.orders.lines import Needs, TapLine

QUANTITY_MAX = 20  # units per order
KEY_CHARS_MIN = 8
KEY_CHARS_MAX = 64


@dataclass(frozen=True, slots=True)
class Tap:
    """One tap, as the gate gets it.

    `order_id` is made from guest and idempotency key, so one key is one order everywhere.
    `group_id` is the group that the caller believes is open ("" for none); with `explicit`, the
    buyer asked for exactly that one. `stores` are candidates, best first. `origin` is the worker
    that waits for the answer. `household_id` is "" for a guest of no household.

    `lines` and `needs` are empty for one item. Otherwise `product_id`, `quantity` and
    `expected_price_fen` are those of the first line, and only that one may be bought in a group;
    an order of several lines joins none unless the buyer names it.

    `slots` are texts beside `stores`, of the slots that it may take there (promise.py); an empty
    one, or none at all, needs no slot. `ruled_out` are stores that are no candidates. A `member`
    pays the price of members where there is one. `flash_id` is the flash sale that the buyer asked
    for: they buy at its price or not at all. `coupon_id` is the coupon that it takes, and
    `discounts` what that takes off its lines at the prices that were seen (lines.py); a tap with a
    coupon names all of them.
    """

    order_id: str
    body_hash: str
    guest_id: str
    estate_id: str
    room_id: str
    product_id: str
    quantity: int
    group_id: str
    explicit: bool
    expected_price_fen: int | None
    stores: tuple[str, ...]
    origin: str = ""
    household_id: str = ""

    @property
    def household(self) -> str:
        """Whose limits and seats count; a guest of no household counts alone."""
        return self.household_id or self.guest_id

    lines: tuple[TapLine, ...] = ()
    needs: Needs = ()
    fulfilment: str = ""
    ruled_out: str = ""
    member: bool = False
    flash_id: str = ""
    coupon_id: str = ""
    discounts: str = ""
    slots: tuple[str, ...] = ()

    @property
    def candidates(self) -> list[tuple[str, str]]:
        """Stores with the slots that it may take there."""
        return list(zip(self.stores, self.slots or ("",) * len(self.stores), strict=True))

    @property
    def all_lines(self) -> tuple[TapLine, ...]:
        """Its lines; of one item, the one that it is."""
        return self.lines or (TapLine(self.product_id, self.quantity, self.expected_price_fen),)


class Status(StrEnum):
    """What the gate says to a tap."""

    ADMITTED = "admitted"
    REFUSED = "refused"
    REPLAYED = "replayed"  # the key is known: the answer is, or will be, in the record
    OTHER_GROUP = "group"  # another group is open than the caller believes; nothing was decided
    STALE = "stale"  # a set has another recipe than the caller believes; nothing was decided
    NOT_READY = "not-ready"  # the gate is being rebuilt; nothing was decided
    BUSY = "busy"  # the ledger is too far behind; nothing was decided


@dataclass(frozen=True, slots=True)
class Decision:
    """The gate's answer; only the fields that belong to its status are filled.

    `product_id` is what a refusal of several lines is about: the product of a line, or the item
    that is sold out; what is left of it are then units of that item in the store that comes first.
    """

    status: Status
    refusal: Refusal | None = None
    left: int = 0
    store_id: str = ""
    price_fen: int = 0
    group_id: str = ""
    product_id: str = ""
    slot: str = ""
