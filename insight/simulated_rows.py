"""The rows of a simulated day: what the shop's own facts would have become, as columns.

Part of simulator.py, which says what happens; here is only how it looks in the lake.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

SOURCE = "simulator"
JOURNEY = "completejourney"  # the source of history that is of other shops
DAY_MS = 86_400_000
HOUR_MS = 3_600_000
REFUND_SHARE = 0.015
LATE_SHARE, LATE_RUSH = 0.06, 0.25  # of orders; on days above 1.3 × the usual

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Columns = dict[str, Any]


@dataclass(slots=True)
class Numbers:
    """Numbers the rows of all tables; `last` was given last."""

    last: int = 0


@dataclass(frozen=True, slots=True)
class Place:
    """An estate and the shop that serves it; it opens `opens` days after the history begins."""

    estate: str
    store: str
    opens: int = 0


@dataclass(frozen=True, slots=True)
class Good:
    """A product; `heat` is how much more of it is wanted per 10 °C."""

    id: str
    price_fen: int
    shelf_days: int
    heat: float


@dataclass(frozen=True, slots=True)
class World:
    """What is simulated. `pilots` are estates to which something is done in the last 90 days."""

    brand: str
    room: str
    places: Sequence[Place]
    goods: Sequence[Good]
    first_day: date
    days: int = 365
    households: int = 300  # of each estate
    pilots: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Lines:
    """Lines of a day in the order of their times; `order` numbers orders within the day."""

    order: Ints
    estate: Ints
    household: Ints
    good: Ints
    units: Ints
    fen: Ints
    at_ms: Ints  # since midnight

    def where(self, kept: NDArray[np.bool_]) -> "Lines":
        return Lines(*(getattr(self, name)[kept] for name in self.__dataclass_fields__))


@dataclass(frozen=True, slots=True)
class DayRows:
    """Makes the rows of a day."""

    world: World
    stores: Sequence[str]
    day: str
    begin_ms: int

    def received(self, units: Ints, numbers: Numbers) -> Iterator[tuple[str, Columns]]:
        """The morning's deliveries, at 6 o'clock."""
        store, good = np.nonzero(units)
        at = np.full(len(store), self.begin_ms + 6 * HOUR_MS)
        shops = [f"shop:{self.stores[each]}" for each in store.tolist()]
        yield (
            "lot_moves",
            self._lots(numbers, good, units[store, good], at)
            | {
                "from_id": ["supplier"] * len(store),
                "to_id": shops,
                "kind": ["receive"] * len(store),
            },
        )
        yield "stock_moves", self._stock(numbers, store, good, units[store, good], at, "receive")

    def wasted(self, units: Ints, numbers: Numbers) -> Iterator[tuple[str, Columns]]:
        """What is thrown away at ten to midnight."""
        store, good = np.nonzero(units)
        at = np.full(len(store), self.begin_ms + DAY_MS - 600_000)
        yield (
            "lot_moves",
            self._lots(numbers, good, units[store, good], at)
            | {
                "from_id": [f"shop:{self.stores[each]}" for each in store.tolist()],
                "to_id": ["waste"] * len(store),
                "kind": ["waste"] * len(store),
            },
        )

    def orders(
        self, lines: Lines, store_of: Ints, numbers: Numbers, by: float, coins: Generator
    ) -> Iterator[tuple[str, Columns]]:
        """Lines, payments, packing, hand-over and refunds of orders that got something."""
        of_day, first, order = np.unique(lines.order, return_index=True, return_inverse=True)
        total = np.bincount(order, lines.fen).astype(np.int64)
        running = np.cumsum(lines.fen) - lines.fen
        # Stable in time, so the lines of an order are beside each other.
        before = running - running[first][order]
        line = np.arange(len(order)) - first[order]
        at = self.begin_ms + lines.at_ms
        ids = [f"sim-{self.day}-{each}" for each in of_day]
        estates = [place.estate for place in self.world.places]
        estate_of = [estates[each] for each in lines.estate[first]]
        people = [
            f"sim-{e}-{h}" for e, h in zip(estate_of, lines.household[first].tolist(), strict=True)
        ]
        # The shop packs within half an hour, or by half past eight the next morning.
        placed = at[first]
        next_morning = self.begin_ms + DAY_MS + int(8.5 * HOUR_MS)
        due = np.where(lines.at_ms[first] < 20 * HOUR_MS, placed + 1_800_000, next_morning)
        late = coins.random(len(first)) < (LATE_RUSH if by > 1.3 else LATE_SHARE)
        spare = np.where(
            late, coins.uniform(1.0, 1.8, len(first)), coins.uniform(0.2, 1, len(first))
        )
        packed = placed + ((due - placed) * spare).astype(np.int64)
        got = packed + coins.integers(600_000, 4 * HOUR_MS, len(first))
        many = order.tolist()
        yield (
            "order_lines",
            self._common(
                numbers,
                at,
                [estate_of[o] for o in many],
                [people[o] for o in many],
                [ids[o] for o in many],
            )
            | {
                "order_id": [ids[o] for o in many],
                "line": line,
                "product_id": [self.world.goods[each].id for each in lines.good.tolist()],
                "units": lines.units,
                "total_fen": lines.fen,
                "before_fen": before,
                "order_total_fen": total[order],
                "room_id": [self.world.room] * len(order),
                "store_id": [self.stores[each] for each in store_of[lines.estate].tolist()],
                "group_id": [""] * len(order),
                "state": ["new"] * len(order),
                "refused": [""] * len(order),
                "due_at": due[order],
            },
        )
        some = coins.random(len(first)) < REFUND_SHARE
        back = np.flatnonzero(some)
        for kind, which, when, fen in (
            ("charge", np.arange(len(first)), placed, total),
            ("refund", back, got + 2 * HOUR_MS, np.maximum(1, total // 2)),
        ):
            yield (
                "money",
                self._of_orders(numbers, which, when, ids, estate_of, people)
                | {
                    "kind": [kind] * len(which),
                    "amount_fen": fen[which],
                },
            )
        every = np.arange(len(first))
        for version, was, now, when in (
            (2, "new", "packed", packed),
            (3, "packed", "handed_over", got),
        ):
            yield (
                "order_moves",
                self._of_orders(numbers, every, when, ids, estate_of, people)
                | {
                    "order_version": np.full(len(first), version),
                    "from_state": [was] * len(first),
                    "to_state": [now] * len(first),
                    "due_at": [None] * len(first),
                },
            )
        store = store_of[lines.estate]
        yield "stock_moves", self._stock(numbers, store, lines.good, lines.units, at, "sell")
        handed = self._stock(numbers, store, lines.good, lines.units, got[order], "hand_over")
        yield "stock_moves", handed

    def _of_orders(
        self,
        numbers: Numbers,
        which: Ints,
        when: Ints,
        ids: Sequence[str],
        estates: Sequence[str],
        people: Sequence[str],
    ) -> Columns:
        at = which.tolist()
        mine = [ids[o] for o in at]
        here = self._common(
            numbers, when[which], [estates[o] for o in at], [people[o] for o in at], mine
        )
        return here | {"order_id": mine}

    def _stock(
        self, numbers: Numbers, store: Ints, good: Ints, units: Ints, at: Ints, kind: str
    ) -> Columns:
        nobody = [""] * len(store)
        return self._common(numbers, at, nobody, nobody, nobody) | {
            "product_id": [self.world.goods[each].id for each in good.tolist()],
            "store_id": [self.stores[each] for each in store.tolist()],
            "kind": [kind] * len(store),
            "units": units,
        }

    def _lots(self, numbers: Numbers, good: Ints, units: Ints, at: Ints) -> Columns:
        nobody = [""] * len(good)
        ids = [self.world.goods[each].id for each in good.tolist()]
        return self._common(numbers, at, nobody, nobody, nobody) | {
            "product_id": ids,
            "lot_id": [f"sim-{id}-{self.day}" for id in ids],
            "units": units,
        }

    def _common(
        self,
        numbers: Numbers,
        at: Ints,
        estates: Sequence[str],
        people: Sequence[str],
        traces: Sequence[str],
    ) -> Columns:
        first, count = numbers.last + 1, len(at)
        numbers.last += count
        return {
            "source": [SOURCE] * count,
            "sequence": np.arange(first, first + count),
            "occurred_at": at,
            "day": days_of(at),
            "brand": [self.world.brand] * count,
            "estate": estates,
            "person": people,
            "trace": traces,
        }


def days_of(at_ms: Ints) -> list[str]:
    """The dates in China; few different ones."""
    numbers, where = np.unique((at_ms + 8 * HOUR_MS) // DAY_MS, return_inverse=True)
    epoch = date(1970, 1, 1)
    names = [(epoch + timedelta(days=int(number))).isoformat() for number in numbers]
    return [names[each] for each in where.tolist()]
