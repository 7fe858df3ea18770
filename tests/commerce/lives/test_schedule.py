"""The schedule of a room: what may be scheduled, what is shown, and which live has begun."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from commerce.errors import InvalidField
from commerce.lives.schedule import (
    AHEAD_MS_MAX,
    EARLY_MS,
    GOODS_MAX,
    LATE_MS,
    SHOWN_MAX,
    ScheduledLive,
    begun_live,
    conflicting,
    moved_live,
    scheduled_live,
    shown_lives,
)

NOW = 1_700_000_000_000


def at(starts_at_ms: int, id: str = "l1") -> ScheduledLive:
    """A live scheduled for a time."""
    return ScheduledLive(id, "demo", "Fish", "", (), starts_at_ms)


@pytest.mark.parametrize("starts_at_ms", [NOW, NOW - 1, NOW + AHEAD_MS_MAX + 1])
def test_a_live_is_scheduled_for_the_next_90_days(starts_at_ms: int) -> None:
    with pytest.raises(InvalidField) as refused:
        scheduled_live("l1", "demo", "Fish", "", (), starts_at_ms, now_ms=NOW)
    assert refused.value.member == "starts_at_ms"


@pytest.mark.parametrize("ids", [["p1", "p1"], [f"p{n}" for n in range(GOODS_MAX + 1)]])
def test_goods_of_a_teaser_are_few_and_differ(ids: list[str]) -> None:
    with pytest.raises(InvalidField) as refused:
        scheduled_live("l1", "demo", "Fish", "", ids, NOW + 1, now_ms=NOW)
    assert refused.value.member == "product_ids"


def test_texts_of_a_scheduled_live_are_one_line_each() -> None:
    live = scheduled_live("l1", "demo", " Fish\nnight ", "  ", ["p1"], NOW + 1, now_ms=NOW)
    assert (live.title, live.teaser) == ("Fish night", "")
    with pytest.raises(InvalidField):
        scheduled_live("l1", "demo", " ", "", (), NOW + 1, now_ms=NOW)


@settings(max_examples=30, deadline=None)
@given(st.lists(st.integers(NOW - 2 * LATE_MS, NOW + 2 * LATE_MS), max_size=6))
def test_a_room_shows_the_next_lives_that_may_still_begin(starts: list[int]) -> None:
    lives = [at(start, f"l{n}") for n, start in enumerate(starts)]
    shown = [live.starts_at_ms for live in shown_lives(lives, now_ms=NOW)]
    assert shown == sorted(start for start in starts if start + LATE_MS > NOW)[:SHOWN_MAX]


@settings(max_examples=30, deadline=None)
@given(st.lists(st.integers(NOW - 2 * LATE_MS, NOW + 2 * EARLY_MS), max_size=6))
def test_the_nearest_scheduled_live_is_the_one_that_begins(starts: list[int]) -> None:
    lives = [at(start, f"l{n}") for n, start in enumerate(starts)]
    begun = begun_live(lives, started_at_ms=NOW)
    near = [start for start in starts if NOW - LATE_MS < start <= NOW + EARLY_MS]
    assert (begun is None) == (not near)
    if begun is not None:
        assert abs(begun.starts_at_ms - NOW) == min(abs(start - NOW) for start in near)


@settings(max_examples=40)
@given(
    st.lists(st.tuples(st.sampled_from(["demo", "other"]), st.integers(0, 5 * LATE_MS)), max_size=6)
)
def test_lives_of_a_room_that_are_less_than_an_hour_apart_conflict(
    planned: list[tuple[str, int]],
) -> None:
    lives = [
        ScheduledLive(str(n), room, "Fish", "", (), NOW + after)
        for n, (room, after) in enumerate(planned)
    ]
    near = {
        one.id
        for one in lives
        for two in lives
        if one is not two
        and one.room_id == two.room_id
        and abs(one.starts_at_ms - two.starts_at_ms) < LATE_MS
    }
    assert conflicting(lives) == near


def test_a_live_is_moved_within_the_next_90_days() -> None:
    assert moved_live(at(NOW + 1), NOW + 2, now_ms=NOW) == at(NOW + 2)
    for starts_at_ms in (NOW, NOW + AHEAD_MS_MAX + 1):
        with pytest.raises(InvalidField):
            moved_live(at(NOW + 1), starts_at_ms, now_ms=NOW)
