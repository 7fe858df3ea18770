"""Moves of many orders by one key, and the undo of such a batch."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from commerce.orders.states import REVERSALS, TRANSITIONS, WAITING, OrderState

BATCH_MAX = 200  # orders
UNDO_MS = 5 * 60 * 1_000  # how long a batch may be undone
BATCH_MAY: frozenset[OrderState] = frozenset(
    {OrderState.PICKING, OrderState.PACKED, OrderState.READY}
)


class Outcome(StrEnum):
    """What became of one order of a batch."""

    MOVED = "moved"
    ALREADY = "already"  # it stood there: another clerk was as quick
    REFUSED = "refused"  # no such transition from where it stands
    UNKNOWN = "unknown"  # no such order in this store


@dataclass(frozen=True, slots=True)
class BatchAnswer:
    """One order of a batch; `state` is where it stands now, `version` what the move made it."""

    order_id: str
    outcome: Outcome
    state: OrderState | None
    version: int = 0


def batch_outcome(state: OrderState | None, to: OrderState) -> Outcome:
    """Decide about one order that stands in `state` (None: there is none)."""
    if state is None:
        return Outcome.UNKNOWN
    if state is to:
        return Outcome.ALREADY
    legal = to in BATCH_MAY and state not in WAITING and (state, to) in TRANSITIONS
    return Outcome.MOVED if legal else Outcome.REFUSED


def undo_outcome(
    state: OrderState | None, version: int, answer: BatchAnswer, back_to: OrderState
) -> Outcome:
    """Decide about one order of a batch that is undone: only what has not moved since goes back."""
    if state is None:
        return Outcome.UNKNOWN
    if state is back_to and version > answer.version:
        return Outcome.ALREADY
    untouched = version == answer.version and (state, back_to) in REVERSALS
    return Outcome.MOVED if untouched else Outcome.REFUSED


def may_undo(moved_at_ms: int, at_ms: int) -> bool:
    """Whether the window of a batch is still open."""
    return at_ms < moved_at_ms + UNDO_MS


def back_from(to: OrderState) -> OrderState:
    """Return where the undo of a move to `to` leads."""
    [back] = [target for state, target in REVERSALS if state is to]
    return back


def batch_id(store_id: str, key: str) -> str:
    """Return what a batch is known by."""
    return hashlib.blake2b(f"{store_id}\x00{key}".encode(), digest_size=16).hexdigest()


def batch_hash(order_ids: Sequence[str], to: OrderState, all_or_none: bool, slot: str = "") -> str:
    """Return a hash that differs between bodies under the same key."""
    material = "\x00".join([to.value, str(all_or_none), slot, *sorted(order_ids)])
    return hashlib.blake2b(material.encode(), digest_size=8).hexdigest()
