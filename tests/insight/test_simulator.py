"""The simulator: the same coins are the same year, books balance, and its causes show."""

from collections import Counter, defaultdict
from datetime import date

import numpy as np
import pytest

from insight.simulated_rows import Columns, Good, Place, World
from insight.simulator import PROMOTED_PRICE, factor, simulate

WORLD = World(
    brand="b",
    room="demo",
    places=(Place("e1", "s1"), Place("e2", "s2", opens=60)),
    goods=tuple(Good(f"p{at}", 500 + 100 * at, 1 + at % 7, 0.0) for at in range(12)),
    first_day=date(2026, 3, 2),
    days=120,
    households=80,
)


@pytest.fixture(scope="module")
def year() -> dict[str, Columns]:
    """Four months of two estates."""
    return simulate(WORLD, np.random.default_rng(7))


def test_the_same_coins_are_the_same_year(year: dict[str, Columns]) -> None:
    again = simulate(WORLD, np.random.default_rng(7))
    for table, columns in year.items():
        for name, values in columns.items():
            assert list(again[table][name]) == list(values), (table, name)


def test_lines_sum_to_what_was_paid_and_no_number_is_given_twice(year: dict[str, Columns]) -> None:
    lines, money = year["order_lines"], year["money"]
    totals: dict[str, int] = defaultdict(int)
    for order, before, fen in zip(
        lines["order_id"], lines["before_fen"], lines["total_fen"], strict=True
    ):
        assert before == totals[order]
        totals[order] += fen
    charges = zip(money["order_id"], money["kind"], money["amount_fen"], strict=True)
    assert totals == {order: fen for order, kind, fen in charges if kind == "charge"}
    numbers = [number for columns in year.values() for number in columns["sequence"]]
    assert len(set(numbers)) == len(numbers)


def test_a_shop_never_sells_or_wastes_what_it_does_not_have(year: dict[str, Columns]) -> None:
    left: Counter[tuple[str, str]] = Counter()
    stock, lots = year["stock_moves"], year["lot_moves"]
    moves = [
        (at, sequence, (store, product), units if kind == "receive" else -units)
        for at, sequence, store, product, kind, units in zip(
            *(stock[n] for n in ("occurred_at", "sequence", "store_id", "product_id")),
            *(stock[n] for n in ("kind", "units")),
            strict=True,
        )
        if kind != "hand_over"
    ]
    moves += [
        (at, sequence, (shop.removeprefix("shop:"), product), -units)
        for at, sequence, shop, to, product, units in zip(
            *(lots[n] for n in ("occurred_at", "sequence", "from_id", "to_id")),
            *(lots[n] for n in ("product_id", "units")),
            strict=True,
        )
        if to == "waste"
    ]
    for _, _, key, units in sorted(moves):
        left[key] += units
        assert left[key] >= 0
    assert any(to == "waste" for to in lots["to_id"])


def test_a_later_estate_grows_and_lower_prices_sell_more(year: dict[str, Columns]) -> None:
    lines = year["order_lines"]
    months = Counter(
        (estate, day[:7]) for estate, day in zip(lines["estate"], lines["day"], strict=True)
    )
    assert months["e2", "2026-04"] == 0
    assert 0 < months["e2", "2026-05"] < months["e2", "2026-06"]
    days: dict[bool, list[int]] = {True: [], False: []}
    units: Counter[tuple[str, str, bool]] = Counter()
    price = {good.id: good.price_fen for good in WORLD.goods}
    for product, day, count, fen in zip(
        *(lines[n] for n in ("product_id", "day", "units", "total_fen")), strict=True
    ):
        promoted = fen < count * price[product] * (1 + PROMOTED_PRICE) / 2
        units[product, day, promoted] += count
    for (_, _, promoted), count in units.items():
        days[promoted].append(count)
    assert np.mean(days[True]) > np.mean(days[False])


def test_more_is_bought_on_a_friday_pay_day_before_the_festival() -> None:
    assert factor(date(2026, 3, 4), rain=False) == 0.9
    assert factor(date(2026, 2, 13), rain=True) == pytest.approx(1.35 * 1.8 * 1.1)
    assert factor(date(2026, 4, 10), rain=False) == pytest.approx(1.35 * 1.15)
