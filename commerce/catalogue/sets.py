"""Set meals: the items of a set, what each costs of its price, and how many sets they make.

A set is sold like any product and has no stock of its own: it takes the units of its items. A
version of its recipe never changes, so an order knows for ever what it was made of. Money in fen.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

PARTS_MAX = 12  # of a set
PART_UNITS_MAX = 20  # of one item in a set
COOKING_MINUTES_MAX = 24 * 60
SHARES_BP = 10_000  # the shares of a set's parts sum to this, in basis points


class ProductKind(StrEnum):
    """Whether a product lies on a shelf, or is made of products that do."""

    ITEM = "item"
    SET = "set"


class PartRole(StrEnum):
    """What an item is on the table, in the order of the meal."""

    MAIN = "main"
    SIDE = "side"
    SOUP = "soup"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class SetPart:
    """Units of an item in one set; `share_bp` is its share of the set's price."""

    item_id: str
    units: int
    share_bp: int
    role: PartRole = PartRole.OTHER


def explode(product_id: str, units: int, parts: Sequence[SetPart]) -> dict[str, int]:
    """Return the units of items that `units` of a product take; without parts it is an item."""
    if not parts:
        return {product_id: units}
    return sum_units((part.item_id, part.units * units) for part in parts)


def sum_units(taken: Iterable[tuple[str, int]]) -> dict[str, int]:
    """Return units by item, each item in the place where it came first."""
    sums: dict[str, int] = {}
    for item_id, units in taken:
        sums[item_id] = sums.get(item_id, 0) + units
    return sums


def sets_left(parts: Sequence[SetPart], free: Mapping[str, int]) -> int:
    """Return how many sets the free units of items make: the scarcest part decides."""
    scarcest = scarcest_part(parts, free)
    return free.get(scarcest.item_id, 0) // scarcest.units


def scarcest_part(parts: Sequence[SetPart], free: Mapping[str, int]) -> SetPart:
    """Return the part that runs out first; of several, the first."""
    return min(parts, key=lambda part: free.get(part.item_id, 0) // part.units)


def shares_bp(alone_fen: Sequence[int]) -> tuple[int, ...]:
    """Return the parts' shares of a set's price, as what they cost alone is to each other."""
    return split(SHARES_BP, alone_fen)


def split(total: int, weights: Sequence[int]) -> tuple[int, ...]:
    """Divide a whole in proportion to weights; the results sum to it (largest remainder).

    Each result is its exact share rounded down or up; of equal remainders, the first is rounded up.
    """
    whole = sum(weights)
    found = [total * weight // whole for weight in weights]
    remainders = [total * weight % whole for weight in weights]
    order = sorted(range(len(weights)), key=lambda at: (-remainders[at], at))
    for at in order[: total - sum(found)]:
        found[at] += 1
    return tuple(found)
