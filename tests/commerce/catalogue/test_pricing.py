"""Prices by scope and window: which rule decides, and that the trace says so."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from commerce.catalogue.pricing import PriceBounds, PriceRule, price_at, resolve_price
from commerce.catalogue.rules import ALWAYS, Outcome, Place, Scope, Window, boundaries

HERE = Place("e1", "c1", "s1", "demo", member=True)
BASE = 1_000
IDS = {
    Scope.BRAND: "",
    Scope.CITY: "c1",
    Scope.ESTATE: "e1",
    Scope.STORE: "s1",
    Scope.MEMBER: "",
    Scope.LIVE: "demo",
}
times = st.integers(0, 20)
windows = st.builds(
    lambda from_ms, length: Window(from_ms, length and from_ms + length),
    times,
    st.none() | st.integers(1, 10),
)
bounds_of = st.none() | st.builds(
    lambda low, more: PriceBounds(low, low + more), st.integers(1, 1_500), st.integers(0, 500)
)


@st.composite
def rule_lists(draw: st.DrawFn) -> list[PriceRule]:
    """Rules of a product, here and elsewhere, as the record may hold them."""
    rules: dict[tuple[Scope, str, int], PriceRule] = {}
    for n in range(draw(st.integers(0, 12))):
        scope = draw(st.sampled_from(Scope))
        scope_id = IDS[scope] if draw(st.booleans()) else IDS[scope] and "elsewhere"
        window = draw(windows)
        fen = draw(st.integers(1, 2_000))
        rule = PriceRule(f"r{n}", "tea", scope, scope_id, fen, window)
        rules[scope, scope_id, window.from_ms] = rule
    return list(rules.values())


def rule(scope: Scope, fen: int, window: Window = ALWAYS, id: str = "r") -> PriceRule:
    """A rule that concerns `HERE`."""
    return PriceRule(id, "tea", scope, IDS[scope], fen, window)


def price(*rules: PriceRule, at_ms: int = 5, bounds: PriceBounds | None = None) -> int:
    """What `HERE` pays."""
    return price_at(BASE, bounds, rules, HERE, at_ms=at_ms)


def test_without_rules_the_products_own_price_holds() -> None:
    found = resolve_price("tea", BASE, None, [], HERE, at_ms=0)
    assert found.price_fen == BASE
    assert [step.outcome for step in found.trace] == [Outcome.APPLIES]


def test_the_narrowest_of_brand_city_and_estate_decides() -> None:
    brand, city, estate = rule(Scope.BRAND, 900), rule(Scope.CITY, 950), rule(Scope.ESTATE, 980)
    assert price(brand) == 900
    assert price(city, brand) == 950
    assert price(estate, city, brand) == 980


def test_a_store_sets_its_price_only_within_the_bounds() -> None:
    own = rule(Scope.STORE, 970)
    assert price(own) == BASE
    assert price(own, bounds=PriceBounds(950, 970)) == 970
    assert price(own, bounds=PriceBounds(971, 999)) == BASE


def test_members_and_viewers_of_a_live_never_pay_more() -> None:
    assert price(rule(Scope.MEMBER, 1_100), rule(Scope.LIVE, 1_050)) == BASE
    assert price(rule(Scope.MEMBER, 900), rule(Scope.LIVE, 950)) == 900
    assert price(rule(Scope.MEMBER, 900), rule(Scope.LIVE, 850)) == 850


def test_the_later_of_two_windows_lies_on_top_and_the_earlier_comes_back() -> None:
    standing = rule(Scope.ESTATE, 980, id="a")
    weekend = rule(Scope.ESTATE, 800, Window(10, 12), id="b")
    assert [price(standing, weekend, at_ms=at) for at in (9, 10, 11, 12)] == [980, 800, 800, 980]


def test_the_trace_says_why_each_rule_does_not_apply() -> None:
    rules = [
        rule(Scope.BRAND, 900, Window(0, 3), id="ended"),
        rule(Scope.CITY, 910, Window(9), id="future"),
        rule(Scope.CITY, 920, Window(1), id="older"),
        rule(Scope.CITY, 930, Window(2), id="city"),
        rule(Scope.ESTATE, 940, id="estate"),
        rule(Scope.STORE, 10, id="store"),
        rule(Scope.LIVE, 940, id="live"),
        replace(rule(Scope.ESTATE, 1, id="other"), scope_id="elsewhere"),
    ]
    found = resolve_price("tea", BASE, PriceBounds(500, 600), rules, HERE, at_ms=5)
    assert found.price_fen == 940
    assert {step.rule.id: step.outcome for step in found.trace} == {
        "": Outcome.OVERRIDDEN,
        "ended": Outcome.ENDED,
        "future": Outcome.NOT_YET,
        "older": Outcome.SUPERSEDED,
        "city": Outcome.OVERRIDDEN,
        "estate": Outcome.APPLIES,
        "store": Outcome.OUT_OF_BOUNDS,
        "live": Outcome.NOT_LOWER,
    }


@given(rule_lists(), bounds_of, times)
def test_exactly_one_step_of_the_trace_applies_and_has_the_price(
    rules: list[PriceRule], bounds: PriceBounds | None, at_ms: int
) -> None:
    found = resolve_price("tea", BASE, bounds, rules, HERE, at_ms=at_ms)
    applied = [step for step in found.trace if step.outcome is Outcome.APPLIES]
    assert [step.rule.price_fen for step in applied] == [found.price_fen]
    assert found.price_fen == price_at(BASE, bounds, rules, HERE, at_ms=at_ms)


@given(rule_lists(), bounds_of, times)
def test_rules_of_other_places_change_nothing(
    rules: list[PriceRule], bounds: PriceBounds | None, at_ms: int
) -> None:
    own = [one for one in rules if one.scope_id == IDS[one.scope]]
    assert price(*rules, at_ms=at_ms, bounds=bounds) == price(*own, at_ms=at_ms, bounds=bounds)


@given(rule_lists(), bounds_of, times)
def test_member_and_live_only_lower_the_price(
    rules: list[PriceRule], bounds: PriceBounds | None, at_ms: int
) -> None:
    plain = price_at(BASE, bounds, rules, replace(HERE, room_id="", member=False), at_ms=at_ms)
    member = price_at(BASE, bounds, rules, replace(HERE, room_id=""), at_ms=at_ms)
    assert price(*rules, at_ms=at_ms, bounds=bounds) <= member <= plain


@given(rule_lists(), bounds_of)
def test_a_price_changes_only_at_the_boundaries_of_rules(
    rules: list[PriceRule], bounds: PriceBounds | None
) -> None:
    changes = boundaries(rules, 0)
    for at_ms in range(1, 35):
        before, after = (price(*rules, at_ms=at, bounds=bounds) for at in (at_ms - 1, at_ms))
        assert before == after or at_ms in changes
