"""Which purchases a room is shown."""

from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from rooms.messages import Purchase
from rooms.purchases import (
    INTERVAL_S_MAX,
    INTERVAL_S_MIN,
    KNOWN_MAX,
    STALE_S,
    PurchaseSampler,
    interval_s,
)


def bought(number: int, others: int = 0) -> Purchase:
    return Purchase("group", "李*", f"p{number}", others)


def receive(
    sampler: PurchaseSampler, number: int, *, others: int = 0, viewers: int = 10, now: float
) -> None:
    """The purchase of this number, with some that came with it."""
    orders = [f"o{number}-{other}" for other in reversed(range(others + 1))]
    sampler.receive(bought(number), orders, viewers, now=now)


@settings(max_examples=60)
@given(
    st.lists(st.tuples(st.floats(0, 8), st.integers(0, 40)), max_size=80),
    st.integers(0, 20_000),
)
def test_what_is_shown_was_bought_now_and_no_line_is_too_early(
    purchases: list[tuple[float, int]], viewers: int
) -> None:
    sampler, now, shown_at, counted = PurchaseSampler(), 0.0, list[float](), 0
    for number, (gap, others) in enumerate(purchases):
        now += gap
        purchase = bought(number)
        receive(sampler, number, others=others, viewers=viewers, now=now)
        shown = sampler.take()
        if shown is None:
            assert now - shown_at[-1] < INTERVAL_S_MAX
            continue
        assert (shown.name, shown.product_id) == (purchase.name, purchase.product_id)
        counted += 1 + shown.others
        shown_at.append(now)
    assert counted <= sum(1 + others for _, others in purchases), "none is counted twice"
    least_s = interval_s(viewers, 0) - 1e-6
    assert all(after - before >= least_s for before, after in pairwise(shown_at))


def test_interval_grows_with_viewers_and_purchases_up_to_its_limit() -> None:
    assert interval_s(0, 0) == INTERVAL_S_MIN
    assert interval_s(1_000, 0) == INTERVAL_S_MIN + 4
    assert interval_s(0, 20) == INTERVAL_S_MIN + 2
    assert interval_s(20_000, 9_999) == INTERVAL_S_MAX


def test_first_purchase_after_a_quiet_time_is_shown_at_once_without_what_is_stale() -> None:
    sampler = PurchaseSampler()
    receive(sampler, 1, now=0.0)
    assert sampler.take() == bought(1)
    receive(sampler, 2, now=1.0)
    assert sampler.take() is None
    receive(sampler, 3, now=1.5 + STALE_S)
    assert sampler.take() == bought(3)
    assert sampler.take() is None, "nothing is shown while nobody buys"


def test_skipped_purchases_are_counted_in_the_next_line() -> None:
    sampler = PurchaseSampler()
    receive(sampler, 1, now=0.0)
    sampler.take()
    receive(sampler, 2, others=4, now=1.0)
    receive(sampler, 3, now=2.0)
    receive(sampler, 4, others=1, now=5.0)
    assert sampler.take() == bought(4, others=1 + 5 + 1)


def test_a_purchase_that_is_delivered_again_is_neither_shown_nor_counted() -> None:
    sampler = PurchaseSampler()
    receive(sampler, 1, now=0.0)
    assert sampler.take() == bought(1)
    receive(sampler, 1, now=INTERVAL_S_MAX + 1)
    assert sampler.take() is None
    receive(sampler, 2, now=INTERVAL_S_MAX + 2)
    assert sampler.take() == bought(2)
    again = ["o3-0", "o1-0"]
    sampler.receive(bought(1), again, 10, now=2 * INTERVAL_S_MAX + 3)
    assert sampler.take() is None, "the newest was shown; the one beside it is counted"
    receive(sampler, 4, now=2 * INTERVAL_S_MAX + 4)
    assert sampler.take() == bought(4, others=1)


@settings(max_examples=40)
@given(st.lists(st.lists(st.integers(0, 30), min_size=1, max_size=6), max_size=40))
def test_no_order_is_counted_twice_however_often_it_is_delivered(rounds: list[list[int]]) -> None:
    sampler, counted = PurchaseSampler(), 0
    for at, numbers in enumerate(rounds):
        ids = list(dict.fromkeys(f"o{number}" for number in numbers))
        sampler.receive(bought(numbers[-1]), ids, 10, now=at * (INTERVAL_S_MAX / 3))
        shown = sampler.take()
        counted += 1 + shown.others if shown else 0
    assert counted <= len({number for numbers in rounds for number in numbers})


def test_what_is_remembered_has_a_limit() -> None:
    sampler = PurchaseSampler()
    for at in range(2):
        orders = [f"o{at}-{number}" for number in range(KNOWN_MAX)]
        sampler.receive(bought(at), orders, 10, now=at * 100.0)
    assert len(sampler._known) == KNOWN_MAX
