"""Moves of stock: what they sum to, and what they leave alone."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from commerce.catalogue.stock import EFFECTS, StockMove, StockMoveKind, sum_moves

moves_of = st.lists(
    st.builds(
        StockMove,
        product_id=st.sampled_from(["tea", "pear"]),
        store_id=st.sampled_from(["s1", "s2"]),
        kind=st.sampled_from(StockMoveKind),
        units=st.integers(1, 9),
        at_ms=st.just(0),
    ),
    max_size=30,
)


@given(moves_of)
def test_the_sum_of_moves_is_what_they_do_one_by_one(moves: list[StockMove]) -> None:
    on_hand: Counter[tuple[str, str]] = Counter()
    sold: Counter[tuple[str, str]] = Counter()
    counted: Counter[tuple[str, str]] = Counter()
    for move in moves:
        row = (move.product_id, move.store_id)
        free = on_hand[row] - sold[row]
        on_hand[row] += EFFECTS[move.kind][0] * move.units
        sold[row] += EFFECTS[move.kind][1] * move.units
        counted[row] += on_hand[row] - sold[row] != free
    changes = sum_moves(moves)
    assert list(changes) == sorted({(move.product_id, move.store_id) for move in moves})
    for row, change in changes.items():
        assert (change.on_hand, change.sold, change.moves) == (
            on_hand[row],
            sold[row],
            counted[row],
        )


def test_an_order_leaves_nothing_behind_when_it_is_released_or_handed_over() -> None:
    def after(*kinds: StockMoveKind) -> tuple[int, int]:
        [change] = sum_moves([StockMove("tea", "s1", kind, 3, 0) for kind in kinds]).values()
        return change.on_hand, change.sold

    assert after(StockMoveKind.SELL, StockMoveKind.RELEASE) == (0, 0)
    assert after(StockMoveKind.SELL, StockMoveKind.HAND_OVER) == (-3, 0)


def test_a_hand_over_does_not_change_what_may_be_sold() -> None:
    [change] = sum_moves([StockMove("tea", "s1", StockMoveKind.HAND_OVER, 3, 0)]).values()
    assert change.on_hand - change.sold == 0
    assert change.moves == 0
