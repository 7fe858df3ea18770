"""A busy worker refuses newcomers first, then repairs; it takes them again when it has time."""

from media.load import Load


def test_newcomers_are_refused_before_repairs() -> None:
    load, now, busy_s = Load(now=0.0, busy_s=5.0), 0.0, 5.0
    seen = []
    for share in [0.2] * 3 + [0.93] * 8 + [1.0] * 8 + [0.3] * 4:
        now += 1.0
        busy_s += share
        load.measure(now=now, busy_s=busy_s)
        seen.append((load.takes_viewers, load.repeats))
    assert seen[2] == (True, True)
    assert seen[10] == (False, True)
    assert seen[18] == (False, False)
    assert seen[-1] == (True, True)


def test_one_busy_second_is_no_reason() -> None:
    load = Load(now=0.0, busy_s=0.0)
    load.measure(now=1.0, busy_s=1.0)
    assert load.takes_viewers
