"""Moves of stock: what each kind does to the units of a product in a store.

    receive     units arrived            on hand + units
    sell        an order took them       sold + units
    release     the order was cancelled  sold − units
    hand_over   the goods left           on hand − units, sold − units

What may be sold is on hand − sold; a hand-over does not change it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum


class StockMoveKind(StrEnum):
    """What a move is for; an order has at most one of each."""

    RECEIVE = "receive"
    SELL = "sell"
    RELEASE = "release"
    HAND_OVER = "hand_over"


# By how much a unit of each kind changes (on hand, sold).
EFFECTS: dict[StockMoveKind, tuple[int, int]] = {
    StockMoveKind.RECEIVE: (1, 0),
    StockMoveKind.SELL: (0, 1),
    StockMoveKind.RELEASE: (0, -1),
    StockMoveKind.HAND_OVER: (-1, -1),
}


@dataclass(frozen=True, slots=True)
class StockMove:
    """`units` of a product in a store change what they are."""

    product_id: str
    store_id: str
    kind: StockMoveKind
    units: int
    at_ms: int
    order_id: str | None = None


@dataclass(slots=True)
class StockChange:
    """The sum of moves in one row; `moves` counts those that change what may be sold."""

    on_hand: int = 0
    sold: int = 0
    moves: int = 0


def sum_moves(moves: Sequence[StockMove]) -> dict[tuple[str, str], StockChange]:
    """Return what moves change, by (product, store) in sorted order."""
    changes: dict[tuple[str, str], StockChange] = {}
    for move in moves:
        change = changes.setdefault((move.product_id, move.store_id), StockChange())
        on_hand, sold = EFFECTS[move.kind]
        change.on_hand += on_hand * move.units
        change.sold += sold * move.units
        change.moves += on_hand != sold
    return dict(sorted(changes.items()))
