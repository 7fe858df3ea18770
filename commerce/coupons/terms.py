"""What a coupon takes off which order, line by line. Amounts are integer fen.

Discounts stack in one order, each at most once: the flash price replaces a line's price, the price
of a group replaces that of the first line, and then one coupon comes off what the lines cost. A
coupon takes off at most what its lines cost, and leaves the order at least one fen: payment
providers charge nothing less.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from commerce.catalogue.sets import split

ORDER_FEN_MIN = 1
PERCENT_MAX = 99

Line = tuple[str, int]  # product, what its units cost before the coupon
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Terms:
    """An amount, or per cent with a cap, off lines of `products` (none: all) from a minimum on."""

    amount_fen: int = 0
    percent: int = 0
    cap_fen: int = 0
    minimum_fen: int = 0
    products: tuple[str, ...] = ()

    @property
    def value_fen(self) -> int:
        """The most that a coupon takes off, and what it takes of the campaign's budget."""
        return self.amount_fen or self.cap_fen

    def is_for(self, product_id: str) -> bool:
        """Whether it may come off this product."""
        return not self.products or product_id in self.products


def discounts(terms: Terms, lines: Sequence[Line]) -> tuple[int, ...]:
    """Return what comes off each line: zeros where the minimum is not reached.

    What comes off is divided in proportion to the lines that it is for (largest remainder).
    """
    bases = [fen if terms.is_for(product_id) else 0 for product_id, fen in lines]
    base, whole = sum(bases), sum(fen for _, fen in lines)
    wanted = terms.amount_fen or min(base * terms.percent // 100, terms.cap_fen)
    off = min(wanted, base, whole - ORDER_FEN_MIN)
    if base < max(1, terms.minimum_fen) or off <= 0:
        return (0,) * len(lines)
    return split(off, bases)


def best(coupons: Iterable[tuple[T, Terms, int]], lines: Sequence[Line]) -> T | None:
    """Return the coupon that takes off most, of several the one that ends first, or none.

    `coupons` are each with its terms and its end in milliseconds.
    """
    found = [
        (-sum(discounts(terms, lines)), ends_at_ms, at, coupon)
        for at, (coupon, terms, ends_at_ms) in enumerate(coupons)
    ]
    fits = [each for each in found if each[0] < 0]
    return min(fits, key=lambda each: each[:3])[3] if fits else None
