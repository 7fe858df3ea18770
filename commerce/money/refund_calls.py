"""Calls that carry refunds to a payment provider: their states, and the pace it allows.

A call carries all waiting refunds of one order and is known to the provider by the order and its
number, so that a repeated call has no second effect. Times in UTC milliseconds.
"""

from enum import StrEnum

CALLS_MAX = 50  # per order, as WeChat Pay allows
CALL_GAP_MS = 60_000  # between two calls of an order
CALLS_PER_S = 150  # per provider account


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
