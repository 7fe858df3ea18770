"""An order over two stores: whole lines, no unit twice, and never where one store has it all."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from commerce.orders.lines import Needs
from commerce.orders.splitting import Half, split_over_two

ITEMS, STORES = ("a", "b", "c"), ("near", "far", "farther")
needs = st.dictionaries(st.sampled_from(ITEMS), st.integers(1, 3), min_size=1).map(
    lambda found: tuple(found.items())
)
lines = st.dictionaries(st.sampled_from(["tea", "pear", "rice"]), needs, min_size=2)
stock = st.dictionaries(
    st.tuples(st.sampled_from(ITEMS), st.sampled_from(STORES)), st.integers(0, 6)
)


def units(lines: dict[str, Needs], product_ids: tuple[str, ...]) -> Counter[str]:
    """The units of items that products need together."""
    found: Counter[str] = Counter()
    for product_id in product_ids:
        found.update(dict(lines[product_id]))
    return found


@given(lines, stock)
def test_both_halves_are_whole_lines_of_what_their_store_has(
    lines: dict[str, Needs], free: dict[tuple[str, str], int]
) -> None:
    halves = split_over_two(lines, STORES, free)
    if halves is None:
        return
    first, second = halves
    assert first.product_ids and second.product_ids
    assert sorted((*first.product_ids, *second.product_ids)) == sorted(lines)
    assert STORES.index(first.store_id) < STORES.index(second.store_id)
    for half in halves:
        for item, needed in units(lines, half.product_ids).items():
            assert needed <= free.get((item, half.store_id), 0)
    better = units(lines, tuple(lines))
    assert any(needed > free.get((item, first.store_id), 0) for item, needed in better.items())


def test_the_nearest_two_stores_are_taken_and_the_nearer_packs_what_it_can() -> None:
    lines: dict[str, Needs] = {"tea": (("a", 2),), "pear": (("b", 1),), "rice": (("c", 1),)}
    free = {("a", "near"): 2, ("c", "near"): 1, ("b", "far"): 1, ("b", "farther"): 9}
    halves = split_over_two(lines, STORES, free)
    assert halves == (Half("near", ("tea", "rice")), Half("far", ("pear",)))
    assert split_over_two(lines, STORES, free | {("b", "near"): 1}) is None
    assert split_over_two(lines, STORES[:1], free) is None
    assert split_over_two(lines, STORES, {("a", "near"): 2}) is None
