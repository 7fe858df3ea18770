"""Which purchases a room is shown."""

from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from rooms.messages import Purchase
from rooms.purchases import (
    INTERVAL_S_MAX,
    INTERVAL_S_MIN,
    STALE_S,
    PurchaseSampler,
    interval_s,
)


def bought(number: int, others: int = 0) -> Purchase:
    return Purchase("group", "李*", f"p{number}", others)


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
        purchase = bought(number, others)
        sampler.receive(purchase, viewers, now=now)
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
    sampler.receive(bought(1), 10, now=0.0)
    assert sampler.take() == bought(1)
    sampler.receive(bought(2), 10, now=1.0)
    assert sampler.take() is None
    sampler.receive(bought(3), 10, now=1.5 + STALE_S)
    assert sampler.take() == bought(3)
    assert sampler.take() is None, "nothing is shown while nobody buys"


def test_skipped_purchases_are_counted_in_the_next_line() -> None:
    sampler = PurchaseSampler()
    sampler.receive(bought(1), 10, now=0.0)
    sampler.take()
    sampler.receive(bought(2, others=4), 10, now=1.0)
    sampler.receive(bought(3), 10, now=2.0)
    sampler.receive(bought(4, others=1), 10, now=5.0)
    assert sampler.take() == bought(4, others=1 + 5 + 1)
