"""A host's packets are reordered; gaps are requested in a NACK, repaired or skipped."""

from hypothesis import given
from hypothesis import strategies as st

from media.stream.nack import NACK_INTERVAL_S, NACKED_PACKETS_MAX, NACKS_PER_PACKET_MAX, Nacks
from media.stream.reorder import JUMP_PACKETS_MAX, REPAIR_S, Reorder


def test_packets_in_order_are_ready_at_once() -> None:
    order: Reorder[str] = Reorder()
    for number, item in enumerate("abc", 10):
        order.receive(number, item, now=0)
        assert order.ready(now=0) == [(number, item)]
    assert order.deadline is None


def test_a_gap_blocks_later_packets_until_it_is_repaired() -> None:
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


def test_a_gap_is_skipped_at_its_deadline() -> None:
    order: Reorder[str] = Reorder()
    order.receive(1, "a", now=0)
    order.ready(now=0)
    order.receive(3, "c", now=1)
    assert order.ready(now=1) == []
    assert order.deadline == 1 + REPAIR_S
    assert order.ready(now=1 + REPAIR_S) == [(3, "c")]
    assert order.receive(2, "b", now=2) is False


def test_skipped_numbers_block_nothing() -> None:
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


def test_a_duplicate_packet_is_refused() -> None:
    order: Reorder[str] = Reorder()
    assert order.receive(5, "a", now=0)
    assert not order.receive(5, "a", now=0)
    order.ready(now=0)
    assert not order.receive(5, "a", now=0)


def test_a_large_jump_restarts_at_once() -> None:
    order: Reorder[str] = Reorder()
    order.receive(1, "a", now=0)
    order.ready(now=0)
    order.receive(2 + 2 * JUMP_PACKETS_MAX, "z", now=0)
    assert order.ready(now=0) == [(2 + 2 * JUMP_PACKETS_MAX, "z")]


@given(st.floats(0, 1e9))
def test_a_missing_packet_is_nacked_at_once_at_any_clock_value(now: float) -> None:
    assert Nacks().due([5], now=now) == [5]


@given(st.permutations(range(20)), st.sets(st.integers(1, 19)))
def test_packets_leave_once_and_in_order_for_any_arrival_order(
    arrival: list[int], lost: set[int]
) -> None:
    order: Reorder[int] = Reorder()
    order.receive(-1, -1, now=0)
    out = order.ready(now=0)
    for at, number in enumerate(arrival):
        if number not in lost:
            order.receive(number, number, now=at * 0.001)
            out += order.ready(now=at * 0.001)
    out += order.ready(now=1 + REPAIR_S)
    assert [item for _, item in out] == [-1, *sorted(set(arrival) - lost)]


def test_a_missing_packet_is_nacked_at_most_nacks_per_packet_max_times() -> None:
    nacks = Nacks()
    nacks_sent = 0
    for step in range(100):
        now = step * NACK_INTERVAL_S / 2
        if nacks.due([7], now=now):
            nacks_sent += 1
    assert nacks_sent == NACKS_PER_PACKET_MAX


def test_too_many_missing_packets_request_a_key_frame() -> None:
    assert Nacks().due(range(NACKED_PACKETS_MAX + 1), now=0) is None
