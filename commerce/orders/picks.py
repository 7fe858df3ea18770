"""What a packer finds of a part of an order: all, less, or a substitute to ask the buyer about.

    (nothing) → found, short, offered      found → short, offered
    offered → substituted (yes), short (no, or no answer in time)

Short and substituted are final: their money goes back once. Amounts in fen.
"""

from dataclasses import dataclass
from enum import StrEnum

from commerce.catalogue.sets import split
from commerce.errors import CommerceError
from commerce.orders.states import OrderState

ANSWER_MS = 5 * 60 * 1_000  # how long a buyer is asked
SHORT = "short"  # why money goes back
CHEAPER = "cheaper-substitute"
UNDER_WEIGHT = "under-weight"
GRAMS_MAX = 1_000_000

# While an order stands here its parts are picked.
PICKED_IN = frozenset({OrderState.NEW, OrderState.PICKING, OrderState.PACKED})


class PickState(StrEnum):
    """Where a part stands."""

    FOUND = "found"
    SHORT = "short"
    OFFERED = "offered"
    SUBSTITUTED = "substituted"


_S = PickState

TRANSITIONS: frozenset[tuple[PickState | None, PickState]] = frozenset(
    {
        (None, _S.FOUND),
        (None, _S.SHORT),
        (None, _S.OFFERED),
        (_S.FOUND, _S.SHORT),
        (_S.FOUND, _S.OFFERED),
        (_S.OFFERED, _S.SHORT),
        (_S.OFFERED, _S.SUBSTITUTED),
    }
)


class PickClosed(CommerceError):
    """The part is settled, or its order is not picked any more."""


@dataclass(frozen=True, slots=True)
class Pick:
    """A part as it was noted; `missing_units` of it were not found.

    While it is offered, `substitute_id` may stand for them until `answer_by_ms`. `grams` were
    weighed.
    """

    order_id: str
    line: int
    part: int
    state: PickState
    missing_units: int = 0
    substitute_id: str = ""
    answer_by_ms: int | None = None
    grams: int | None = None


def check_pick(state: PickState | None, to: PickState) -> None:
    """Raise `PickClosed` unless a part may go from `state` to `to`."""
    if (state, to) not in TRANSITIONS:
        raise PickClosed


def units_fen(amount_fen: int, units: int, some: int) -> int:
    """Return what `some` of the units of a part cost, by the largest remainder."""
    return sum(split(amount_fen, [1] * units)[:some])


def cheaper_by_fen(paid_fen: int, substitute_fen: int) -> int:
    """Return what goes back when something cheaper is taken; what is dearer costs no more."""
    return max(0, paid_fen - substitute_fen)


def under_weight_fen(amount_fen: int, grams: int, due_g: int) -> int:
    """Return what goes back when a part weighs less than was paid for; more is a gift."""
    assert grams >= 0 and due_g > 0
    if grams >= due_g:
        return 0
    return split(amount_fen, [grams, due_g - grams])[1]
