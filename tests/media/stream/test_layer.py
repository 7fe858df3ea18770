"""A stream goes on without a seam while its host's numbers change, and keeps what repairs need."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from media.stream.layer import FRAMES_PER_S_MIN, KEY_FRAME_REQUEST_AFTER_S, RING_S, Frame, Layer
from media.stream.reorder import REPAIR_S
from media.wire.rtp import Packet
from media.wire.sdp import Codec
from tests.media.wire.test_frame_size import nal_units

KEY, DELTA = b"\x65\x88", b"\x41\x88"
FPS, TICKS = 25, 3_600


def layer() -> Layer:
    return Layer("video", Codec("H264", 96, 90_000), first_sequence=100)


def feed(
    layer: Layer, sequence: int, timestamp: int, payload: bytes, *, now: float, ssrc: int = 1
) -> list[Frame]:
    """One frame of two packets."""
    frames = []
    for at, last in ((0, False), (1, True)):
        packet = Packet(
            96, last, sequence + at & 0xFFFF, timestamp & 0xFFFFFFFF, ssrc, payload + bytes(100)
        )
        layer.receive(packet, now=now)
        frames += layer.poll(now=now)
    return frames


def numbers(frames: list[Frame]) -> list[int]:
    return [
        number
        for frame in frames
        for run in frame.runs
        for number in range(run.sequence, run.sequence + len(run.items))
    ]


def test_a_live_begins_with_a_key_frame() -> None:
    live = layer()
    assert feed(live, 7, 0, DELTA, now=0) == []
    assert live.waits_for_key
    [frame] = feed(live, 9, TICKS, KEY, now=0.04)
    assert frame.key
    assert numbers([frame]) == [100, 101]


def test_a_returning_host_is_spliced_without_a_seam() -> None:
    live = layer()
    frames = feed(live, 65_534, 5, KEY, now=0) + feed(live, 65_536, 5 + TICKS, DELTA, now=0.04)
    live.lose_source()
    assert feed(live, 40, 999_999, DELTA, now=5.0, ssrc=2) == []
    frames += feed(live, 42, 999_999 + TICKS, KEY, now=5.04, ssrc=2)
    assert numbers(frames) == [100, 101, 102, 103, 104, 105]
    elapsed = frames[2].timestamp - frames[1].timestamp
    assert elapsed == round(5.0 * 90_000)


@pytest.mark.parametrize("jump", [-5_000, 5_000, -32_768, 32_767])
def test_numbers_go_on_when_a_hosts_jump_under_the_same_ssrc(jump: int) -> None:
    live = layer()
    frames = feed(live, 40_000, 5, KEY, now=0)
    frames += feed(live, 40_000 + jump, 999, DELTA, now=0.5)
    frames += feed(live, 40_002 + jump, 999 + TICKS, KEY, now=1)
    assert numbers(frames) == [100, 101, 102, 103]


@given(st.lists(st.tuples(st.integers(0, 0xFFFF), st.integers(0, 2), st.booleans())))
def test_no_number_is_given_twice_whatever_a_host_sends(
    packets: list[tuple[int, int, bool]],
) -> None:
    live, given_out, now = layer(), [], 0.0
    for sequence, ssrc, key in packets:
        now += 0.05
        given_out += numbers(
            feed(live, sequence, sequence * 9, KEY if key else DELTA, now=now, ssrc=ssrc)
        )
    assert sorted(set(given_out)) == given_out


def test_a_lost_packet_leaves_its_number_free() -> None:
    live = layer()
    feed(live, 1, 0, KEY, now=0)
    frames = feed(live, 4, TICKS, DELTA, now=0.04)
    assert frames == []
    frames = live.poll(now=1)
    assert numbers(frames) == [103, 104]
    assert live.lost == 1


def test_sound_waits_for_what_was_overtaken_and_not_for_what_is_lost() -> None:
    live = Layer("audio", Codec("opus", 111, 48_000), first_sequence=100)

    def feed_sound(number: int, now: float) -> list[int]:
        live.receive(Packet(111, False, number, number * 960, 1, b"sound"), now=now)
        return numbers(live.poll(now=now))

    assert feed_sound(0, 0.00) == [100]
    assert feed_sound(2, 0.04) == []
    assert feed_sound(1, 0.05) == [101, 102]
    assert feed_sound(4, 0.08) == []
    assert feed_sound(5, 0.10) == []
    assert feed_sound(6, 0.12) == [104, 105, 106]
    assert live.held_s == 0, "pictures wait for nothing"


def test_what_was_held_up_once_may_be_held_up_a_round_trip_longer() -> None:
    live = layer()
    feed(live, 0, 0, KEY, now=0.0)
    assert live.held_s == 0
    feed(live, 4, 2 * TICKS, DELTA, now=0.08)
    feed(live, 2, TICKS, DELTA, now=0.09)
    assert live.held_s == pytest.approx(0.01), "out of order, which is no loss"
    feed(live, 8, 4 * TICKS, DELTA, now=0.16)
    assert live.nacks.due(live.missing(), now=0.16)
    feed(live, 6, 3 * TICKS, DELTA, now=0.28)
    assert live.nacks.rtt_s > 0.05
    assert live.held_s == pytest.approx(0.12 + live.nacks.rtt_s + 1 / FRAMES_PER_S_MIN)
    for second in range(3):
        live.frames_sent = FPS * second
        live.count_second(now=1.0 + second)
    assert live.held_s < 0.12 + live.nacks.rtt_s + 1 / FPS, "and it is forgotten"


def test_a_key_frame_is_not_held_up_by_a_repair_that_takes_too_long() -> None:
    [whole] = [unit for unit in nal_units("libx264", 320, 180) if unit[0] & 31 == 7]
    live = layer()
    feed(live, 7, 0, KEY, now=0)
    assert feed(live, 10, 2 * TICKS, DELTA, now=0.08) == [], "9 is missing"
    assert live.queuing_delay_s(now=0.18) == pytest.approx(0.1)
    assert feed(live, 12, 3 * TICKS, KEY, now=0.2) == [], "it may lack its beginning"
    assert feed(live, 14, 4 * TICKS, whole, now=0.07 + KEY_FRAME_REQUEST_AFTER_S) == [], (
        "9 may come yet"
    )
    [frame] = live.poll(now=0.1 + KEY_FRAME_REQUEST_AFTER_S)
    assert frame.key
    assert numbers([frame]) == [107, 108]
    assert live.queuing_delay_s(now=1.0) == 0
    late = Packet(96, True, 9, TICKS, 1, DELTA)
    live.receive(late, now=0.5)
    assert live.poll(now=0.5) == [], "too late"


def test_a_key_frame_that_is_not_whole_does_not_end_the_wait_for_a_repair() -> None:
    [whole] = [unit for unit in nal_units("libx264", 320, 180) if unit[0] & 31 == 7]
    live = layer()
    feed(live, 7, 0, KEY, now=0)
    assert feed(live, 10, 2 * TICKS, DELTA, now=0.08) == [], "9 is missing"
    now = 0.1 + KEY_FRAME_REQUEST_AFTER_S
    live.receive(Packet(96, False, 12, 3 * TICKS, 1, whole), now=now)
    live.receive(Packet(96, True, 14, 3 * TICKS, 1, KEY), now=now)
    assert live.poll(now=now) == [], "13 is missing, too"
    assert live.missing() == [9, 13]
    live.receive(Packet(96, True, 9, TICKS, 1, DELTA), now=now + 0.01)
    frames = live.poll(now=now + 0.01)
    assert numbers(frames) == [102, 103, 104], "as if nothing had been lost"
    live.receive(Packet(96, False, 13, 3 * TICKS, 1, KEY), now=now + 0.02)
    [frame] = live.poll(now=now + 0.02)
    assert frame.key
    assert live.lost == 0


def test_the_ring_keeps_what_was_sent_for_a_while() -> None:
    live = layer()
    [frame] = feed(live, 1, 0, KEY, now=0)
    assert live.ring[100].item is frame.runs[0].items[0]
    feed(live, 3, TICKS, DELTA, now=RING_S + 0.1)
    assert 100 in live.ring, "a newcomer is shown it, and may miss it"
    feed(live, 5, 2 * TICKS, KEY, now=RING_S + 0.2)
    assert 100 not in live.ring
    assert 102 in live.ring


def test_padding_that_probes_a_hosts_line_is_not_missed_by_viewers() -> None:
    live = layer()
    frames = feed(live, 1, 0, KEY, now=0)
    live.receive(Packet(96, False, 3, 0, 1, b""), now=0.01)
    frames += live.poll(now=0.01)
    frames += feed(live, 4, TICKS, DELTA, now=0.04)
    assert numbers(frames) == [100, 101, 102, 103]
    assert live.lost == 0


def test_what_was_captured_when_is_known_from_the_hosts_report() -> None:
    live = layer()
    [frame] = feed(live, 1, 0xFFFF_FFFF, KEY, now=0)
    assert live.source and live.captured_at(frame.timestamp) is None
    live.source.on_report(1_000 << 32, 44_999, now=0.5)
    captured = live.captured_at(frame.timestamp)
    assert captured == pytest.approx(1_000 - 0.5, abs=1e-4)
    assert live.captured_at(frame.timestamp + 90_000) == pytest.approx(1_000.5, abs=1e-4)


def sound(layer: Layer, number: int, *, now: float) -> list[Frame]:
    layer.receive(Packet(111, False, number, number * 960, 1, bytes(80 + number)), now=now)
    return layer.poll(now=now)


def test_sound_goes_out_in_pairs_where_many_listen() -> None:
    live = Layer("audio", Codec("opus", 111, 48_000), first_sequence=100)
    assert numbers(sound(live, 0, now=0.00)) == [100]
    live.pairs = True
    assert sound(live, 1, now=0.02) == []
    [pair] = sound(live, 2, now=0.04)
    [run] = pair.runs
    assert numbers([pair]) == [101, 102]
    assert run.items[1].timestamp - run.items[0].timestamp == 960


def test_a_packet_of_sound_does_not_wait_long_for_another() -> None:
    live = Layer("audio", Codec("opus", 111, 48_000), first_sequence=100)
    live.pairs = True
    assert sound(live, 0, now=0.00) == []
    assert live.poll(now=0.02) == []
    assert numbers(live.poll(now=0.04)) == [100]


def test_a_report_tells_what_was_lost_since_the_last_one() -> None:
    live = layer()
    feed(live, 0, 0, KEY, now=0)
    feed(live, 4, TICKS, DELTA, now=0.04)  # 2 and 3 never came
    assert live.source
    first = live.source.report(now=0.05)
    assert (first.ssrc, first.packets_lost, first.highest_sequence) == (1, 2, 5)
    assert first.fraction_lost == 2 * 256 // 6
    feed(live, 6, 2 * TICKS, DELTA, now=0.08)
    second = live.source.report(now=0.09)
    assert (second.packets_lost, second.fraction_lost) == (2, 0)


def test_what_never_came_is_counted_once_and_only_when_it_is_given_up() -> None:
    live = layer()
    feed(live, 0, 0, KEY, now=0)
    assert live.count_second(now=0.03) == 0
    feed(live, 4, TICKS, DELTA, now=0.04)  # 2 and 3 are missing
    assert live.count_second(now=0.05) == 0
    live.poll(now=0.04 + REPAIR_S)
    assert [live.count_second(now=now) for now in (1.0, 2.0)] == [2, 0]
    assert live.lost == 2


def test_a_report_answers_the_hosts_own_with_its_age() -> None:
    live = layer()
    feed(live, 0, 0, KEY, now=0)
    assert live.source
    assert live.source.report(now=1)[5:] == (0, 0)
    live.source.on_report(0x1234_5678_9ABC_DEF0, 0, now=1.0)
    assert live.source.report(now=1.5)[5:] == (0x5678_9ABC, 32_768)


@pytest.mark.parametrize(("late_s", "jitter_ms"), [(0.0, 0), (0.02, 20)])
def test_jitter_is_how_unevenly_frames_come(late_s: float, jitter_ms: float) -> None:
    live = layer()
    for number in range(200):
        now = number * 0.04 + (late_s if number % 2 else 0.0)
        packet = Packet(96, True, number, number * TICKS, 1, KEY)
        live.receive(packet, now=now)
    assert live.source
    assert live.source.jitter_ticks / 90 == pytest.approx(jitter_ms, abs=0.5)


def test_a_key_frame_with_a_hole_is_none_and_another_one_is_asked_for() -> None:
    live = layer()
    feed(live, 0, 0, KEY, now=0)
    live.keys.request()
    assert live.keys.due(now=1.0)
    for number, last in ((2, False), (4, True)):  # 3 never comes
        live.receive(Packet(96, last, number, TICKS, 1, KEY + bytes(100)), now=1.1)
    [frame] = live.poll(now=1.1 + REPAIR_S)
    assert not frame.key
    assert live.keys.pending, "it is still to come"
    assert live.keys.due(now=1.6)
    [frame] = feed(live, 5, 2 * TICKS, KEY, now=1.7)
    assert frame.key
    assert not live.keys.pending


def test_what_is_lost_after_a_key_frame_wants_another_one() -> None:
    live = layer()
    feed(live, 0, 0, KEY, now=0)
    for number in (2, 3):
        live.receive(Packet(96, number == 3, number, TICKS, 1, KEY + bytes(100)), now=0.04)
    # 4 never comes: all of it is handed out at once when that is given up.
    live.receive(Packet(96, True, 5, 2 * TICKS, 1, DELTA), now=0.08)
    assert [frame.key for frame in live.poll(now=0.08 + REPAIR_S)] == [True, False]
    assert live.keys.pending
