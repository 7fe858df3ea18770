"""Whether pilot estates changed otherwise than control estates: difference in differences.

Each estate gives one number, its change since the baseline month. The interval is Welch's, at 95 %:
unequal variances, Satterthwaite's degrees of freedom, Student's t (Welch 1947). Estates are the
units, never households or orders, which are not independent of each other within an estate.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean, variance

UNITS_MIN = 2  # of each side, below which a variance does not exist
LEVEL = 0.95


@dataclass(frozen=True, slots=True)
class Comparison:
    """Mean change of pilot estates less that of control estates; no interval with too few."""

    pilots: int
    controls: int
    difference: float | None
    low: float | None = None
    high: float | None = None


def compare(pilots: Sequence[float], controls: Sequence[float]) -> Comparison:
    """Return the difference of the mean changes, with its interval."""
    counts = len(pilots), len(controls)
    if not pilots or not controls:
        return Comparison(*counts, None)
    difference = fmean(pilots) - fmean(controls)
    if min(counts) < UNITS_MIN:
        return Comparison(*counts, difference)
    errors = [variance(side) / len(side) for side in (pilots, controls)]
    error = sum(errors)
    if error == 0:
        return Comparison(*counts, difference, difference, difference)
    degrees = error**2 / sum(e**2 / (n - 1) for e, n in zip(errors, counts, strict=True))
    half = t_quantile(0.5 + LEVEL / 2, degrees) * math.sqrt(error)
    return Comparison(*counts, difference, difference - half, difference + half)


def t_quantile(probability: float, degrees: float) -> float:
    """Return the quantile of Student's t, for a probability above one half."""
    low, high = 0.0, 1.0
    while _t_cdf(high, degrees) < probability:
        high *= 2
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if _t_cdf(middle, degrees) < probability else (low, middle)
    return (low + high) / 2


def _t_cdf(t: float, degrees: float) -> float:
    """P(T ≤ t) for t ≥ 0 (Abramowitz and Stegun 26.7.1)."""
    return 1 - _beta(degrees / (degrees + t * t), degrees / 2, 0.5) / 2


def _beta(x: float, a: float, b: float) -> float:
    """The regularised incomplete beta function, by its continued fraction (26.5.8)."""
    if x <= 0 or x >= 1:
        return min(max(x, 0.0), 1.0)
    if x > (a + 1) / (a + b + 2):
        return 1 - _beta(1 - x, b, a)
    logs = math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b)
    front = math.exp(logs + a * math.log(x) + b * math.log1p(-x)) / a
    tiny = 1e-300
    f, c, d = 1.0, 1.0, 0.0
    for i in range(400):
        m = i // 2
        if i == 0:
            term = 1.0
        elif i % 2 == 0:
            term = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
        else:
            term = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
        d = 1 / (1 + term * d or tiny)
        c = 1 + term / c or tiny
        f *= c * d
        if abs(1 - c * d) < 1e-12:
            break
    return front * (f - 1)
