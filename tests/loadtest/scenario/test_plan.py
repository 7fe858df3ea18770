"""The plan of a run follows from the scenario and its seed."""

import random
import tomllib
from collections import Counter
from itertools import islice

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadtest.scenario.distributions import SECONDS_MAX, Distribution
from loadtest.scenario.model import Profile, Scenario, Stage, Title, ViewerKind
from loadtest.scenario.plan import TooMuch, in_turns, make_plan
from loadtest.scenario.shipped import shipped, shipped_names
from loadtest.scenario.shop import shop_file
from loadtest.scenario.thresholds import Threshold


def scenario(stages: list[Stage], stay_s: float | None = None) -> Scenario:
    stay = Distribution(exponential=stay_s) if stay_s else None
    lurker = Profile(kind=ViewerKind.LURKER, weight=3, stay_s=stay)
    buyer = Profile(kind=ViewerKind.BUYER, weight=1)
    return Scenario(title=Title(en="a", zh="a"), profiles=(lurker, buyer), stages=tuple(stages))


_STAGES = st.lists(
    st.one_of(
        st.builds(Stage, seconds=st.floats(1, 50), viewers=st.integers(0, 60)),
        st.builds(Stage, seconds=st.floats(1, 50), arrivals_per_s=st.floats(0, 5)),
        st.builds(Stage, seconds=st.floats(1, 50)),
    ),
    min_size=1,
    max_size=5,
)
_STAYS = st.one_of(st.none(), st.floats(1, 100))


@given(_STAGES, _STAYS, st.integers(0, 99))
def test_the_same_seed_gives_the_same_plan(
    stages: list[Stage], stay_s: float | None, seed: int
) -> None:
    plan = make_plan(scenario(stages, stay_s), seed=seed)
    assert plan == make_plan(scenario(stages, stay_s), seed=seed)
    for viewer in plan.arrivals:
        assert 0 <= viewer.at_s <= plan.duration_s
        assert viewer.leave_s is None or viewer.at_s <= viewer.leave_s < plan.duration_s


@given(_STAGES, st.integers(1, 5))
def test_the_shares_of_workers_make_up_the_plan(stages: list[Stage], workers: int) -> None:
    plan = make_plan(scenario(stages))
    shares = [plan.share(worker, workers) for worker in range(workers)]
    assert sorted(viewer.number for share in shares for viewer in share) == list(
        range(len(plan.arrivals))
    )
    assert max(map(len, shares)) - min(map(len, shares)) <= 1


@given(st.lists(st.integers(0, 60), min_size=1, max_size=5), _STAYS)
def test_a_fixed_population_is_reached_at_the_end_of_its_stage(
    populations: list[int], stay_s: float | None
) -> None:
    stages = [Stage(seconds=20, viewers=count) for count in populations]
    plan = make_plan(scenario([*stages, Stage(seconds=1)], stay_s))
    for count, time in zip(populations, plan.stages, strict=False):
        assert abs(plan.population(time.end_s - 1e-6) - count) <= (stay_s is not None)
    assert plan.peak >= max(populations) - 1


def test_poisson_arrivals_have_the_rate_and_the_spread_of_their_model() -> None:
    plan = make_plan(scenario([Stage(seconds=2_000, arrivals_per_s=5)]))
    per_s = Counter(int(viewer.at_s) for viewer in plan.arrivals)
    counts = [per_s[second] for second in range(2_000)]
    mean = sum(counts) / len(counts)
    variance = sum((count - mean) ** 2 for count in counts) / len(counts)
    assert 4.8 < mean < 5.2
    assert 0.85 < variance / mean < 1.15


@given(st.lists(st.floats(0.1, 100), min_size=1, max_size=6), st.integers(1, 300))
def test_profiles_take_turns_by_weight(weights: list[float], count: int) -> None:
    seen = Counter(islice(in_turns(weights), count))
    for index, weight in enumerate(weights):
        assert abs(seen[index] - count * weight / sum(weights)) < len(weights)


def test_a_factor_scales_every_shipped_scenario() -> None:
    for name in shipped_names():
        whole, tenth = make_plan(shipped(name)), make_plan(shipped(name), 0.1)
        assert tenth.peak == pytest.approx(whole.peak / 10, rel=0.25, abs=2)
        assert tenth.duration_s == whole.duration_s


def test_a_factor_beyond_the_limit_is_refused() -> None:
    with pytest.raises(TooMuch, match="--factor"):
        make_plan(scenario([Stage(seconds=1, viewers=20_000)]), factor=3)


@given(
    st.one_of(
        st.builds(lambda s: Distribution(constant=s), st.floats(0, SECONDS_MAX)),
        st.builds(lambda s: Distribution(exponential=s), st.floats(0, SECONDS_MAX)),
        st.builds(
            lambda s, sigma: Distribution(lognormal=(s, sigma)),
            st.floats(0, SECONDS_MAX),
            st.floats(0, 5),
        ),
    ),
    st.integers(),
)
def test_drawn_times_stay_within_their_bound(times: Distribution, seed: int) -> None:
    assert 0 <= times.draw(random.Random(seed)) <= SECONDS_MAX


def test_distributions_have_the_middle_that_they_name() -> None:
    rng = random.Random(1)
    drawn = sorted(Distribution(lognormal=(8, 0.5)).draw(rng) for _ in range(4_001))
    assert drawn[2_000] == pytest.approx(8, rel=0.05)
    drawn = [Distribution(exponential=8).draw(rng) for _ in range(4_000)]
    assert sum(drawn) / 4_000 == pytest.approx(8, rel=0.06)


@given(st.sampled_from(["<", "<=", "==", "!=", ">=", ">"]), st.floats(-9, 9), st.floats(-9, 9))
def test_a_threshold_compares_as_python_does(comparison: str, value: float, bound: float) -> None:
    threshold = Threshold("room.gaps", comparison, bound)
    assert threshold.holds({"room.gaps": value}) == eval(f"{value!r} {comparison} {bound!r}")
    assert threshold.holds({}) is None


def test_a_threshold_reads_what_it_writes() -> None:
    threshold = Threshold.parse("room.delivery.p99_ms<300")
    assert str(threshold) == "room.delivery.p99_ms < 300"
    assert Threshold.parse(str(threshold)) == threshold


@given(st.sampled_from(shipped_names()), st.sampled_from([0.02, 0.5, 1.0, 2.0]))
def test_a_stretched_scenario_does_the_same_over_another_time(name: str, factor: float) -> None:
    before = shipped(name)
    after = before.stretched(factor)
    assert after.duration_s == pytest.approx(before.duration_s * factor)
    assert [step.do for step in after.host] == [step.do for step in before.host]
    assert all(step.at_s <= after.duration_s for step in after.host)
    assert after.profiles == before.profiles
    begins = [stage.begin_s for stage in make_plan(after, 0.01).stages]
    was = [stage.begin_s for stage in make_plan(before, 0.01).stages]
    assert begins == pytest.approx([at_s * factor for at_s in was])


def test_sets_of_a_shop_have_parts_with_stock_behind_all_products() -> None:
    goods = tomllib.loads(shop_file(shipped("friday-eight"), 0.5))["products"]
    sets = [product for product in goods if "parts" in product]
    assert goods[: len(sets)] == sets
    assert all("stock" not in product and product["group"]["target"] == 24 for product in sets)
    stock = {product["id"]: product["stock"] for product in goods[len(sets) :]}
    named = [part["product"] for product in sets for part in product["parts"]]
    assert sorted(named) == sorted(stock)
    assert set(stock.values()) == {600}
