"""Who goes when while a worker drains."""

import itertools

import pytest

from server.ops.drain import HOST_LEAD_S, MOVE_S_MAX, Move, moves

LIVES = {"large": ["a", "b", "c", "d"], "small": ["e"], "empty": []}


def test_each_live_has_its_time_and_its_host_goes_before_its_viewers() -> None:
    found = moves(LIVES, 30.0)
    hosts = [move for move in found if not move.viewer_id]
    assert hosts == [Move(0.0, "empty"), Move(10.0, "small"), Move(20.0, "large")]
    viewers = [move for move in found if move.viewer_id]
    assert [move.viewer_id for move in viewers] == ["e", "a", "b", "c", "d"]
    first = next(move for move in viewers if move.room_id == "large")
    assert first.after_s == 20.0 + HOST_LEAD_S


@pytest.mark.parametrize("drain_s", [0.1, 1.0, 30.0, 600.0])
def test_moves_are_in_order_and_within_the_time(drain_s: float) -> None:
    found = [move.after_s for move in moves(LIVES, drain_s)]
    assert found == sorted(found)
    assert 0.0 <= found[0] and found[-1] < drain_s


def test_viewers_of_one_live_do_not_stand_longer_than_needed() -> None:
    viewers = [str(number) for number in range(1_000)]
    [host, *moved] = moves({"large": viewers}, 600.0)
    assert host == Move(0.0, "large")
    assert moved[-1].after_s <= HOST_LEAD_S + MOVE_S_MAX
    gaps = {round(b.after_s - a.after_s, 6) for a, b in itertools.pairwise(moved)}
    assert gaps == {MOVE_S_MAX / 1_000}


def test_nobody_is_moved_where_nobody_is() -> None:
    assert moves({}, 30.0) == []
