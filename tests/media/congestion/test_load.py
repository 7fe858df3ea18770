"""A busy worker refuses joins first, then retransmits, then chat, and recovers in reverse."""

from media.congestion.load import Load


def test_joins_are_refused_before_retransmits_and_retransmits_before_chat() -> None:
    load, now, busy_s = Load(now=0.0, busy_s=5.0), 0.0, 5.0
    seen = []
    for share in [0.2] * 3 + [0.93] * 8 + [0.97] * 8 + [1.0] * 8 + [0.3] * 4:
        now += 1.0
        busy_s += share
        load.measure(now=now, busy_s=busy_s)
        seen.append((load.accepts_viewers, load.retransmits, not load.sheds_chat))
    assert seen[2] == (True, True, True)
    assert seen[10] == (False, True, True)
    assert seen[18] == (False, False, True)
    assert seen[26] == (False, False, False)
    assert seen[-1] == (True, True, True)


def test_one_busy_second_refuses_no_joins() -> None:
    load = Load(now=0.0, busy_s=0.0)
    load.measure(now=1.0, busy_s=1.0)
    assert load.accepts_viewers


def test_a_busy_worker_reads_transport_feedback_less_often() -> None:
    load = Load(now=0.0, busy_s=0.0)
    idle_interval_s = load.feedback_interval_s
    load.busy = 0.6
    assert idle_interval_s < load.feedback_interval_s <= 0.25
