"""Flash sales: a host sells a few units for less, for a few minutes, and says when it begins.

The price is below the lowest of the days before, so that nobody raises a price to lower it again.
A unit that comes back while the sale runs is offered to the first household that waits, for two
minutes, and then to the next one.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from commerce.catalogue.offers import RuleBook, place_of
from commerce.catalogue.rules import Place, boundaries
from commerce.catalogue.values import Estate, Product
from commerce.errors import InvalidField

UNITS_MAX = 10_000
HOUSEHOLD_LIMIT_MAX = 20
STARTS_IN_S_MAX = 300
DURATION_S_MIN, DURATION_S_MAX = 10, 1_200
RIGHT_MS = 120_000
"""How long a unit that came back is kept for one household."""
RIGHT_GRACE_MS = 5_000
"""A right is passed on so much later, when all taps that used it are in the record."""
WAITING_MAX = 500
"""Households that wait in one sale."""
SHOWN_AFTER_MS = 60_000
"""An ended sale stays in the room for so long."""
LOWEST_OF_MS = 30 * 24 * 3_600 * 1_000
"""The price is below the lowest of so long before."""
PART = "flash"
"""What a flash sale is called among a room's activities."""


class WaitingState(StrEnum):
    """Where a household is in the waiting list."""

    WAITING = "waiting"
    OFFERED = "offered"
    TAKEN = "taken"
    LAPSED = "lapsed"


@dataclass(frozen=True, slots=True)
class FlashSale:
    """A flash sale as a room sees it; `left` are the units that anybody may still take.

    `served` is the last place of the waiting list that was offered a unit.
    """

    id: str
    room_id: str
    product_id: str
    price_fen: int
    before_fen: int
    units: int
    left: int
    household_limit: int
    starts_at_ms: int
    ends_at_ms: int
    served: int = 0

    def is_running(self, now_ms: int) -> bool:
        """Whether its price holds now; the end itself is too late."""
        return self.starts_at_ms <= now_ms < self.ends_at_ms

    def is_over(self, now_ms: int) -> bool:
        """Whether it has ended."""
        return now_ms >= self.ends_at_ms

    def is_shown(self, now_ms: int) -> bool:
        """Whether the room still shows it."""
        return now_ms < self.ends_at_ms + SHOWN_AFTER_MS


@dataclass(frozen=True, slots=True)
class Waiting:
    """A household in a waiting list; `until_ms` is how long a unit is kept for it."""

    place: int
    state: WaitingState
    until_ms: int | None = None


@dataclass(frozen=True, slots=True)
class FlashTerms:
    """What a host asks for."""

    price_fen: int
    units: int
    household_limit: int
    starts_in_s: int
    duration_s: int


def new_sale(
    id: str,
    room_id: str,
    product_id: str,
    terms: FlashTerms,
    *,
    lowest_fen: int,
    in_stock: int,
    now_ms: int,
) -> FlashSale:
    """Return a sale that begins after its countdown.

    Raises:
        InvalidField: A term cannot be, the price is no discount, or the stores have fewer units.
    """
    for member, value, least, most in (
        ("units", terms.units, 1, UNITS_MAX),
        ("household_limit", terms.household_limit, 1, HOUSEHOLD_LIMIT_MAX),
        ("starts_in_s", terms.starts_in_s, 0, STARTS_IN_S_MAX),
        ("duration_s", terms.duration_s, DURATION_S_MIN, DURATION_S_MAX),
    ):
        if not least <= value <= most:
            raise InvalidField(member, f"from {least} to {most}")
    if terms.household_limit > terms.units:
        raise InvalidField("household_limit", f"at most {terms.units}")
    if terms.units > in_stock:
        raise InvalidField("units", f"at most {in_stock}: what the stores have")
    if not 0 < terms.price_fen < lowest_fen:
        raise InvalidField("price_fen", f"below {lowest_fen} fen, the lowest of 30 days")
    starts_at_ms = now_ms + terms.starts_in_s * 1_000
    return FlashSale(
        id=id,
        room_id=room_id,
        product_id=product_id,
        price_fen=terms.price_fen,
        before_fen=lowest_fen,
        units=terms.units,
        left=terms.units,
        household_limit=terms.household_limit,
        starts_at_ms=starts_at_ms,
        ends_at_ms=starts_at_ms + terms.duration_s * 1_000,
    )


def lowest_price(
    product: Product,
    rules: RuleBook,
    estates: Iterable[Estate],
    room_id: str,
    sold_fen: int | None,
    *,
    now_ms: int,
) -> int:
    """Return the lowest price of a product in a room within the last days, whoever was asked it.

    Args:
        product: As it is now: with the price that holds where no rule does, and that of groups.
        rules: All that held within those days.
        estates: Those that the room sells to.
        room_id: The room.
        sold_fen: The lowest price that was paid within those days, outside flash sales.
        now_ms: Now.
    """
    since_ms = now_ms - LOWEST_OF_MS
    known = rules.prices.get(product.id, ())
    times = [since_ms, *(at for at in boundaries(known, since_ms) if at < now_ms), now_ms]
    places = [Place(room_id=room_id), *(place_of(estate, room_id) for estate in estates)]
    members = [
        Place(place.estate_id, place.city_id, place.store_id, place.room_id, member=True)
        for place in places
    ]
    asked = [
        rules.offer(product, place, at_ms=at).price_fen
        for place in (places + members if known else places[:1])
        for at in (times if known else times[-1:])
    ]
    if product.group:
        asked.append(product.group.price_fen)
    if sold_fen is not None:
        asked.append(sold_fen)
    return min(asked)


def next_waiting(waiting: Sequence[tuple[int, str]], units: int) -> list[str]:
    """Return the households that are offered `units`, one each, in the order of their places."""
    return [household for _, household in sorted(waiting)[: max(0, units)]]


def is_lapsed(until_ms: int, now_ms: int) -> bool:
    """Whether a right is passed on."""
    return now_ms >= until_ms + RIGHT_GRACE_MS
