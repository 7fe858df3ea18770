"""What a host is prompted with beside questions: goods asked for and not bought, stock that will
not last, and the figure of this live that is worst against the shop's own last ones.

Times are in minutes, money in fen.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median

ASKERS_MIN = 3
"""So many ask for a product before it is named as not bought."""
BUYERS_SHARE = 0.25
"""It is, while fewer than this share of those who asked have bought it."""
RATE_WINDOW_MIN = 10.0
"""The rate of sale is that of so long."""
SHOW_MIN = 60.0
"""How long a show is taken to be without earlier ones."""
REST_MIN = 10.0
"""At least so much of a show is expected to be left."""
LIVES_COMPARED = 5
LIVES_MIN = 2
"""Earlier lives without which nothing is compared."""
RED_BELOW = 0.8
"""A figure under this share of what is usual is shown in red."""


@dataclass(frozen=True, slots=True)
class Sold:
    """A product in this live: what was sold, lately and in all, to how many, and what is left."""

    product_id: str
    units: int
    units_lately: int
    buyers: int
    left: int


@dataclass(frozen=True, slots=True)
class Unsold:
    """A product that many ask for and few buy."""

    product_id: str
    askers: int
    buyers: int


@dataclass(frozen=True, slots=True)
class RunningOut:
    """A product that is gone in so many minutes at its rate."""

    product_id: str
    left: int
    per_min: float
    minutes: int


@dataclass(frozen=True, slots=True)
class Figures:
    """A live until some minute of it."""

    orders: int
    buyers: int
    gmv_fen: int

    @property
    def average_fen(self) -> int:
        """Of an order."""
        return self.gmv_fen // self.orders if self.orders else 0


@dataclass(frozen=True, slots=True)
class Worst:
    """The figure that is furthest below its median of earlier lives at the same minute."""

    figure: str
    value: int
    usual: int


def unsold(askers: Mapping[str, int], sold: Iterable[Sold]) -> list[Unsold]:
    """Return products asked for and not bought, most asked first; what is sold out is not named."""
    known = {each.product_id: each for each in sold}
    found = []
    for product_id, count in askers.items():
        product = known.get(product_id)
        if product is None or product.left == 0 or count < ASKERS_MIN:
            continue
        if product.buyers < BUYERS_SHARE * count:
            found.append(Unsold(product_id, count, product.buyers))
    return sorted(found, key=lambda each: (-each.askers, each.product_id))


def running_out(sold: Iterable[Sold], elapsed_min: float, rest_min: float) -> list[RunningOut]:
    """Return products that are gone before the show is, the first one first."""
    window = max(1.0, min(RATE_WINDOW_MIN, elapsed_min))
    found = []
    for product in sold:
        per_min = product.units_lately / window
        if product.left and per_min and product.left / per_min < rest_min:
            minutes = int(product.left / per_min)
            found.append(RunningOut(product.product_id, product.left, round(per_min, 1), minutes))
    return sorted(found, key=lambda each: (each.minutes, each.product_id))


def rest_of(elapsed_min: float, lengths_min: Sequence[float]) -> float:
    """Return how long this show probably goes on, by the length of earlier ones."""
    length = median(lengths_min) if lengths_min else SHOW_MIN
    return max(REST_MIN, length - elapsed_min)


def worst(now: Figures, earlier: Sequence[Figures]) -> Worst | None:
    """Return the worst figure, None while none is much under what is usual."""
    if len(earlier) < LIVES_MIN:
        return None
    found: tuple[float, Worst] | None = None
    for figure in ("orders", "buyers", "gmv_fen", "average_fen"):
        value = getattr(now, figure)
        usual = int(median(getattr(each, figure) for each in earlier))
        share = value / usual if usual else 1.0
        if share < RED_BELOW and (found is None or share < found[0]):
            found = share, Worst(figure, value, usual)
    return found[1] if found else None
