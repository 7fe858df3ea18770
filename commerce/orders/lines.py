"""The lines of an order, from the tap to the record. Money in fen.

An order of one item is plain: it is its own line, and everything here is empty for it. Every other
order names all its lines, and what they take of the stock: units by item, summed over all lines,
so that two lines with an item in common are never checked one by one.
"""

from dataclasses import dataclass

LINES_MAX = 20  # of an order

Needs = tuple[tuple[str, int], ...]  # units by item, every item once


@dataclass(frozen=True, slots=True)
class TapLine:
    """A line as it was tapped; the price is that of a unit that the buyer saw, if they say.

    `recipe_version` is the one by which a set was taken apart, 0 for an item.
    """

    product_id: str
    units: int
    expected_price_fen: int | None = None
    recipe_version: int = 0


@dataclass(frozen=True, slots=True)
class EntryLine:
    """A line as the gate admitted it, at the price of a unit that it decided."""

    product_id: str
    units: int
    price_fen: int
    recipe_version: int = 0

    @property
    def total_fen(self) -> int:
        """What the buyer pays for it."""
        return self.units * self.price_fen
