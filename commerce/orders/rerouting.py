"""Where an order goes when its store cannot do it: the next one that can, if its buyer agrees.

The order takes its place there at once, so that nobody else does, and its picking waits for the
buyer's consent. A buyer who declines, or has not answered when it must be packed, gets the
money back.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from commerce.orders.promise import (
    WAVE,
    RuledOut,
    RuledOutBy,
    first_slot,
    window_of,
)

CONSENT_MS = 30 * 60 * 1_000  # how long a buyer is asked where no window is at stake
CONSENT_MS_MIN = 10 * 60 * 1_000  # a buyer may need that long to see the question


class RerouteReason(StrEnum):
    """Why a store gives an order away."""

    CLOSED = "closed-early"
    CANNOT = "cannot-do"


@dataclass(frozen=True, slots=True)
class Room:
    """What stores have free: units by (store, item), places by (store, slot)."""

    units: Mapping[tuple[str, str], int]
    slots: Mapping[tuple[str, str], int]


@dataclass(frozen=True, slots=True)
class NextStore:
    """The store that takes an order over, None if there is none, and why others do not."""

    store_id: str | None
    slot: str
    ruled_out: tuple[RuledOut, ...]


def next_store(
    stores: Sequence[tuple[str, str]], needs: Mapping[str, int], leaving: str, room: Room
) -> NextStore:
    """Return the first store of a route that has all units of an order and a place for it.

    `stores` come best first, each with its slots as `read_slots` reads them (none: it takes
    orders at any time); `leaving` is the store that gives the order away.
    """
    ruled_out: dict[str, RuledOut] = {}
    for store_id, text in stores:
        if store_id == leaving:
            continue
        lacking = [item for item, units in needs.items() if room.units[store_id, item] < units]
        if lacking:
            ruled_out[store_id] = RuledOut(store_id, RuledOutBy.NO_STOCK, min(lacking))
            continue
        if not text:
            return NextStore(store_id, "", _others(ruled_out, store_id))
        free = {slot: units for (store, slot), units in room.slots.items() if store == store_id}
        slot = first_slot(text, free)
        if slot is not None:
            return NextStore(store_id, slot, _others(ruled_out, store_id))
        ruled_out[store_id] = RuledOut(store_id, RuledOutBy.FULL)
    return NextStore(None, "", tuple(ruled_out.values()))


def consent_by_ms(slot: str, *, now_ms: int) -> int:
    """Return until when a buyer may answer: before the order has to be packed in its new store."""
    if not slot or slot.startswith(WAVE):
        return now_ms + CONSENT_MS
    return max(window_of(slot).from_ms, now_ms + CONSENT_MS_MIN)


def _others(ruled_out: Mapping[str, RuledOut], store_id: str) -> tuple[RuledOut, ...]:
    # A store may be full soon and have room later.
    return tuple(out for id, out in ruled_out.items() if id != store_id)
