"""Computes gold from silver in pieces, so that a day of any size takes the same memory.

A piece is a run of hours of one day with about `TRANSFERS_MAX` transfers, or one hour; each is put
in place in a commit of its own. An hour of gold follows from the transfers of that hour alone, so
the pieces are what the whole would be, and only hours whose transfers changed need to be computed.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any

from insight.tables import (
    CHINA_MS,
    DAY_MS,
    MONEY,
    ORDER_LINES,
    SALES_HOURLY,
    day_of,
    sales_hourly_sql,
)

if TYPE_CHECKING:
    from insight.io.lake import Lake

TRANSFERS_MAX = 50_000  # of one piece, unless a single hour has more
PLACED_DAYS = 2  # most orders are paid within so many days; others are looked for
KNOWN_MAX = 50_000  # days of older orders that are kept
HOUR_S = 3_600
HOUR_MS = HOUR_S * 1_000
HOURS = DAY_MS // HOUR_MS
EPOCH = date(1970, 1, 1)
_HOUR_S = "CAST(date_part('epoch', date_trunc('hour', occurred_at)) AS BIGINT)"
_MOVED = "kind IN ('charge', 'refund')"


@dataclass(frozen=True, slots=True)
class Piece:
    """Hours of a day, counted since the epoch: the first, and the one after the last."""

    day: str
    first: int
    end: int

    def where(self, column: str) -> str:
        """Return the condition that a time is within it."""
        begin, end = (
            datetime.fromtimestamp(hour * HOUR_S, UTC).isoformat()
            for hour in (self.first, self.end)
        )
        return f"day = '{self.day}' AND {column} >= '{begin}' AND {column} < '{end}'"


class Gold:
    """The gold tables of a lake; one caller at a time."""

    def __init__(self, lake: "Lake", transfers_max: int = TRANSFERS_MAX) -> None:
        self._lake = lake
        self._transfers_max = transfers_max
        self._placed_on: dict[str, str] = {}  # day by id of orders that are older than most

    def missing(self, source: str) -> set[int]:
        """Return the hours of what silver has of a source since gold was computed last."""
        after = self._lake.version(SALES_HOURLY, source)
        found: set[int] = set()
        for table in (MONEY, ORDER_LINES):
            begun = f"SELECT DISTINCT {_HOUR_S} FROM {table.name} "
            rows = self._lake.sql(begun + f"WHERE source = '{source}' AND sequence > {after}")[1]
            found |= {at_s // HOUR_S for (at_s,) in rows}
        return found

    def refresh(self, hours: Collection[int], upto: Mapping[str, int]) -> Iterator[Piece]:
        """Compute hours again; return each piece once it is in place.

        Then gold has what silver has of sources up to these numbers.
        """
        pieces = list(self._pieces(hours))
        for piece in pieces:
            moved = piece.where("occurred_at")
            placed = self._placed(moved, piece.day, piece.day)
            rows = self._lake.read(sales_hourly_sql(moved, placed))
            with_last = upto if piece is pieces[-1] else None
            self._lake.overwrite(SALES_HOURLY, piece.where("hour"), rows, with_last)
            yield piece

    def batches_of(self, source: str) -> list[Any]:
        """Return the gold of a source that is only appended once, as Arrow batches."""
        counted = f"SELECT day, COUNT(*) FROM money WHERE source = '{source}' GROUP BY day"
        counts = sorted(self._lake.sql(counted)[1])
        found: list[Any] = []
        for days in _runs(counts, self._transfers_max):
            moved = f"source = '{source}' AND day BETWEEN '{days[0]}' AND '{days[-1]}'"
            placed = self._placed(moved, days[0], days[-1])
            found += self._lake.read(sales_hourly_sql(moved, placed))
        return found

    def _pieces(self, hours: Collection[int]) -> Iterator[Piece]:
        for day in sorted({day_of(hour * HOUR_MS) for hour in hours}):
            wanted = sorted(hour for hour in hours if day_of(hour * HOUR_MS) == day)
            counted = (
                f"SELECT {_HOUR_S}, COUNT(*) FROM money WHERE day = '{day}' AND {_MOVED} "
                "GROUP BY date_trunc('hour', occurred_at)"
            )
            counts = {at_s // HOUR_S: count for at_s, count in self._lake.sql(counted)[1]}
            for run in _runs([(hour, counts.get(hour, 0)) for hour in wanted], self._transfers_max):
                yield from (Piece(day, part[0], part[-1] + 1) for part in _contiguous(run))

    def _placed(self, moved: str, first_day: str, last_day: str) -> str:
        """Return the condition on `l.day` that all orders of these transfers meet."""
        since = (date.fromisoformat(first_day) - timedelta(days=PLACED_DAYS)).isoformat()
        near = f"l.day BETWEEN '{since}' AND '{last_day}'"
        other = (
            f"SELECT order_id FROM money WHERE {moved} AND {_MOVED} AND NOT EXISTS "
            f"(SELECT 1 FROM order_lines l WHERE l.order_id = money.order_id AND {near})"
        )
        orders = {id for (id,) in self._lake.sql(f"SELECT DISTINCT order_id FROM ({other})")[1]}
        if not orders <= self._placed_on.keys():
            found = self._lake.sql(
                "SELECT DISTINCT l.order_id, l.day FROM order_lines l "
                f"WHERE NOT ({near}) AND l.order_id IN ({other})"
            )[1]
            if len(self._placed_on) + len(found) > KNOWN_MAX:
                self._placed_on.clear()
            self._placed_on |= dict(found)
        days = sorted({self._placed_on[id] for id in orders & self._placed_on.keys()})
        if not days:
            return near
        names = ", ".join(f"'{day}'" for day in days)
        return f"({near} OR l.day IN ({names}))"


def hours_of(day: str) -> range:
    """Return the hours of a day in China, counted since the epoch."""
    first = ((date.fromisoformat(day) - EPOCH).days * DAY_MS - CHINA_MS) // HOUR_MS
    return range(first, first + HOURS)


def _runs(counts: Sequence[tuple[Any, int]], most: int) -> Iterator[list[Any]]:
    """Cut what is counted into runs that sum to at most so much, or are one alone."""
    run: list[Any] = []
    total = 0
    for what, count in counts:
        if run and total + count > most:
            yield run
            run, total = [], 0
        run.append(what)
        total += count
    if run:
        yield run


def _contiguous(hours: Sequence[int]) -> Iterator[list[int]]:
    run: list[int] = []
    for hour in hours:
        if run and hour != run[-1] + 1:
            yield run
            run = []
        run.append(hour)
    if run:
        yield run
