"""What becomes of an order whose payment comes later: the states of its intent.

An intent is one attempt to take the price of one order until `expires_at_ms`. Its state is a fold
of its events, each of which is written once: the provider's, in any order and as often as it
reports them, and our own (the page got its next step, the time is over, a late payment was
settled). Times in UTC milliseconds.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from functools import reduce

PAY_MS = 15 * 60 * 1_000  # from the tap until the units go back on sale
UNPAID_NOTICE_MS = 3 * 60 * 1_000  # before that end the buyer is given notice
PROVIDER_MS_MIN = 60_000  # providers refuse attempts that end sooner
LEASE_MS = 30_000  # how long one worker has an intent for a call to the provider
QUERY_MS = 15_000  # from the next step to the first query; doubled with every query
QUERY_MS_MAX = 120_000
HONOUR_MS = 30 * 60 * 1_000  # from the end of an intent until a payment of it only goes back
HONOUR_WAIT_MS = 1_000  # between two tries to take an order up again
HONOUR_TRIES_MAX = 30  # while the gate decides nothing; then the payment goes back
LATE_QUERIES_MS = 3 * 3_600 * 1_000  # an expired intent is queried for so long
STRAY_MS = 10 * 60 * 1_000  # a payment of no intent that is known goes back after so long


class IntentState(StrEnum):
    """Where an attempt to pay stands."""

    CREATED = "created"  # in the record, perhaps not at the provider yet
    ACTION = "action"  # the buyer does the next step in the provider's page or app
    PAID = "paid"
    FAILED = "failed"  # declined
    EXPIRED = "expired"  # not paid in time, or given up by the buyer
    PAID_LATE = "paid_late"  # the units were on sale again when the money came
    HONOURED = "honoured"  # paid late, and there was still room
    REFUNDING = "refunding"  # paid late, and the money goes back


class IntentEvent(StrEnum):
    """What happens to an intent."""

    ACTION = "action"
    PAID = "paid"
    FAILED = "failed"
    EXPIRED = "expired"
    HONOURED = "honoured"
    REFUNDING = "refunding"


_S, _E = IntentState, IntentEvent

# The database enforces the pairs of states of the same table (schema_payments.py).
STEPS: dict[tuple[IntentState, IntentEvent], IntentState] = {
    (_S.CREATED, _E.ACTION): _S.ACTION,
    (_S.CREATED, _E.PAID): _S.PAID,
    (_S.CREATED, _E.FAILED): _S.FAILED,
    (_S.CREATED, _E.EXPIRED): _S.EXPIRED,
    (_S.ACTION, _E.PAID): _S.PAID,
    (_S.ACTION, _E.FAILED): _S.FAILED,
    (_S.ACTION, _E.EXPIRED): _S.EXPIRED,
    (_S.FAILED, _E.PAID): _S.PAID_LATE,
    (_S.EXPIRED, _E.PAID): _S.PAID_LATE,
    (_S.PAID_LATE, _E.HONOURED): _S.HONOURED,
    (_S.PAID_LATE, _E.REFUNDING): _S.REFUNDING,
}
TRANSITIONS: frozenset[tuple[IntentState, IntentState]] = frozenset(
    (state, to) for (state, _), to in STEPS.items()
)

# The order waits, and its units are reserved.
LIVE: frozenset[IntentState] = frozenset({_S.CREATED, _S.ACTION})

# The provider has the buyer's money, or had it.
TAKEN: frozenset[IntentState] = frozenset({_S.PAID, _S.PAID_LATE, _S.HONOURED, _S.REFUNDING})


def step(state: IntentState, event: IntentEvent) -> IntentState:
    """Return the state after an event; one that comes too late, or again, changes nothing."""
    return STEPS.get((state, event), state)


def fold(events: Iterable[IntentEvent]) -> IntentState:
    """Return the state of an intent that had these events, in the order they were written."""
    return reduce(step, events, IntentState.CREATED)


@dataclass(frozen=True, slots=True)
class PaymentAccount:
    """Our account at the provider by which new orders are paid."""

    provider: str
    account: str


@dataclass(frozen=True, slots=True)
class Intent:
    """An attempt to pay for an order; `id` is our reference of it at the provider.

    `due_at_ms` is when a worker has something to do for it, None: nothing any more.
    """

    id: str
    order_id: str
    provider: str
    account: str
    amount_fen: int
    state: IntentState
    created_at_ms: int
    expires_at_ms: int
    due_at_ms: int | None
    queries: int = 0


def may_be_honoured(intent: Intent, now_ms: int) -> bool:
    """Whether a late payment is soon enough after the end that its buyer still expects the goods.

    The gate and the record decide whether there is room.
    """
    return now_ms < intent.expires_at_ms + HONOUR_MS and intent.queries < HONOUR_TRIES_MAX


def refund_reference(order_id: str, n: int) -> str:
    """Return what the provider knows the `n`th refund call of an order by."""
    return f"{order_id[:28]}-{n}"


def expires_at_ms(tapped_at_ms: int, group_ends_at_ms: int | None) -> int:
    """Return until when an order may be paid: who waits for a group pays before its deadline."""
    latest_ms = tapped_at_ms + PAY_MS
    return latest_ms if group_ends_at_ms is None else min(latest_ms, group_ends_at_ms)


def ends_at_provider_ms(intent: Intent, now_ms: int) -> int:
    """Return when the provider may take no more; money that it takes after our end is late."""
    return max(intent.expires_at_ms, now_ms + PROVIDER_MS_MIN)


def next_query_ms(intent: Intent, now_ms: int) -> int | None:
    """Return when the provider is queried next, if no webhook comes before.

    A late payment is decided at once, and asks the gate, not the provider. Once more when the time
    is over, and for a while after it, since a payment may still arrive.
    """
    wait_ms = min(QUERY_MS << min(intent.queries, 16), QUERY_MS_MAX)
    if intent.state in LIVE:
        return min(now_ms + wait_ms, max(now_ms, intent.expires_at_ms))
    if intent.state is IntentState.PAID_LATE:
        return now_ms + (HONOUR_WAIT_MS if intent.queries else 0)
    if intent.state in (IntentState.EXPIRED, IntentState.FAILED):
        due_ms = now_ms + wait_ms
        return due_ms if due_ms < intent.expires_at_ms + LATE_QUERIES_MS else None
    return None
