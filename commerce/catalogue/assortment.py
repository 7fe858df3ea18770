"""Whether an estate is offered a product, and why.

A product that is on sale is offered everywhere; rules of the head office leave it out, or put it
back, for everybody, a city or an estate, and the narrowest decides. What is not on sale is offered
nowhere. Times are UTC milliseconds.
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

SCOPES = (Scope.BRAND, Scope.CITY, Scope.ESTATE)


@dataclass(frozen=True, slots=True)
class AssortmentRule:
    """Whether a product is offered to a scope (one of `SCOPES`), in a window of time."""

    id: str
    product_id: str
    scope: Scope
    scope_id: str
    offered: bool
    window: Window = ALWAYS


@dataclass(frozen=True, slots=True)
class AssortmentStep:
    """One step of a trace: a rule, and what became of it."""

    rule: AssortmentRule
    outcome: Outcome


@dataclass(frozen=True, slots=True)
class Assortment:
    """Whether a product is offered, and every rule that concerns the place, widest first."""

    offered: bool
    trace: tuple[AssortmentStep, ...]


def resolve_assortment(
    on_sale: bool, rules: Iterable[AssortmentRule], place: Place, *, at_ms: int
) -> Assortment:
    """Return whether a product is offered; `rules` are those of the product."""
    found = concerning(rules, place)
    now = holding(found, at_ms)
    applied = list(now.values())[-1] if now and on_sale else None

    def outcome(rule: AssortmentRule) -> Outcome:
        if rule is applied:
            return Outcome.APPLIES
        if now.get(rule.scope) is not rule:
            return why_not_holding(rule, at_ms)
        return Outcome.OVERRIDDEN

    return Assortment(
        on_sale if applied is None else applied.offered,
        tuple(AssortmentStep(rule, outcome(rule)) for rule in found),
    )


def offered_at(on_sale: bool, rules: Iterable[AssortmentRule], place: Place, *, at_ms: int) -> bool:
    """Return the answer of `resolve_assortment` without its trace."""
    if not on_sale:
        return False
    offered = True
    for rule in holding(concerning(rules, place), at_ms).values():
        offered = rule.offered
    return offered
