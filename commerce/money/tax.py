"""Value added tax inside prices. Prices include it; rates are in basis points of the net price."""

from collections.abc import Iterable
from dataclasses import dataclass

WHOLE_BP = 10_000
RATE_BP = 900  # of a product, unless it says otherwise: food in China
RATE_BP_MAX = 5_000


@dataclass(frozen=True, slots=True)
class TaxedLine:
    """What a line costs with tax, and the rate that was frozen when it was sold."""

    line: int
    total_fen: int
    rate_bp: int


def tax_of(gross_fen: int, rate_bp: int) -> int:
    """Return the tax in an amount that includes it, rounded half up to a fen."""
    whole = WHOLE_BP + rate_bp
    return (2 * gross_fen * rate_bp + whole) // (2 * whole)


def tax_of_rest(lines: Iterable[TaxedLine], refunded: dict[int, int]) -> int:
    """Return the tax in what is left of lines; `refunded` is what went back by line.

    The tax of a refund is the difference of two such sums, so that no fen of it is lost however
    often a line is refunded.
    """
    return sum(
        tax_of(max(0, line.total_fen - refunded.get(line.line, 0)), line.rate_bp) for line in lines
    )
