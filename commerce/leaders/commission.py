"""Commission of leaders: a share of what neighbours keep, per line. Rates in basis points.

It is accrued when goods are handed over, may be paid out once nobody can claim them any more, and
what goes back to the buyer takes its share of it along; never more than was accrued for the line.
"""

from collections.abc import Iterable
from dataclasses import dataclass

WHOLE_BP = 10_000


@dataclass(frozen=True, slots=True)
class CommissionRate:
    """A rate of a brand; an empty id stands for all."""

    estate_id: str
    leader_id: str
    product_id: str
    rate_bp: int

    @property
    def weight(self) -> int:
        """How narrow it is: a product's rate outranks a leader's, and that an estate's."""
        return 4 * bool(self.product_id) + 2 * bool(self.leader_id) + bool(self.estate_id)


def rate_bp_of(
    rates: Iterable[CommissionRate], *, estate_id: str, leader_id: str, product_id: str
) -> int:
    """Return the narrowest rate that fits, 0 without one."""
    fitting = [
        rate
        for rate in rates
        if rate.estate_id in ("", estate_id)
        and rate.leader_id in ("", leader_id)
        and rate.product_id in ("", product_id)
    ]
    return max(fitting, key=lambda rate: rate.weight).rate_bp if fitting else 0


def commission_fen(base_fen: int, rate_bp: int) -> int:
    """Return the commission of what is kept, rounded down."""
    assert base_fen >= 0 and 0 <= rate_bp <= WHOLE_BP
    return base_fen * rate_bp // WHOLE_BP


def clawback_fen(base_fen: int, kept_fen: int, rate_bp: int, clawed_fen: int) -> int:
    """Return what goes back now that the buyer keeps `kept_fen` of a line.

    `base_fen` is what the buyer kept when it was accrued, `clawed_fen` went back before.
    """
    kept_fen = min(base_fen, max(0, kept_fen))
    due = commission_fen(base_fen, rate_bp) - commission_fen(kept_fen, rate_bp)
    return max(0, due - clawed_fen)
