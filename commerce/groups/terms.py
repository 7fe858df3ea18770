"""On what terms a group is opened: one price, steps that fall with it, or an award for invites.

Everybody pays the price of the first step when they join. That of the step reached at the close is
known at the close alone, so the difference goes back then: nobody ever owes more than they paid.
Prices are integer fen per unit.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from commerce.catalogue.pricing import PriceBounds
from commerce.catalogue.values import GroupOffer
from commerce.errors import InvalidField

STEPS_MAX = 5
JOINED_MAX = 1_000  # neighbours that a step asks for
AWARD_INVITES_MAX = 10
FLOOR_BP = (
    5_000  # of the group price: how far a host may go down where the head office says nothing
)
DURATION_S_MAX = 7 * 24 * 3_600


@dataclass(frozen=True, slots=True)
class PriceStep:
    """From `joined` neighbours on, all of them pay `price_fen` for a unit."""

    joined: int
    price_fen: int


@dataclass(frozen=True, slots=True)
class Award:
    """One household's `invites` neighbours who pay lower everybody's price by `off_fen`, once."""

    invites: int
    off_fen: int
    given: bool = False


@dataclass(frozen=True, slots=True)
class GroupTerms:
    """What opens a group. `price_fen` and `target` are those of the first step if there are any."""

    price_fen: int
    target: int
    duration_s: int
    steps: tuple[PriceStep, ...] = ()
    award: Award | None = None


@dataclass(frozen=True, slots=True)
class AskedTerms:
    """What a host asks for when a group is opened; nothing asked is what the product offers."""

    steps: tuple[PriceStep, ...] = ()
    award: Award | None = None
    duration_s: int | None = None


def terms_of(offer: GroupOffer, bounds: PriceBounds | None, asked: AskedTerms) -> GroupTerms:
    """Return the terms of a group of a product.

    Raises:
        InvalidField: Steps do not fall, or a price leaves what the head office allows.
    """
    price_fen, target = offer.price_fen, offer.target
    if asked.steps and asked.award:
        raise InvalidField("award", "A group has steps or an award, not both.")
    if asked.steps:
        _check_steps(asked.steps)
        price_fen, target = asked.steps[0].price_fen, asked.steps[0].joined
    lowest_fen = asked.steps[-1].price_fen if asked.steps else price_fen
    if asked.award:
        if not 1 <= asked.award.invites <= AWARD_INVITES_MAX or asked.award.off_fen < 1:
            raise InvalidField("award", f"1 to {AWARD_INVITES_MAX} invites, and money.")
        lowest_fen -= asked.award.off_fen
    if price_fen > offer.price_fen:
        raise InvalidField("steps", f"The group price is {offer.price_fen}.")
    floor_fen = floor_of(offer, bounds)
    if (asked.steps or asked.award) and lowest_fen < floor_fen:
        raise InvalidField("award" if asked.award else "steps", f"At least {floor_fen} is paid.")
    duration_s = offer.duration_s if asked.duration_s is None else asked.duration_s
    if not 1 <= duration_s <= max(DURATION_S_MAX, offer.duration_s):
        raise InvalidField("duration_s", f"At most {DURATION_S_MAX} s.")
    return GroupTerms(price_fen, target, duration_s, asked.steps, asked.award)


def floor_of(offer: GroupOffer, bounds: PriceBounds | None) -> int:
    """Return the lowest price that a host may promise."""
    if bounds:
        return max(1, min(bounds.min_fen, offer.price_fen))
    return max(1, -(-offer.price_fen * FLOOR_BP // 10_000))


def price_at(price_fen: int, steps: Sequence[PriceStep], joined: int) -> int:
    """Return what a unit costs when a group closes with `joined` neighbours.

    Never more than the first step's price: it is what everybody has paid.
    """
    reached = [step.price_fen for step in steps if step.joined <= joined]
    return min([price_fen, *reached])


def _check_steps(steps: Sequence[PriceStep]) -> None:
    if not 2 <= len(steps) <= STEPS_MAX:
        raise InvalidField("steps", f"2 to {STEPS_MAX} steps.")
    for before, after in pairwise(steps):
        if after.joined <= before.joined or after.price_fen >= before.price_fen:
            raise InvalidField("steps", "Each step asks for more neighbours and costs less.")
    if steps[0].joined < 1 or steps[-1].joined > JOINED_MAX or steps[-1].price_fen < 1:
        raise InvalidField("steps", f"1 to {JOINED_MAX} neighbours, and a price.")


def encode_steps(steps: Sequence[PriceStep]) -> str:
    """Return steps as the record has them: `10:600 20:550`."""
    return " ".join(f"{step.joined}:{step.price_fen}" for step in steps)


def decode_steps(text: str) -> tuple[PriceStep, ...]:
    """Return the steps of the record."""
    pairs = (each.split(":") for each in text.split())
    return tuple(PriceStep(int(joined), int(price_fen)) for joined, price_fen in pairs)
