"""What a product costs at a place and time, and why.

The product's own price is where it begins; the head office's rule for everybody, for the city and
for the estate replace it, narrowest last. A store may set its own price within bounds that the head
office gives the product; without bounds it may not. What members and viewers of a live pay is never
more than that. Money in fen, times in UTC milliseconds.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from commerce.catalogue.rules import (
    ALWAYS,
    Outcome,
    Place,
    Scope,
    Window,
    concerning,
    holding,
    why_not_holding,
)


@dataclass(frozen=True, slots=True)
class PriceBounds:
    """Between which prices a store may set its own."""

    min_fen: int
    max_fen: int

    def allow(self, price_fen: int) -> bool:
        """Whether a store may ask that."""
        return self.min_fen <= price_fen <= self.max_fen


@dataclass(frozen=True, slots=True)
class PriceRule:
    """A price of a product for a scope, in a window of time."""

    id: str
    product_id: str
    scope: Scope
    scope_id: str
    price_fen: int
    window: Window = ALWAYS


@dataclass(frozen=True, slots=True)
class PriceStep:
    """One step of a trace: a rule, and what became of it. The first one is the product's own."""

    rule: PriceRule
    outcome: Outcome


@dataclass(frozen=True, slots=True)
class Price:
    """What a product costs, and every rule that concerns the place, widest first."""

    price_fen: int
    trace: tuple[PriceStep, ...]


def resolve_price(
    product_id: str,
    base_fen: int,
    bounds: PriceBounds | None,
    rules: Iterable[PriceRule],
    place: Place,
    *,
    at_ms: int,
) -> Price:
    """Return what a product costs; `rules` are those of the product."""
    base = PriceRule("", product_id, Scope.BRAND, "", base_fen)
    found = concerning(rules, place)
    now = holding(found, at_ms)
    price_fen, applied = base_fen, base
    refused: dict[str, Outcome] = {}
    for scope, rule in now.items():
        why = _refusal(scope, rule.price_fen, price_fen, bounds)
        if why:
            refused[rule.id] = why
        else:
            price_fen, applied = rule.price_fen, rule

    def outcome(rule: PriceRule) -> Outcome:
        if rule is applied:
            return Outcome.APPLIES
        if rule is not base and now.get(rule.scope) is not rule:
            return why_not_holding(rule, at_ms)
        return refused.get(rule.id, Outcome.OVERRIDDEN)

    return Price(price_fen, tuple(PriceStep(rule, outcome(rule)) for rule in (base, *found)))


def price_at(
    base_fen: int,
    bounds: PriceBounds | None,
    rules: Iterable[PriceRule],
    place: Place,
    *,
    at_ms: int,
) -> int:
    """Return the price of `resolve_price` without its trace."""
    price_fen = base_fen
    for scope, rule in holding(concerning(rules, place), at_ms).items():
        if _refusal(scope, rule.price_fen, price_fen, bounds) is None:
            price_fen = rule.price_fen
    return price_fen


def _refusal(
    scope: Scope, asked_fen: int, price_fen: int, bounds: PriceBounds | None
) -> Outcome | None:
    """Why a rule does not replace the price of the wider scopes."""
    if scope is Scope.STORE and not (bounds and bounds.allow(asked_fen)):
        return Outcome.OUT_OF_BOUNDS
    if scope in (Scope.MEMBER, Scope.LIVE) and asked_fen >= price_fen:
        return Outcome.NOT_LOWER
    return None
