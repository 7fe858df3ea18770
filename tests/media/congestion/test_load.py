"""A busy worker refuses newcomers first, then repairs, then chatter; and takes them again."""

from media.congestion.load import Load


def test_newcomers_are_refused_before_repairs_and_repairs_before_chatter() -> None:
    load, now, busy_s = Load(now=0.0, busy_s=5.0), 0.0, 5.0
    seen = []
    for share in [0.2] * 3 + [0.93] * 8 + [0.97] * 8 + [1.0] * 8 + [0.3] * 4:
        now += 1.0
        busy_s += share
        load.measure(now=now, busy_s=busy_s)
        seen.append((load.takes_viewers, load.repeats, load.chatter))
    assert seen[2] == (True, True, True)
    assert seen[10] == (False, True, True)
    assert seen[18] == (False, False, True)
    assert seen[26] == (False, False, False)
    assert seen[-1] == (True, True, True)


def test_one_busy_second_is_no_reason() -> None:
    load = Load(now=0.0, busy_s=0.0)
    load.measure(now=1.0, busy_s=1.0)
    assert load.takes_viewers


def test_a_busy_worker_reads_less_of_what_viewers_tell() -> None:
    load = Load(now=0.0, busy_s=0.0)
    at_leisure = load.arrivals_every_s
    load.busy = 0.6
    assert at_leisure < load.arrivals_every_s <= 0.25
