"""What an estate is offered: the narrowest rule, and that the trace says so."""

from hypothesis import given
from hypothesis import strategies as st

from commerce.catalogue.assortment import (
    SCOPES,
    AssortmentRule,
    offered_at,
    resolve_assortment,
)
from commerce.catalogue.rules import ALWAYS, Outcome, Place, Scope, Window

HERE = Place("e1", "c1", "s1")
IDS = {Scope.BRAND: "", Scope.CITY: "c1", Scope.ESTATE: "e1"}

rules_of = st.lists(
    st.builds(
        lambda scope, here, offered, from_ms, length: AssortmentRule(
            f"{scope}{here}{from_ms}",
            "tea",
            scope,
            IDS[scope] if here or scope is Scope.BRAND else "elsewhere",
            offered,
            Window(from_ms, length and from_ms + length),
        ),
        st.sampled_from(SCOPES),
        st.booleans(),
        st.booleans(),
        st.integers(0, 20),
        st.none() | st.integers(1, 9),
    ),
    max_size=10,
    unique_by=lambda rule: (rule.scope, rule.scope_id, rule.window.from_ms),
)


def rule(scope: Scope, offered: bool, window: Window = ALWAYS) -> AssortmentRule:
    """A rule that concerns `HERE`."""
    return AssortmentRule(scope, "tea", scope, IDS[scope], offered, window)


def test_what_is_on_sale_is_offered_everywhere() -> None:
    assert offered_at(True, [], HERE, at_ms=0)
    assert offered_at(True, [], Place(), at_ms=0)


def test_an_estate_takes_back_what_its_city_leaves_out() -> None:
    city, estate = rule(Scope.CITY, False), rule(Scope.ESTATE, True)
    assert not offered_at(True, [city], HERE, at_ms=0)
    assert offered_at(True, [city, estate], HERE, at_ms=0)
    assert offered_at(True, [city], Place("e2", "c2", "s1"), at_ms=0)


def test_no_rule_offers_what_is_not_on_sale() -> None:
    found = resolve_assortment(False, [rule(Scope.ESTATE, True)], HERE, at_ms=0)
    assert not found.offered
    assert [step.outcome for step in found.trace] == [Outcome.OVERRIDDEN]


def test_a_seasons_product_is_offered_within_its_window() -> None:
    season = [rule(Scope.BRAND, False), rule(Scope.CITY, True, Window(10, 20))]
    offered = [offered_at(True, season, HERE, at_ms=at) for at in (9, 10, 19, 20)]
    assert offered == [False, True, True, False]


@given(st.booleans(), rules_of, st.integers(0, 30))
def test_at_most_one_step_of_the_trace_applies_and_has_the_answer(
    on_sale: bool, rules: list[AssortmentRule], at_ms: int
) -> None:
    found = resolve_assortment(on_sale, rules, HERE, at_ms=at_ms)
    assert found.offered == offered_at(on_sale, rules, HERE, at_ms=at_ms)
    applied = [step.rule for step in found.trace if step.outcome is Outcome.APPLIES]
    assert len(applied) <= 1
    assert found.offered == (applied[0].offered if applied else on_sale)
