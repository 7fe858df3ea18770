"""What rules of prices and of the assortment share: their scope, their window, and the trace.

A rule of a narrower scope stands above one of a wider scope. Within a scope, the rule whose window
began last holds, so that a weekend's price may lie on top of a standing one, which comes back by
itself. Times are UTC milliseconds.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol, TypeVar


class Scope(StrEnum):
    """Whom a rule is for, widest first."""

    BRAND = "brand"  # everybody
    CITY = "city"
    ESTATE = "estate"
    STORE = "store"  # the estates that a store serves first: its own price
    MEMBER = "member"
    LIVE = "live"  # who orders in a room


@dataclass(frozen=True, slots=True)
class Window:
    """From `from_ms` until just before `until_ms`; None has no end."""

    from_ms: int = 0
    until_ms: int | None = None

    def contains(self, at_ms: int) -> bool:
        """Whether it holds at that time."""
        return self.from_ms <= at_ms and (self.until_ms is None or at_ms < self.until_ms)


ALWAYS = Window()


@dataclass(frozen=True, slots=True)
class Place:
    """Where an order would come from; an empty id stands for none."""

    estate_id: str = ""
    city_id: str = ""
    store_id: str = ""
    room_id: str = ""
    member: bool = False

    def is_in(self, scope: Scope, scope_id: str) -> bool:
        """Whether a rule of this scope concerns it."""
        match scope:
            case Scope.BRAND:
                return True
            case Scope.CITY:
                return scope_id == self.city_id != ""
            case Scope.ESTATE:
                return scope_id == self.estate_id != ""
            case Scope.STORE:
                return scope_id == self.store_id != ""
            case Scope.MEMBER:
                return self.member
            case Scope.LIVE:
                return scope_id == self.room_id != ""


class Outcome(StrEnum):
    """What became of a rule at a time and place."""

    APPLIES = "applies"  # it is the answer
    OVERRIDDEN = "overridden"  # a narrower one stands above it
    SUPERSEDED = "superseded"  # one of the same scope began later
    NOT_YET = "not-yet"
    ENDED = "ended"
    OUT_OF_BOUNDS = "out-of-bounds"  # a store's price that the head office does not allow
    NOT_LOWER = "not-lower"  # it may only lower the price, and would not


class Rule(Protocol):
    """What every rule has."""

    @property
    def id(self) -> str:
        """Its own; "" for what the product itself says."""
        ...

    @property
    def scope(self) -> Scope:
        """Whom it is for."""
        ...

    @property
    def scope_id(self) -> str:
        """Which city, estate, store or room; "" for all."""
        ...

    @property
    def window(self) -> Window:
        """When it holds."""
        ...


R = TypeVar("R", bound=Rule)


def concerning(rules: Iterable[R], place: Place) -> list[R]:
    """The rules that concern `place` at some time: widest scope first, latest window last."""
    found = [rule for rule in rules if place.is_in(rule.scope, rule.scope_id)]
    order = list(Scope)
    found.sort(key=lambda rule: (order.index(rule.scope), rule.window.from_ms, rule.id))
    return found


def holding(rules: Sequence[R], at_ms: int) -> dict[Scope, R]:
    """The rule that holds per scope, of rules in the order of `concerning`."""
    return {rule.scope: rule for rule in rules if rule.window.contains(at_ms)}


def why_not_holding(rule: Rule, at_ms: int) -> Outcome:
    """Why a rule that is not among `holding` is not."""
    if at_ms < rule.window.from_ms:
        return Outcome.NOT_YET
    return Outcome.SUPERSEDED if rule.window.contains(at_ms) else Outcome.ENDED


def boundaries(rules: Iterable[Rule], after_ms: int) -> list[int]:
    """The times after `after_ms` at which a rule begins or ends, in order."""
    times = set()
    for rule in rules:
        times |= {rule.window.from_ms, rule.window.until_ms}
    return sorted(time for time in times if time is not None and time > after_ms)
