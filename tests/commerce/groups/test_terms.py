"""Terms of groups: steps that fall, awards, and what a group closes at."""

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from commerce.catalogue.pricing import PriceBounds
from commerce.catalogue.values import GroupOffer
from commerce.errors import InvalidField
from commerce.groups.group import CLOSE_GRACE_MS, Group, GroupState
from commerce.groups.price_drops import award_price, closing_price
from commerce.groups.terms import (
    AskedTerms,
    Award,
    PriceStep,
    decode_steps,
    encode_steps,
    price_at,
    terms_of,
)

VECTORS = Path(__file__).parents[2] / "vectors"
OFFER = GroupOffer(600, 10, 3_600)
STEPS = (PriceStep(10, 600), PriceStep(20, 550), PriceStep(30, 400))

falling = st.lists(st.tuples(st.integers(1, 50), st.integers(1, 300)), min_size=2, max_size=5).map(
    lambda gaps: tuple(
        PriceStep(
            sum(more for more, _ in gaps[: at + 1]), 2_000 - sum(less for _, less in gaps[: at + 1])
        )
        for at in range(len(gaps))
    )
)


def group(joined: int, state: GroupState, award: Award | None = None) -> Group:
    """A group with steps, or with an award, that ends at 1,000 ms."""
    return Group("g", "pear", "e1", joined, 10, 600, state, 1_000, () if award else STEPS, award)


@given(falling, st.integers(0, 300), st.integers(0, 300))
@settings(max_examples=30)
def test_a_price_falls_with_more_neighbours_and_never_leaves_its_steps(
    steps: tuple[PriceStep, ...], few: int, more: int
) -> None:
    few, more = sorted((few, more))
    first_fen = steps[0].price_fen
    assert first_fen >= price_at(first_fen, steps, few) >= price_at(first_fen, steps, more)
    assert price_at(first_fen, steps, more) in {step.price_fen for step in steps}
    assert decode_steps(encode_steps(steps)) == steps


def test_what_all_pay_is_what_pages_show() -> None:
    vectors = json.loads((VECTORS / "group_steps.json").read_text("utf-8"))
    steps = [PriceStep(**step) for step in vectors["steps"]]
    for case in vectors["cases"]:
        price_fen = price_at(vectors["price_fen"], steps, case["joined"])
        assert price_fen == case["price_fen"]
        lower = [step for step in steps if price_at(price_fen, steps, step.joined) < price_fen]
        assert (PriceStep(**case["next"]) if case["next"] else None) == next(iter(lower), None)


@pytest.mark.parametrize(
    ("joined", "price_fen"), [(3, 600), (10, 600), (19, 600), (20, 550), (29, 550), (31, 400)]
)
def test_a_group_closes_at_the_step_that_it_has_reached(joined: int, price_fen: int) -> None:
    reached = group(joined, GroupState.REACHED)
    assert closing_price(reached, at_ms=1_000 + CLOSE_GRACE_MS) == price_fen
    assert closing_price(reached, at_ms=999 + CLOSE_GRACE_MS) is None


@pytest.mark.parametrize("state", [GroupState.OPEN, GroupState.EXPIRED, GroupState.CANCELLED])
def test_a_group_that_was_not_reached_closes_at_no_price(state: GroupState) -> None:
    assert closing_price(group(9, state), at_ms=1 << 40) is None


def test_an_award_is_given_once_and_at_its_number_of_neighbours() -> None:
    award = Award(3, 50)
    assert award_price(group(9, GroupState.OPEN, award), 2) is None
    assert award_price(group(9, GroupState.OPEN, award), 3) == 550
    assert award_price(group(9, GroupState.OPEN, Award(3, 50, given=True)), 4) is None


def test_what_is_not_asked_is_as_the_product_offers_it() -> None:
    assert terms_of(OFFER, None, AskedTerms()).price_fen == 600
    terms = terms_of(OFFER, None, AskedTerms(STEPS, duration_s=60))
    assert (terms.target, terms.price_fen, terms.duration_s) == (10, 600, 60)


@pytest.mark.parametrize(
    ("asked", "member"),
    [
        (AskedTerms(STEPS[:1]), "steps"),
        (AskedTerms((PriceStep(10, 600), PriceStep(10, 500))), "steps"),
        (AskedTerms((PriceStep(10, 600), PriceStep(20, 600))), "steps"),
        (AskedTerms((PriceStep(10, 601), PriceStep(20, 600))), "steps"),
        (AskedTerms((PriceStep(10, 600), PriceStep(20, 299))), "steps"),
        (AskedTerms(award=Award(3, 301)), "award"),
        (AskedTerms(award=Award(11, 10)), "award"),
        (AskedTerms(STEPS, Award(3, 10)), "award"),
        (AskedTerms(duration_s=8 * 24 * 3_600), "duration_s"),
    ],
)
def test_terms_that_do_not_fall_or_fall_too_far_are_refused(asked: AskedTerms, member: str) -> None:
    with pytest.raises(InvalidField) as refused:
        terms_of(OFFER, None, asked)
    assert refused.value.member == member


def test_the_head_office_says_how_far_a_host_may_go() -> None:
    bounds = PriceBounds(200, 900)
    deep = AskedTerms((PriceStep(10, 600), PriceStep(20, 200)))
    assert terms_of(OFFER, bounds, deep).steps[-1].price_fen == 200
    with pytest.raises(InvalidField):
        terms_of(OFFER, bounds, AskedTerms((PriceStep(10, 600), PriceStep(20, 199))))
