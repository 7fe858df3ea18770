"""Calls that carry refunds to a payment provider: their states, and the pace it allows.

A call carries all waiting refunds of one order and is known to the provider by the order and its
number, so that a repeated call has no second effect. Times in UTC milliseconds.
"""

import math
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

CALLS_MAX = 50  # per order, as WeChat Pay allows
CALL_GAP_MS = 60_000  # between two calls of an order
CALLS_PER_S = 150  # per provider account
WINDOW_MS = 1_000
ASK_MS = 1_000  # until an unanswered call is sent again; doubled with every attempt
ASK_MS_MAX = 60_000


class CallState(StrEnum):
    """Where a call stands."""

    QUEUED = "queued"  # not sent, or not since it may be sent again
    SENT = "sent"  # on its way; after a crash, as unknown
    UNKNOWN = "unknown"  # no answer in time: asked for by its reference
    DONE = "done"
    FAILED = "failed"  # refused for good: a person decides


_S = CallState

TRANSITIONS: frozenset[tuple[CallState, CallState]] = frozenset(
    {
        (_S.QUEUED, _S.SENT),
        (_S.SENT, _S.DONE),
        (_S.SENT, _S.UNKNOWN),
        (_S.SENT, _S.FAILED),
        (_S.UNKNOWN, _S.SENT),
        (_S.FAILED, _S.QUEUED),
    }
)


@dataclass(frozen=True, slots=True)
class RefundCall:
    """A call that carries refunds of an order; `n` is its number, from 1."""

    order_id: str
    n: int
    amount_fen: int
    state: CallState
    attempts: int
    made_at_ms: int
    sent_at_ms: int | None
    ended_at_ms: int | None


@dataclass(frozen=True, slots=True)
class Turn:
    """What an order's refunds need next: from `due_at_ms` on, a call is made or sent again."""

    due_at_ms: int
    call: RefundCall | None  # the one to send again; none: a new one


def turn_of(calls: Sequence[RefundCall], waiting: bool) -> Turn | None:
    """Return the next turn of an order, or None if there is nothing to do.

    Args:
        calls: All calls of the order, in the order of their numbers.
        waiting: Whether a refund has no call yet. One that fits in no further call needs a person.
    """
    sent_ms = max((call.sent_at_ms or 0 for call in calls), default=0)
    gap_ends_ms = sent_ms + CALL_GAP_MS if sent_ms else 0
    for call in calls:
        if call.state is CallState.QUEUED:
            return Turn(gap_ends_ms, call)
        if call.state in (CallState.SENT, CallState.UNKNOWN):
            # Sent and not answered, or answered while we were away.
            wait_ms = min(ASK_MS << min(call.attempts, 16), ASK_MS_MAX)
            return Turn((call.sent_at_ms or 0) + wait_ms, call)
    if waiting and len(calls) < CALLS_MAX:
        return Turn(gap_ends_ms, None)
    return None


class RefundPace:
    """How many calls a provider account may get now: `CALLS_PER_S` in any second."""

    def __init__(self, calls_per_s: int = CALLS_PER_S) -> None:
        self._calls_per_s = calls_per_s
        self._sent: deque[tuple[int, int]] = deque()  # time, calls
        self._booked_ms = 0.0  # until when postponed calls fill the pace

    def room(self, now_ms: int) -> int:
        """Return how many calls may be sent now."""
        while self._sent and self._sent[0][0] <= now_ms - WINDOW_MS:
            self._sent.popleft()
        return self._calls_per_s - sum(count for _, count in self._sent)

    def sent(self, count: int, now_ms: int) -> None:
        """Count calls that are sent now."""
        if count:
            self._sent.append((now_ms, count))

    def next_at(self, now_ms: int) -> int:
        """Return when another call may be tried; each caller gets a place of its own."""
        self._booked_ms = max(self._booked_ms, now_ms) + WINDOW_MS / self._calls_per_s
        return math.ceil(self._booked_ms)


def choose(
    turns: Mapping[str, Turn], pace: RefundPace, now_ms: int
) -> tuple[list[str], dict[str, int]]:
    """Return the orders whose turn is now, and when the others are to be tried again."""
    due = [order_id for order_id, turn in turns.items() if turn.due_at_ms <= now_ms]
    room = pace.room(now_ms)
    later = {id: turn.due_at_ms for id, turn in turns.items() if turn.due_at_ms > now_ms}
    later |= {order_id: pace.next_at(now_ms) for order_id in due[room:]}
    pace.sent(len(due[:room]), now_ms)
    return due[:room], later
