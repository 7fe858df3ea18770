"""A host's packets get back into order, gaps are repaired or given up, and asked for in measure."""

from hypothesis import given
from hypothesis import strategies as st

from media.stream.nack import ASKED_MAX, LIST_MAX, NACK_INTERVAL_S, Nacks
from media.stream.reorder import JUMP_MAX, REPAIR_S, Reorder


def test_packets_in_order_pass_at_once() -> None:
    order: Reorder[str] = Reorder()
    for number, item in enumerate("abc", 10):
        order.receive(number, item, now=0)
        assert order.ready(now=0) == [(number, item)]
    assert order.deadline is None


def test_a_gap_holds_up_what_follows_until_it_is_repaired() -> None:
    order: Reorder[str] = Reorder()
    order.receive(1, "a", now=0)
    order.receive(3, "c", now=0.01)
    assert order.ready(now=0.02) == [(1, "a")]
    assert order.missing() == [2]
    order.receive(2, "b", now=0.05)
    assert order.ready(now=0.05) == [(2, "b"), (3, "c")]
    assert order.blocked_s_max == 0.04
    for _ in range(60):
        order.decay()
    assert order.blocked_s_max < 0.004


def test_a_gap_is_given_up_when_it_is_overdue() -> None:
    order: Reorder[str] = Reorder()
    order.receive(1, "a", now=0)
    order.ready(now=0)
    order.receive(3, "c", now=1)
    assert order.ready(now=1) == []
    assert order.deadline == 1 + REPAIR_S
    assert order.ready(now=1 + REPAIR_S) == [(3, "c")]
    assert order.receive(2, "b", now=2) is False


def test_what_is_skipped_holds_up_nothing() -> None:
    order: Reorder[str] = Reorder()
    for number, item in ((1, "a"), (3, "c"), (5, "e")):
        order.receive(number, item, now=1)
    assert order.ready(now=1) == [(1, "a")]
    assert order.blocked_s(now=1.25) == 0.25
    order.skip_to(5)
    assert order.missing() == []
    assert order.ready(now=1.3) == [(5, "e")]
    assert order.blocked_s(now=2) == 0
    assert order.receive(4, "d", now=2) is False


def test_a_repeated_packet_is_refused() -> None:
    order: Reorder[str] = Reorder()
    assert order.receive(5, "a", now=0)
    assert not order.receive(5, "a", now=0)
    order.ready(now=0)
    assert not order.receive(5, "a", now=0)


def test_a_leap_starts_over_instead_of_waiting() -> None:
    order: Reorder[str] = Reorder()
    order.receive(1, "a", now=0)
    order.ready(now=0)
    order.receive(2 + 2 * JUMP_MAX, "z", now=0)
    assert order.ready(now=0) == [(2 + 2 * JUMP_MAX, "z")]


@given(st.floats(0, 1e9))
def test_what_is_missing_is_asked_for_at_once_whatever_the_clock_says(now: float) -> None:
    assert Nacks().due([5], now=now) == [5]


@given(st.permutations(range(20)), st.sets(st.integers(1, 19)))
def test_whatever_arrives_leaves_once_and_in_order(arrival: list[int], lost: set[int]) -> None:
    order: Reorder[int] = Reorder()
    order.receive(-1, -1, now=0)
    out = order.ready(now=0)
    for at, number in enumerate(arrival):
        if number not in lost:
            order.receive(number, number, now=at * 0.001)
            out += order.ready(now=at * 0.001)
    out += order.ready(now=1 + REPAIR_S)
    assert [item for _, item in out] == [-1, *sorted(set(arrival) - lost)]


def test_a_missing_packet_is_asked_for_in_measure_and_not_for_ever() -> None:
    nacks = Nacks()
    asked = 0
    for step in range(100):
        now = step * NACK_INTERVAL_S / 2
        if nacks.due([7], now=now):
            asked += 1
    assert asked == ASKED_MAX


def test_too_many_missing_packets_mean_a_key_frame() -> None:
    assert Nacks().due(range(LIST_MAX + 1), now=0) is None
