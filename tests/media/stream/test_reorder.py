"""A host's packets are reordered; gaps are repaired or skipped."""

from hypothesis import given
from hypothesis import strategies as st

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


def test_what_is_read_late_was_not_blocked() -> None:
    reorder = Reorder[str]()
    reorder.receive(1, "a", now=0.0)
    reorder.receive(2, "b", now=0.1)
    assert len(reorder.ready(now=5.0)) == 2
    assert reorder.blocked_s_max == 0
    reorder.receive(4, "d", now=6.0)
    reorder.receive(3, "c", now=6.2)
    assert len(reorder.ready(now=9.0)) == 2
    assert round(reorder.blocked_s_max, 3) == 0.2
