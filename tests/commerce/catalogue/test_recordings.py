"""Moments of products, and which recordings are deleted."""

from commerce.catalogue.recordings import DAY_MS, Moment, Moments, Recording, clip_id_of, expired

NOW_MS = 1_800_000_000_000


def test_a_moment_lasts_from_pin_to_the_next_pin_or_its_unpin() -> None:
    moments = Moments()
    moments.pinned("pear", 10_000, 900)
    moments.pinned("pear", 20_000)
    moments.pinned("fig", 40_000)
    moments.unpinned("pear", 50_000)
    moments.unpinned("fig", 60_000)
    moments.ended(90_000)
    assert moments.done == [Moment("pear", 10_000, 40_000, 900), Moment("fig", 40_000, 60_000)]


def test_the_end_of_the_live_ends_the_last_moment_and_short_ones_are_left_out() -> None:
    moments = Moments()
    moments.pinned("pear", 0)
    moments.pinned("fig", 2_000)
    moments.ended(30_000)
    moments.ended(40_000)
    assert moments.done == [Moment("fig", 2_000, 30_000)]


def test_the_explain_button_corrects_the_times_of_a_moment() -> None:
    moments = Moments()
    moments.pinned("pear", 0)
    moments.explained("pear", 25_000)
    moments.explained(None, 70_000)
    moments.unpinned("pear", 90_000)
    moments.pinned("fig", 100_000)
    moments.explained(None, 105_000)
    moments.explained("lime", 110_000)
    moments.ended(120_000)
    assert moments.done == [
        Moment("pear", 25_000, 70_000),
        Moment("fig", 100_000, 110_000),
        Moment("lime", 110_000, 120_000),
    ]


def test_a_moment_that_is_found_again_has_the_same_clip() -> None:
    pear = Moment("pear", 0, 5_000)
    assert clip_id_of("r", "1", pear) == clip_id_of("r", "1", pear._replace(end_at_ms=9_000))
    assert clip_id_of("r", "1", pear) != clip_id_of("r", "2", pear)


def recording(days_old: float, octets: int = 1, *, ended: bool = True) -> Recording:
    at_ms = NOW_MS - round(days_old * DAY_MS)
    return Recording("r", str(days_old), at_ms, at_ms if ended else None, 1_000, octets)


def test_what_is_too_old_and_the_oldest_of_too_much_is_deleted() -> None:
    kept = [recording(1, 40), recording(2, 40)]
    old, much = recording(31), recording(3, 40)
    gone = expired([old, much, *kept], days=30, octets_max=100, at_ms=NOW_MS)
    assert set(gone) == {old, much}


def test_a_recording_that_may_still_grow_is_kept() -> None:
    growing = recording(40, 1_000, ended=False)
    assert expired([growing], days=30, octets_max=1, at_ms=NOW_MS) == []
