"""Waves and pick lists: orders of a store that are picked together, and what to take for them.

A wave is a reached group, the single orders of a presale, or all others that belong to neither. Its
pick list has each item once with the sum over all bags, by zone; a bag is an order.
"""

import itertools
import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from commerce.orders.order import OrderRow
from commerce.orders.promise import WAVE
from commerce.orders.states import OPEN_AT_STORE, OrderState

SLOT_CHARS_MAX = 8  # such as A1
SINGLES = "singles"  # the id of the wave of orders that belong to no group and no presale


_SLOT = re.compile(rf"[A-Z0-9][A-Z0-9-]{{0,{SLOT_CHARS_MAX - 1}}}")


def read_slot(typed: str) -> str | None:
    """Return the slot that a person typed or scanned ("" for none), or None if it cannot be one."""
    slot = unicodedata.normalize("NFKC", typed).strip().upper()
    return slot if not slot or _SLOT.fullmatch(slot) else None


@dataclass(frozen=True, slots=True)
class Wave:
    """Orders of a group, a presale or neither in one state, in the order of their bags."""

    id: str
    group_id: str
    state: OrderState
    orders: tuple[OrderRow, ...]

    @property
    def due_at_ms(self) -> int | None:
        """When the first of them has to be ready."""
        return min(
            (row.due_at_ms for row in self.orders if row.due_at_ms is not None), default=None
        )


@dataclass(frozen=True, slots=True)
class BagUnits:
    """Units that go into one bag; bags are counted from 1."""

    bag: int
    units: int


@dataclass(frozen=True, slots=True)
class PickEntry:
    """An item to take from its zone: how many, and into which bags."""

    zone: str
    item_id: str
    units: int
    bags: tuple[BagUnits, ...]


def waves(orders: Iterable[OrderRow]) -> list[Wave]:
    """Group open orders into waves: earlier states first, groups before single orders.

    In a wave orders stand by their numbers, so that a bag keeps its place from list to label.
    """
    found: dict[tuple[OrderState, str, str], list[OrderRow]] = {}
    for order in orders:
        if order.state in OPEN_AT_STORE:
            slot = order.slot if order.slot.startswith(WAVE) and not order.group_id else ""
            found.setdefault((order.state, order.group_id, slot), []).append(order)
    made = [
        Wave(group_id or slot or SINGLES, group_id, state, tuple(sorted(rows, key=bag_order)))
        for (state, group_id, slot), rows in found.items()
    ]
    return sorted(made, key=_urgency)


def bag_numbers(orders: Sequence[OrderRow], known: Mapping[str, int]) -> dict[str, int]:
    """Return the bag of each order: the number it was given, else the next ones in order."""
    taken = [known[order.id] for order in orders if known.get(order.id)]
    free = itertools.count(max(taken, default=0) + 1)
    return {order.id: known.get(order.id) or next(free) for order in orders}


def pick_list(
    bag_orders: Sequence[tuple[int, OrderRow]], place_of: Callable[[str], tuple[str, str]]
) -> list[PickEntry]:
    """Return what to take for orders that go into these bags.

    `place_of` gives an item's zone, and what orders the items within it.
    """
    bags: dict[str, dict[int, int]] = {}
    for bag, order in bag_orders:
        for item_id, units in order.taken:
            of_item = bags.setdefault(item_id, {})
            of_item[bag] = of_item.get(bag, 0) + units
    return [
        PickEntry(
            place_of(item_id)[0],
            item_id,
            sum(bags[item_id].values()),
            tuple(BagUnits(bag, units) for bag, units in bags[item_id].items()),
        )
        for item_id in sorted(bags, key=lambda item_id: (*place_of(item_id), item_id))
    ]


def bag_order(order: OrderRow) -> tuple[int, str]:
    """What orders of a wave are sorted by: the first to buy is the first bag."""
    return order.created_at_ms, order.number


def _urgency(wave: Wave) -> tuple[int, bool, int, str]:
    return (
        OPEN_AT_STORE.index(wave.state),
        not wave.group_id,
        wave.due_at_ms or 0,
        wave.id,
    )
