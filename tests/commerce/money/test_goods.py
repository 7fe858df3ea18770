"""Goods in the books: value goes against them, at the cost of their lots."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from commerce.money.goods import SOURCE_CHARS_MAX, LotCost, goods_transfers, supplier_account
from commerce.supply.lots import (
    OWN,
    PATHS,
    LocationKind,
    LotMove,
    LotMoveKind,
    kind_of,
    location_id,
)

pytestmark = pytest.mark.fast
COSTS = {"a": LotCost(120, "farm", "b"), "b": LotCost(75, "", "b"), "free": LotCost(0, "", "b")}
_WITH_ORDERS = {
    LotMoveKind.SELL,
    LotMoveKind.RELEASE,
    LotMoveKind.TAKEN_BACK,
    LotMoveKind.CLAIMED,
    LotMoveKind.OPENING,
}


def at(kind: LocationKind) -> str:
    """A location of a kind."""
    return location_id(kind, "s1" if kind in OWN else "")


def move(kind: LotMoveKind, ends: tuple[str, str], units: int = 2, lot: str = "a") -> LotMove:
    """A move between two locations."""
    return LotMove("tea", lot, *ends, units, kind, "cause", "tea", 5)


@st.composite
def moves(draw: st.DrawFn) -> LotMove:
    """A move on any of the paths that lots may go."""
    kind = draw(st.sampled_from(sorted(set(LotMoveKind) - _WITH_ORDERS)))
    sources, targets = PATHS[kind]
    giver = draw(st.sampled_from(sources))
    taker = draw(st.sampled_from([target for target in targets if target is not giver]))
    lot = draw(st.sampled_from([*COSTS, "unknown"]))
    return move(kind, (at(giver), at(taker)), draw(st.integers(1, 9)), lot)


@given(st.lists(moves(), max_size=8))
def test_the_inventory_changes_by_what_the_goods_cost_that_came_and_left(
    made: list[LotMove],
) -> None:
    booked = goods_transfers(made, COSTS, "s1")
    change = sum(t.amount_fen for t in booked if t.to_account == "inventory")
    change -= sum(t.amount_fen for t in booked if t.from_account == "inventory")
    costs = {lot: cost.cost_fen for lot, cost in COSTS.items()}
    wanted = 0
    for one in made:
        fen = one.units * costs.get(one.lot_id, 0)
        wanted += fen if kind_of(one.from_id) in OWN else 0
        wanted -= fen if kind_of(one.to_id) in OWN else 0
    assert change == wanted
    assert len({(t.kind, t.source) for t in booked}) == len(booked)


@pytest.mark.parametrize(
    ("kind", "ends", "transfer"),
    [
        (LotMoveKind.RECEIVE, ("supplier", "warehouse:w"), ("inventory", "supplier:farm")),
        (LotMoveKind.SENT_BACK, ("shop:s1", "supplier"), ("supplier:farm", "inventory")),
        (LotMoveKind.EXPIRED, ("warehouse:w", "waste"), ("waste:w", "inventory")),
        (LotMoveKind.MISSING, ("transit:s1", "count"), ("waste:s1", "inventory")),
        (LotMoveKind.FOUND, ("count", "shop:s1"), ("inventory", "waste:s1")),
        (LotMoveKind.POS_SALE, ("shop:s1", "pos"), ("cost:s1", "inventory")),
        (LotMoveKind.RETURNED, ("pos", "waste"), ("waste:s1", "cost:s1")),
        (LotMoveKind.POS_VOID, ("waste", "pos"), ("cost:s1", "waste:s1")),
        (LotMoveKind.SUBSTITUTE, ("shop:s1", "sold"), ("cost:s1", "inventory")),
    ],
)
def test_a_move_of_goods_is_one_transfer_against_it(
    kind: LotMoveKind, ends: tuple[str, str], transfer: tuple[str, str]
) -> None:
    [booked] = goods_transfers([move(kind, ends)], COSTS, "s1")
    assert (booked.from_account, booked.to_account, booked.amount_fen) == (*transfer, 240)
    assert booked.brand_id == "b"


def test_goods_that_stay_ours_or_are_of_an_order_have_no_transfer_of_their_own() -> None:
    sent = move(LotMoveKind.SEND, ("warehouse:w", "transit:s1"))
    sold = move(LotMoveKind.SELL, ("shop:s1", "sold"))
    assert goods_transfers([sent, sold], COSTS) == []


def test_names_of_suppliers_and_causes_fit_into_their_columns() -> None:
    assert supplier_account("  ") == "supplier:-"
    assert len(supplier_account("农" * 100)) <= 80
    long = LotMove("tea", "a", "supplier", "shop:s1", 1, LotMoveKind.RECEIVE, "x" * 200, "tea", 5)
    [booked] = goods_transfers([long], COSTS)
    assert len(booked.source) <= SOURCE_CHARS_MAX
