"""What an order may do next: its states, the one table of transitions, the 30-minute clock."""

from enum import StrEnum

from commerce.errors import IllegalMove

FULFIL_MS = 30 * 60 * 1_000  # from "goes to the store" to "ready"
HANDED_OVER_SHOWN_MS = 2 * 3_600 * 1_000  # how long the store's board shows what is done


class OrderState(StrEnum):
    """Where an order stands."""

    WAITING_PAYMENT = "waiting_payment"
    WAITING_GROUP = "waiting_group"
    NEW = "new"
    PICKING = "picking"
    PACKED = "packed"
    READY = "ready"
    OUT = "out"
    HANDED_OVER = "handed_over"
    DELIVERED = "delivered"
    RETURNED = "returned"
    CANCELLED = "cancelled"
    EXPIRED = "expired"  # not paid in time


_S = OrderState

# The database enforces the same table (commerce/io/record/schema.py writes it from here).
TRANSITIONS: frozenset[tuple[OrderState, OrderState]] = frozenset(
    {
        (_S.WAITING_PAYMENT, _S.WAITING_GROUP),
        (_S.WAITING_PAYMENT, _S.NEW),
        (_S.WAITING_PAYMENT, _S.EXPIRED),
        (_S.WAITING_PAYMENT, _S.CANCELLED),
        (_S.EXPIRED, _S.WAITING_GROUP),  # paid late, and there was still room
        (_S.EXPIRED, _S.NEW),
        (_S.WAITING_GROUP, _S.NEW),
        (_S.WAITING_GROUP, _S.CANCELLED),
        (_S.NEW, _S.PICKING),
        (_S.NEW, _S.CANCELLED),
        (_S.PICKING, _S.PACKED),
        (_S.PICKING, _S.CANCELLED),
        (_S.PACKED, _S.READY),
        (_S.PACKED, _S.CANCELLED),
        (_S.READY, _S.OUT),
        (_S.READY, _S.HANDED_OVER),
        (_S.READY, _S.RETURNED),
        (_S.READY, _S.CANCELLED),
        (_S.OUT, _S.DELIVERED),
        (_S.OUT, _S.RETURNED),
    }
)

# What the undo of a batch reverses (commerce/orders/batches.py), and a walk on which nobody was at
# home: no goods left for good, no money moved.
REVERSALS: frozenset[tuple[OrderState, OrderState]] = frozenset(
    {
        (_S.PICKING, _S.NEW),
        (_S.PACKED, _S.PICKING),
        (_S.READY, _S.PACKED),
        (_S.OUT, _S.READY),
    }
)

INITIAL: frozenset[OrderState] = frozenset(
    {_S.WAITING_PAYMENT, _S.WAITING_GROUP, _S.NEW, _S.CANCELLED}
)

# A store does not know of it yet: it waits for its payment, or for its group.
WAITING: frozenset[OrderState] = frozenset({_S.WAITING_PAYMENT, _S.WAITING_GROUP})

# What a clerk may ask for. WAITING_GROUP is the group's to end, HANDED_OVER needs the code.
CLERK_MAY: frozenset[OrderState] = frozenset(
    {_S.PICKING, _S.PACKED, _S.READY, _S.RETURNED, _S.CANCELLED}
)

# States that a store works on.
OPEN_AT_STORE: tuple[OrderState, ...] = (_S.NEW, _S.PICKING, _S.PACKED, _S.READY)

# States whose goods the store answers for: what is out comes back or is delivered.
WITH_STORE: tuple[OrderState, ...] = (*OPEN_AT_STORE, _S.OUT)

# The buyer has the goods: collected, or brought to the door.
WITH_BUYER: frozenset[OrderState] = frozenset({_S.HANDED_OVER, _S.DELIVERED})

# The goods stay with the store and what was paid goes back, before packing or after it.
UNDONE: frozenset[OrderState] = frozenset({_S.CANCELLED, _S.EXPIRED, _S.RETURNED})

# Nothing follows in the store.
ENDED: frozenset[OrderState] = WITH_BUYER | UNDONE

# Their wire names, sorted, for queries.
WITH_BUYER_VALUES = sorted(state.value for state in WITH_BUYER)
UNDONE_VALUES = sorted(state.value for state in UNDONE)
ENDED_VALUES = sorted(state.value for state in ENDED)


def check_move(state: OrderState, to: OrderState) -> None:
    """Raise `IllegalMove` unless an order may go from `state` to `to`."""
    if (state, to) not in TRANSITIONS:
        raise IllegalMove(state, to)


def check_reversal(state: OrderState, to: OrderState) -> None:
    """Raise `IllegalMove` unless an undo may take an order from `state` back to `to`."""
    if (state, to) not in REVERSALS:
        raise IllegalMove(state, to)


def check_clerk_move(state: OrderState, to: OrderState) -> None:
    """Raise `IllegalMove` unless a clerk may move an order from `state` to `to`."""
    if to not in CLERK_MAY or state in WAITING:
        raise IllegalMove(state, to)
    check_move(state, to)


def due_at_ms(started_at_ms: int) -> int:
    """Return when an order that went to the store at `started_at_ms` has to be ready."""
    return started_at_ms + FULFIL_MS
