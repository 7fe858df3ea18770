"""Where an audience may be led: to lives of the own brand that everybody may see."""

from hypothesis import given, settings
from hypothesis import strategies as st

from commerce.catalogue.values import Live, LiveState
from commerce.lives.next_room import reachable

ROOMS = ["a", "b", "c", "d"]
LIVES = st.builds(
    Live,
    st.sampled_from(ROOMS),
    st.sampled_from(LiveState),
    st.one_of(st.none(), st.integers(1, 9)),
)


@settings(max_examples=40)
@given(
    st.lists(LIVES, unique_by=lambda live: live.room_id),
    st.sampled_from(ROOMS),
    st.sets(st.sampled_from(ROOMS)),
    st.sets(st.sampled_from(ROOMS)),
)
def test_an_audience_is_led_to_another_live_of_the_brand_that_is_no_rehearsal(
    lives: list[Live], own: str, brand: set[str], rehearsals: set[str]
) -> None:
    found = reachable(lives, own, brand, rehearsals)
    state = {live.room_id: live.state for live in lives}
    assert set(found) <= brand - rehearsals - {own}
    assert set(found) == {
        room for room in brand - rehearsals - {own} if state.get(room) is LiveState.LIVE
    }
    began = {live.room_id: live.started_at_ms or 0 for live in lives}
    assert [began[room] for room in found] == sorted((began[room] for room in found), reverse=True)
