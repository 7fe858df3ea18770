"""Which two stores have together what no single one has; each gets an order of its own.

The buyer is asked first, and the gate holds both halves at once or neither.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

from commerce.errors import InvalidField, Refusal, Refused
from commerce.orders.lines import Needs


@dataclass(frozen=True, slots=True)
class Half:
    """What one of two stores would pack."""

    store_id: str
    product_ids: tuple[str, ...]


class HeldApart(Refused):
    """No store has all of an order; two stores have it together."""

    def __init__(self, left: int, product_id: str, halves: tuple[Half, Half]) -> None:
        super().__init__(Refusal.SOLD_OUT, left, product_id)
        self.halves = halves


def split_over_two(
    lines: Mapping[str, Needs],
    stores: Sequence[str],
    free: Mapping[tuple[str, str], int],
) -> tuple[Half, Half] | None:
    """Return the best two of `stores` that have all lines, whole lines each; None without such.

    `lines` are the items and units of each product, `stores` come best first, `free` are units by
    item and store. The better store gets every line that it has. Nothing is split that one store
    has.
    """
    for first, second in combinations(stores, 2):
        near, rest = _taken(lines, first, free)
        far, lacking = _taken(rest, second, free)
        if not lacking and near and far:
            return Half(first, tuple(near)), Half(second, tuple(far))
        if not lacking:
            return None
    return None


def check_halves(product_ids: Sequence[str], halves: tuple[Half, Half]) -> None:
    """Check that two halves are the lines of an order, each in one of them.

    Raises:
        InvalidField: They are not.
    """
    given = [id for half in halves for id in half.product_ids]
    if len(set(given)) != len(given) or sorted(product_ids) != sorted(given):
        raise InvalidField("halves", "each line in one of them")
    if not all(half.product_ids for half in halves):
        raise InvalidField("halves", "a line in each of them")
    if halves[0].store_id == halves[1].store_id:
        raise InvalidField("halves", "two different stores")


def _taken(
    lines: Mapping[str, Needs], store_id: str, free: Mapping[tuple[str, str], int]
) -> tuple[dict[str, Needs], dict[str, Needs]]:
    """The lines that a store has all of, and the others; an item of several counts for each."""
    spent: Counter[str] = Counter()
    has: dict[str, Needs] = {}
    lacks: dict[str, Needs] = {}
    for product_id, needs in lines.items():
        fits = all(free.get((item, store_id), 0) >= spent[item] + units for item, units in needs)
        (has if fits else lacks)[product_id] = needs
        if fits:
            spent.update(dict(needs))
    return has, lacks
