"""The summary of a live that is over: audience, orders, best minute, and open questions."""

from collections.abc import Sequence
from dataclasses import dataclass

MINUTE_MS = 60_000
MINUTES_MAX = 24 * 60
"""Minutes of a live of which the audience is kept."""


@dataclass(frozen=True, slots=True)
class LiveRun:
    """A live from its beginning to its end; None: it is on air.

    `viewers_by_minute` has the most viewers at once of each minute, `viewer_s` the seconds of all.
    """

    room_id: str
    started_at_ms: int
    ended_at_ms: int | None
    viewers_max: int
    viewer_s: int
    viewers_by_minute: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class SoldOrder:
    """An order that was made in a live and not cancelled."""

    at_ms: int
    household: str
    total_fen: int
    units: int


@dataclass(frozen=True, slots=True)
class BestMinute:
    """The minute with the most orders: when it began, and what was in it."""

    at_ms: int
    orders: int
    total_fen: int
    viewers: int


@dataclass(frozen=True, slots=True)
class LiveSummary:
    """What a host wants to know of a live; `questions_open` are the texts, most wanted first."""

    room_id: str
    started_at_ms: int
    ended_at_ms: int
    minutes: int
    viewers_max: int
    viewers_average: int
    minutes_watched: int
    orders: int
    households: int
    units: int
    total_fen: int
    best_minute: BestMinute | None
    orders_by_minute: tuple[int, ...]
    questions_open: tuple[str, ...]


def noted(run: LiveRun, viewers: int, viewer_s: int, *, at_ms: int) -> LiveRun:
    """Return a live with what was seen of its audience: the most at once, the seconds of all."""
    minute = max(0, at_ms - run.started_at_ms) // MINUTE_MS
    by_minute = list(run.viewers_by_minute)
    if minute < MINUTES_MAX:
        by_minute += [0] * (minute + 1 - len(by_minute))
        by_minute[minute] = max(by_minute[minute], viewers)
    return LiveRun(
        run.room_id,
        run.started_at_ms,
        run.ended_at_ms,
        max(run.viewers_max, viewers),
        run.viewer_s + viewer_s,
        tuple(by_minute),
    )


def summary_of(
    run: LiveRun, sold: Sequence[SoldOrder], questions_open: Sequence[str], *, now_ms: int
) -> LiveSummary:
    """Return the summary of a live; of one that is on air, up to now."""
    ended_at_ms = now_ms if run.ended_at_ms is None else run.ended_at_ms
    lasted_ms = max(1, ended_at_ms - run.started_at_ms)
    minutes = -(-lasted_ms // MINUTE_MS)
    orders, money = [0] * min(minutes, MINUTES_MAX), [0] * min(minutes, MINUTES_MAX)
    for order in sold:
        minute = (order.at_ms - run.started_at_ms) // MINUTE_MS
        if 0 <= minute < len(orders):
            orders[minute] += 1
            money[minute] += order.total_fen
    return LiveSummary(
        run.room_id,
        run.started_at_ms,
        ended_at_ms,
        minutes,
        run.viewers_max,
        round(run.viewer_s * 1_000 / lasted_ms),
        run.viewer_s // 60,
        len(sold),
        len({order.household for order in sold}),
        sum(order.units for order in sold),
        sum(order.total_fen for order in sold),
        _best(run, orders, money),
        tuple(orders),
        tuple(questions_open),
    )


def _best(run: LiveRun, orders: Sequence[int], money: Sequence[int]) -> BestMinute | None:
    """The minute with the most orders; of several the one with more money, then the first."""
    if not any(orders):
        return None
    at = max(range(len(orders)), key=lambda minute: (orders[minute], money[minute], -minute))
    viewers = run.viewers_by_minute[at] if at < len(run.viewers_by_minute) else 0
    return BestMinute(run.started_at_ms + at * MINUTE_MS, orders[at], money[at], viewers)
