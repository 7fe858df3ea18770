"""How fast a store makes orders ready: from coming to the store to ready, against the promise."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

WINDOW_MS = 24 * 3_600_000


@dataclass(frozen=True, slots=True)
class Readied:
    """One order that became ready; `due_at_ms` is what was promised."""

    started_at_ms: int
    ready_at_ms: int
    due_at_ms: int | None


@dataclass(frozen=True, slots=True)
class Pace:
    """Percentiles are by nearest rank, and None of no orders."""

    orders: int
    on_time: int
    p50_ms: int | None
    p95_ms: int | None
    since_ms: int


def pace_of(readied: Sequence[Readied], since_ms: int) -> Pace:
    """Sum up the orders that became ready since then."""
    took = sorted(one.ready_at_ms - one.started_at_ms for one in readied)
    on_time = sum(one.due_at_ms is None or one.ready_at_ms <= one.due_at_ms for one in readied)
    return Pace(len(took), on_time, _percentile(took, 50), _percentile(took, 95), since_ms)


def _percentile(ordered: Sequence[int], percent: int) -> int | None:
    if not ordered:
        return None
    return ordered[math.ceil(len(ordered) * percent / 100) - 1]
