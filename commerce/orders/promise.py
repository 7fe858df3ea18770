"""When and where an order is ready: the windows of stores, and which of them a tap may take.

A store packs in windows of half an hour, as many orders in each as its packers can do. A slot is
one order's place in a window; it can run out, and is counted like stock. Its name says all about
it: `980250` is the window that begins 980,250 half hours after 1970 (UTC), `w980290` a place among
the orders of a wave, which are packed overnight and all ready by that half hour.

Times are UTC milliseconds; opening hours are China's (UTC+8, without summer time).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from commerce.catalogue.opening_hours import DAYS, split

WINDOW_MS = 30 * 60 * 1_000
LEAD_MS = 10 * 60 * 1_000  # a window that ends sooner takes no more orders
DELIVERY_MS = WINDOW_MS  # from the end of the window to the door
SOON_MS = (
    2 * 3_600 * 1_000
)  # the nearest store that can do it by then is better than an earlier one
HORIZON_MS = 36 * 3_600 * 1_000  # how far ahead windows are open
SOON_WINDOWS_MAX = SOON_MS // WINDOW_MS + 1
LATER_WINDOWS_MAX = 8  # of a store, after those that are soon
PACKERS_MAX = 200
RATE_MAX = 120  # orders per packer and hour

HOUR_MS = 3_600 * 1_000
DAY_MS = 24 * HOUR_MS
CHINA_MS = 8 * HOUR_MS  # ahead of UTC
MONDAY = 3  # 1970-01-01 was a Thursday
WAVE = "w"
SLOT_ITEM = "slot:"


class Fulfilment(StrEnum):
    """How the goods get to the buyer."""

    PICKUP = "pickup"
    DELIVERY = "delivery"


class RuledOutBy(StrEnum):
    """Why a store did not get an order."""

    CLOSED = "closed"  # no window is open within the horizon
    NO_DELIVERY = "no-delivery"  # it does not bring goods to the door
    TOO_FAR = "too-far"
    NO_STOCK = "no-stock"  # `detail` is the item that it lacks
    FULL = "full"  # no slot is free in the windows that were asked for


@dataclass(frozen=True, slots=True)
class RuledOut:
    """A store that did not get an order, and why."""

    store_id: str
    reason: RuledOutBy
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Span:
    """A time from … until, such as a window, or what a buyer is promised."""

    from_ms: int
    until_ms: int


@dataclass(frozen=True, slots=True)
class PackingStore:
    """What routing knows of a candidate store.

    `capacity` is orders per window; None for a store whose slots are not counted, which takes
    orders at any time.
    """

    id: str
    opening_hours: str = ""
    capacity: int | None = None
    closed_until_ms: int = 0
    delivers: bool = False


@dataclass(frozen=True, slots=True)
class Route:
    """Stores in the order in which the gate tries them, each with the slots that it may take.

    A store may come twice: with its windows that are soon, and after the other stores with later
    ones. `slots` are texts as `read_slots` reads them.
    """

    stores: tuple[str, ...]
    slots: tuple[str, ...]
    ruled_out: tuple[RuledOut, ...] = ()


def capacity(packers: int | None, orders_per_packer_hour: int) -> int | None:
    """Return how many orders a store packs in a window; None if that is not counted."""
    return None if packers is None else packers * orders_per_packer_hour * WINDOW_MS // HOUR_MS


def slot_name(from_ms: int) -> str:
    """Return the slot of the window that begins then."""
    return str(from_ms // WINDOW_MS)


def wave_slot(ready_by_ms: int) -> str:
    """Return the slot of the wave that is ready by then."""
    return f"{WAVE}{ready_by_ms // WINDOW_MS}"


def slot_item(slot: str) -> str:
    """Return the name under which slots are counted beside the items of the stock."""
    return f"{SLOT_ITEM}{slot}"


def is_slot_item(item_id: str) -> bool:
    """Whether that counts slots."""
    return item_id.startswith(SLOT_ITEM)


def window_of(slot: str) -> Span:
    """Return when a slot's order is packed; of a wave, the half hour before all are ready."""
    number = int(slot.removeprefix(WAVE)) - slot.startswith(WAVE)
    return Span(number * WINDOW_MS, (number + 1) * WINDOW_MS)


def promise_of(slot: str, fulfilment: Fulfilment) -> Span:
    """Return when the buyer gets an order with that slot."""
    window = window_of(slot)
    later_ms = DELIVERY_MS if fulfilment is Fulfilment.DELIVERY else 0
    if slot.startswith(WAVE):
        later_ms += WINDOW_MS  # the doors open when the whole wave is packed
    return Span(window.from_ms + later_ms, window.until_ms + later_ms)


def is_open(opening_hours: str, window: Span) -> bool:
    """Whether a store is open during all of a window; without hours it always is."""
    days = split(opening_hours)
    if not days:
        return True
    local_ms = window.from_ms + CHINA_MS
    span = days[(local_ms // DAY_MS + MONDAY) % DAYS]
    if not span:
        return False
    opens, _, closes = span.partition("-")
    begins = local_ms % DAY_MS
    return _of_day(opens) <= begins and begins + window.until_ms - window.from_ms <= _of_day(closes)


def _of_day(text: str) -> int:
    hours, _, minutes = text.partition(":")
    return (int(hours) * 60 + int(minutes)) * 60 * 1_000


def open_windows(store: PackingStore, *, now_ms: int) -> list[Span]:
    """Return the windows in which a store packs, from the current one to the horizon."""
    first = now_ms - now_ms % WINDOW_MS
    windows = [
        Span(from_ms, from_ms + WINDOW_MS)
        for from_ms in range(first, now_ms + HORIZON_MS, WINDOW_MS)
    ]
    return [
        window
        for window in windows
        if window.from_ms >= store.closed_until_ms and is_open(store.opening_hours, window)
    ]


def reserve(window: Span, orders: int, *, now_ms: int) -> int:
    """Return how many slots of a window must stay free, since that part of it is over."""
    elapsed_ms = max(0, now_ms - window.from_ms)
    return -(-orders * elapsed_ms // (window.until_ms - window.from_ms))


def bookable(store: PackingStore, *, now_ms: int) -> list[tuple[Span, int]]:
    """Return the windows that a tap may take, earliest first, and how many must stay free."""
    if not store.capacity:
        return []
    return [
        (window, reserve(window, store.capacity, now_ms=now_ms))
        for window in open_windows(store, now_ms=now_ms)
        if window.until_ms - now_ms >= LEAD_MS
    ]


def route(stores: Iterable[PackingStore], fulfilment: Fulfilment, *, now_ms: int) -> Route:
    """Return where a tap may go, best first.

    The nearest store that can pack it soon comes first, then the other stores that can, then all
    of them again with later windows. `stores` are sorted by nearness.
    """
    soon: list[tuple[str, str]] = []
    later: list[tuple[str, str]] = []
    ruled_out = []
    for store in stores:
        if fulfilment is Fulfilment.DELIVERY and not store.delivers:
            ruled_out.append(RuledOut(store.id, RuledOutBy.NO_DELIVERY))
            continue
        if store.capacity is None:
            if store.closed_until_ms > now_ms:
                ruled_out.append(RuledOut(store.id, RuledOutBy.CLOSED))
            else:
                soon.append((store.id, ""))
            continue
        windows = bookable(store, now_ms=now_ms)
        if not windows:
            ruled_out.append(RuledOut(store.id, RuledOutBy.CLOSED))
        near = [pair for pair in windows if pair[0].from_ms < now_ms + SOON_MS]
        if near:
            soon.append((store.id, _slot_text(near[:SOON_WINDOWS_MAX])))
        if len(windows) > len(near):
            after = windows[len(near) :][:LATER_WINDOWS_MAX]
            later.append((store.id, _slot_text(after)))
    tried = soon + later
    return Route(
        tuple(store_id for store_id, _ in tried),
        tuple(slots for _, slots in tried),
        tuple(ruled_out),
    )


def wave_route(
    stores: Iterable[PackingStore], ready_by_ms: int, fulfilment: Fulfilment, *, now_ms: int
) -> Route:
    """Return where a tap on goods of a wave may go: each store's places in the wave."""
    fit, ruled_out = [], []
    for store in stores:
        if fulfilment is Fulfilment.DELIVERY and not store.delivers:
            ruled_out.append(RuledOut(store.id, RuledOutBy.NO_DELIVERY))
        elif store.closed_until_ms >= ready_by_ms or ready_by_ms <= now_ms:
            ruled_out.append(RuledOut(store.id, RuledOutBy.CLOSED))
        else:
            fit.append(store)
    name = wave_slot(ready_by_ms)
    slots = tuple("" if store.capacity is None else f" {name}" for store in fit)
    return Route(tuple(store.id for store in fit), slots, tuple(ruled_out))


def _slot_text(windows: Sequence[tuple[Span, int]]) -> str:
    """Slots and how many of each must stay free: ` 980250:4 980251`."""
    return "".join(
        [
            f" {slot_name(window.from_ms)}:{kept}" if kept else f" {slot_name(window.from_ms)}"
            for window, kept in windows
        ]
    )


def read_slots(text: str) -> list[tuple[str, int]]:
    """Return slots and how many of each must stay free, of a route's text."""
    pairs = [word.partition(":") for word in text.split()]
    return [(slot, int(kept or 0)) for slot, _, kept in pairs]


def first_slot(text: str, free: Mapping[str, int]) -> str | None:
    """Return the first slot of a route's text that a tap may take; `free` are by slot."""
    for slot, kept in read_slots(text):
        if free.get(slot, 0) > kept:
            return slot
    return None


def spread(orders: int, free: Sequence[tuple[str, int]]) -> list[tuple[str, int]]:
    """Return how many of a group's orders go into which slot, as early as there is room.

    Those that find no room are in none.
    """
    taken = []
    for slot, places in free:
        units = min(orders, max(0, places))
        if units:
            taken.append((slot, units))
            orders -= units
    return taken


def encode_ruled_out(stores: Iterable[RuledOut]) -> str:
    """Return stores and reasons as one text: `s1 closed ,s2 no-stock tea`."""
    return ",".join([f"{out.store_id} {out.reason} {out.detail}" for out in stores])


def read_ruled_out(text: str) -> list[RuledOut]:
    """Return what a text of `encode_ruled_out` says."""
    rows = [part.split(" ") for part in text.split(",") if part]
    return [RuledOut(store_id, RuledOutBy(reason), detail) for store_id, reason, detail in rows]
