"""The lines of an order, from the tap to the record. Money in fen.

An order of one item is plain: it is its own line, and everything here is empty for it. Every other
order names all its lines, and what they take of the stock: units by item, summed over all lines,
so that two lines with an item in common are never checked one by one.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from commerce.catalogue.sets import SetPart, split, sum_units

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
    def goods_fen(self) -> int:
        """What its units cost before a discount."""
        return self.units * self.price_fen


@dataclass(frozen=True, slots=True)
class OrderPart:
    """Units of an item in a line of sets, and what it has of the line's total."""

    item_id: str
    units: int
    share_fen: int


@dataclass(frozen=True, slots=True)
class OrderLine:
    """A line as the record has it; sets with their parts, whose shares sum to the total.

    `discount_fen` is what came off it (coupons/terms.py).
    """

    product_id: str
    units: int
    price_fen: int
    recipe_version: int = 0
    parts: tuple[OrderPart, ...] = ()
    discount_fen: int = 0

    @property
    def goods_fen(self) -> int:
        """What its units cost before the discount."""
        return self.units * self.price_fen

    @property
    def total_fen(self) -> int:
        """What the buyer pays for it."""
        return self.goods_fen - self.discount_fen

    @property
    def taken(self) -> Needs:
        """Units of items that it takes."""
        if self.parts:
            return tuple((part.item_id, part.units) for part in self.parts)
        return ((self.product_id, self.units),)


def encode_discounts(discounts: Sequence[int]) -> str:
    """Return what comes off each line as one text: `250 0`, empty if nothing does."""
    return " ".join(map(str, discounts)) if any(discounts) else ""


def read_discounts(text: str) -> tuple[int, ...]:
    """Return what a text of `encode_discounts` says; nothing for an empty one."""
    return tuple(map(int, text.split()))


def order_line(line: EntryLine, recipe: Sequence[SetPart], discount_fen: int = 0) -> OrderLine:
    """Return a line with what it was made of; `recipe` is that of its version."""
    paid_fen = line.goods_fen - discount_fen
    shares = split(paid_fen, [part.share_bp for part in recipe]) if recipe else ()
    return OrderLine(
        line.product_id,
        line.units,
        line.price_fen,
        line.recipe_version,
        tuple(
            OrderPart(part.item_id, part.units * line.units, share)
            for part, share in zip(recipe, shares, strict=True)
        ),
        discount_fen,
    )


def encode_units(units: Needs) -> str:
    """Return units by item as one text: `tea 2,bass 1`."""
    return ",".join([f"{item_id} {count}" for item_id, count in units])


def read_units(text: str) -> Needs:
    """Read what `encode_units` wrote."""
    pairs = [pair.split(" ") for pair in text.split(",")] if text else []
    return tuple((item_id, int(count)) for item_id, count in pairs)


def needs_of(lines: Sequence[OrderLine]) -> Needs:
    """Return what lines take together."""
    return tuple(sum_units(pair for line in lines for pair in line.taken).items())
