"""Presales: goods that are ordered by a cut-off, packed overnight in one wave, then handed over.

A presale of Friday's set meals takes orders until Fri 20:00, is packed by Sat 10:00 and handed
over until Sat 12:00. Each order takes a place of its store in the wave (promise.py); what a store
can pack until then is how many it gets. Times are UTC milliseconds.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from commerce.catalogue.values import Text
from commerce.errors import InvalidField, Refusal, Refused
from commerce.orders.promise import (
    DELIVERY_MS,
    WINDOW_MS,
    Fulfilment,
    PackingStore,
    Route,
    RuledOut,
    RuledOutBy,
    Span,
    is_open,
    wave_route,
    wave_slot,
)
from commerce.orders.states import OrderState

PRODUCTS_MAX = 50
OWN_MAX = 5  # presales of a store's own that are not handed over yet
NAME_CHARS_MAX = 40
ORDERS_MAX = 10_000  # of a store in one wave
# Orders of a cancelled presale that end with it: what is out comes back or is delivered first.
CANCELLABLE = frozenset(
    {
        OrderState.WAITING_PAYMENT,
        OrderState.WAITING_GROUP,
        OrderState.NEW,
        OrderState.PICKING,
        OrderState.PACKED,
        OrderState.READY,
    }
)
AHEAD_MS_MAX = 14 * 24 * 3_600 * 1_000  # from the opening to the cut-off
PACKING_MS_MAX = 36 * 3_600 * 1_000  # from the cut-off to when all is packed
HANDOVER_MS_MIN, HANDOVER_MS_MAX = WINDOW_MS + DELIVERY_MS, 24 * 3_600 * 1_000


@dataclass(frozen=True, slots=True)
class NewPresale:
    """What the head office asks for; stores that `capacities` does not name pack what they can.

    Orders are taken before `cut_off_ms`, packed by `ready_by_ms`, handed over until `until_ms`.
    """

    name: Text
    products: tuple[str, ...]
    cut_off_ms: int
    ready_by_ms: int
    until_ms: int
    capacities: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Presale:
    """A presale; `capacities` are orders by store, and other stores take none.

    Stores that have `cancelled` it take no more, and pay back what they had taken. With a
    `store_id` it is that store's own, for orders in its rooms; else it is for all of the brand's.
    """

    id: str
    brand_id: str
    name: Text
    products: tuple[str, ...]
    cut_off_ms: int
    ready_by_ms: int
    until_ms: int
    capacities: Mapping[str, int]
    cancelled: frozenset[str] = frozenset()
    store_id: str = ""

    @property
    def slot(self) -> str:
        """The slot that its orders take."""
        return wave_slot(self.ready_by_ms)

    def is_open(self, now_ms: int) -> bool:
        """Whether it takes orders; the cut-off itself is too late."""
        return now_ms < self.cut_off_ms

    def is_for(self, store_id: str) -> bool:
        """Whether it is for orders in the rooms of a store."""
        return self.store_id in ("", store_id)

    def takes(self, store_id: str, *, now_ms: int) -> bool:
        """Whether it takes orders of a store."""
        return self.is_open(now_ms) and store_id not in self.cancelled

    def handover(self, fulfilment: Fulfilment) -> Span:
        """When its buyers get their orders."""
        later_ms = DELIVERY_MS if fulfilment is Fulfilment.DELIVERY else 0
        return Span(self.ready_by_ms + later_ms, self.until_ms)


@dataclass(frozen=True, slots=True)
class Batch:
    """The orders that are packed in one window of a wave's night."""

    window: Span
    first: int
    orders: int


def check(new: NewPresale, *, now_ms: int) -> None:
    """Check what can be known without the record.

    Raises:
        InvalidField: Something cannot be; it names the member of the request.
    """
    for member, words in (("name.zh", new.name.zh), ("name.en", new.name.en)):
        if not 1 <= len(words) <= NAME_CHARS_MAX:
            raise InvalidField(member, f"1 to {NAME_CHARS_MAX} characters")
    if not 1 <= len(set(new.products)) == len(new.products) <= PRODUCTS_MAX:
        raise InvalidField("product_ids", f"1 to {PRODUCTS_MAX} different products")
    if not now_ms < new.cut_off_ms <= now_ms + AHEAD_MS_MAX:
        raise InvalidField("cut_off_ms", "within the next two weeks")
    if new.ready_by_ms % WINDOW_MS:
        raise InvalidField("ready_by_ms", "a full or half hour")
    if not WINDOW_MS <= new.ready_by_ms - new.cut_off_ms <= PACKING_MS_MAX:
        raise InvalidField("ready_by_ms", "half an hour to 36 h after the cut-off")
    if not HANDOVER_MS_MIN <= new.until_ms - new.ready_by_ms <= HANDOVER_MS_MAX:
        raise InvalidField("until_ms", "1 to 24 h after all is packed")
    check_capacities(new.capacities)


def check_capacities(capacities: Mapping[str, int]) -> None:
    """Check how many orders stores are to pack.

    Raises:
        InvalidField: One of them cannot be.
    """
    if any(not 0 <= orders <= ORDERS_MAX for orders in capacities.values()):
        raise InvalidField("capacities", f"0 to {ORDERS_MAX} orders")


def presale_of(presales: Iterable[Presale], product_id: str, *, now_ms: int) -> Presale | None:
    """Return the presale in which a product is sold, None if it is sold from the shelf.

    That is the one that takes orders; else the last one, until it is handed over.
    """
    known = [one for one in presales if product_id in one.products and now_ms < one.until_ms]
    taking = [one for one in known if one.is_open(now_ms)]
    if taking:
        return min(taking, key=lambda one: one.cut_off_ms)
    return max(known, key=lambda one: one.cut_off_ms, default=None)


def presale_of_order(
    presales: Iterable[Presale], product_ids: Iterable[str], *, now_ms: int
) -> Presale | None:
    """Return the presale of an order, None if it is taken from the shelf.

    Raises:
        Refused: Its goods are not handed over together.
    """
    known = tuple(presales)
    found = {id: presale_of(known, id, now_ms=now_ms) for id in product_ids}
    if len({one.id if one else "" for one in found.values()}) > 1:
        apart = next(id for id, one in found.items() if one)
        raise Refused(Refusal.PRESALE_APART, product_id=apart)
    return next(iter(found.values()), None)


def presale_route(
    presale: Presale, stores: Iterable[PackingStore], fulfilment: Fulfilment, *, now_ms: int
) -> Route:
    """Return where a tap on goods of a presale may go: nowhere after the cut-off."""
    if not presale.is_open(now_ms):
        return Route((), (), tuple(RuledOut(store.id, RuledOutBy.CLOSED) for store in stores))
    return places_of(presale, stores, fulfilment, now_ms=now_ms)


def places_of(
    presale: Presale, stores: Iterable[PackingStore], fulfilment: Fulfilment, *, now_ms: int
) -> Route:
    """Return the stores that may pack an order of a presale, before or after the cut-off."""
    counted, off = [], []
    for store in stores:
        if store.id in presale.cancelled or not presale.is_for(store.id):
            off.append(RuledOut(store.id, RuledOutBy.CLOSED))
        else:
            counted.append(replace(store, capacity=presale.capacities.get(store.id, 0)))
    found = wave_route(counted, presale.ready_by_ms, fulfilment, now_ms=now_ms)
    return replace(found, ruled_out=(*found.ruled_out, *off))


def packing_windows(store: PackingStore, from_ms: int, ready_by_ms: int) -> list[Span]:
    """Return the windows of a wave's night in which a store packs nothing else.

    A store that never shuts packs the wave beside its other orders.
    """
    first = from_ms + -from_ms % WINDOW_MS
    windows = [Span(at, at + WINDOW_MS) for at in range(first, ready_by_ms, WINDOW_MS)]
    shut = [window for window in windows if not is_open(store.opening_hours, window)]
    return shut or windows


def wave_capacity(store: PackingStore, from_ms: int, ready_by_ms: int) -> int:
    """Return how many orders of a wave a store can pack; the most where hands are not counted."""
    if store.capacity is None:
        return ORDERS_MAX
    return min(ORDERS_MAX, store.capacity * len(packing_windows(store, from_ms, ready_by_ms)))


def plan_batches(orders: int, windows: Sequence[Span], capacity: int | None) -> list[Batch]:
    """Return how many orders of a wave are packed in which window, all by the last one.

    As many as the hands of a window do, from the first window on. What hands are not counted for,
    or more orders than they could do, is spread evenly over all windows.
    """
    if not windows:
        return []
    even = -(-orders // len(windows))
    pace = max(even, capacity or 0, 1)
    starts = range(0, orders, pace)
    return [
        Batch(window, first, min(pace, orders - first))
        for window, first in zip(windows, starts, strict=False)
    ]
