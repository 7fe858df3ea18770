"""A layer keeps continuous numbers while its host's change, and the packets that NACKs need."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from media.stream.frames import Frame
from media.stream.layer import FRAMES_PER_S_MIN, KEY_FRAME_REQUEST_AFTER_S, Layer
from media.stream.reorder import REPAIR_S
from media.stream.sent_frames import GOP_PACKETS_MAX, RING_S
from media.wire.codec import Codec
from media.wire.rtp import Packet
from tests.support.encoded_video import nal_units

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


def test_a_layer_starts_with_a_key_frame() -> None:
    live = layer()
    assert feed(live, 7, 0, DELTA, now=0) == []
    assert live.waits_for_key
    [frame] = feed(live, 9, TICKS, KEY, now=0.04)
    assert frame.key
    assert numbers([frame]) == [100, 101]


def test_a_returning_host_continues_sequence_numbers_and_timestamps() -> None:
    live = layer()
    frames = feed(live, 65_534, 5, KEY, now=0) + feed(live, 65_536, 5 + TICKS, DELTA, now=0.04)
    live.lose_source()
    assert feed(live, 40, 999_999, DELTA, now=5.0, ssrc=2) == []
    frames += feed(live, 42, 999_999 + TICKS, KEY, now=5.04, ssrc=2)
    assert numbers(frames) == [100, 101, 102, 103, 104, 105]
    elapsed = frames[2].timestamp - frames[1].timestamp
    assert elapsed == round(5.0 * 90_000)


@pytest.mark.parametrize("jump", [-5_000, 5_000, -32_768, 32_767])
def test_sequence_numbers_continue_when_the_hosts_jump_on_one_ssrc(jump: int) -> None:
    live = layer()
    frames = feed(live, 40_000, 5, KEY, now=0)
    frames += feed(live, 40_000 + jump, 999, DELTA, now=0.5)
    frames += feed(live, 40_002 + jump, 999 + TICKS, KEY, now=1)
    assert numbers(frames) == [100, 101, 102, 103]


@given(st.lists(st.tuples(st.integers(0, 0xFFFF), st.integers(0, 2), st.booleans())))
def test_no_sequence_number_is_used_twice_for_any_input(
    packets: list[tuple[int, int, bool]],
) -> None:
    live, used, now = layer(), [], 0.0
    for sequence, ssrc, key in packets:
        now += 0.05
        used += numbers(
            feed(live, sequence, sequence * 9, KEY if key else DELTA, now=now, ssrc=ssrc)
        )
    assert sorted(set(used)) == used


def test_a_lost_packet_keeps_its_sequence_number() -> None:
    live = layer()
    feed(live, 1, 0, KEY, now=0)
    frames = feed(live, 4, TICKS, DELTA, now=0.04)
    assert frames == []
    frames = live.poll(now=1)
    assert numbers(frames) == [103, 104]
    assert live.lost == 1


def test_audio_waits_for_reordered_packets_and_not_for_lost_ones() -> None:
    live = Layer("audio", Codec("opus", 111, 48_000), first_sequence=100)

    def feed_packet(number: int, now: float) -> list[int]:
        live.receive(Packet(111, False, number, number * 960, 1, b"audio"), now=now)
        return numbers(live.poll(now=now))

    assert feed_packet(0, 0.00) == [100]
    assert feed_packet(2, 0.04) == []
    assert feed_packet(1, 0.05) == [101, 102]
    assert feed_packet(4, 0.08) == []
    assert feed_packet(5, 0.10) == []
    assert feed_packet(6, 0.12) == [104, 105, 106]
    assert live.repair_delay_s == 0, "audio does not delay video"


def test_hold_time_after_a_retransmit_includes_one_more_rtt() -> None:
    live = layer()
    feed(live, 0, 0, KEY, now=0.0)
    assert live.repair_delay_s == 0
    feed(live, 4, 2 * TICKS, DELTA, now=0.08)
    feed(live, 2, TICKS, DELTA, now=0.09)
    assert live.repair_delay_s == pytest.approx(0.01), "reordering is no loss"
    feed(live, 8, 4 * TICKS, DELTA, now=0.16)
    assert live.nacks.due(live.missing(), now=0.16)
    feed(live, 6, 3 * TICKS, DELTA, now=0.28)
    assert live.nacks.rtt_s > 0.05
    assert live.repair_delay_s == pytest.approx(0.12 + live.nacks.rtt_s + 1 / FRAMES_PER_S_MIN)
    for second in range(3):
        live.frames_sent = FPS * second
        live.count_second(now=1.0 + second)
    assert live.repair_delay_s < 0.12 + live.nacks.rtt_s + 1 / FPS, "it decays"


def test_a_whole_key_frame_ends_the_wait_for_a_late_retransmit() -> None:
    [whole] = [unit for unit in nal_units("libx264", 320, 180) if unit[0] & 31 == 7]
    live = layer()
    feed(live, 7, 0, KEY, now=0)
    assert feed(live, 10, 2 * TICKS, DELTA, now=0.08) == [], "9 is missing"
    assert live.blocked_s(now=0.18) == pytest.approx(0.1)
    assert feed(live, 12, 3 * TICKS, KEY, now=0.2) == [], "its first packet may be missing"
    assert feed(live, 14, 4 * TICKS, whole, now=0.07 + KEY_FRAME_REQUEST_AFTER_S) == [], (
        "9 may still arrive"
    )
    [frame] = live.poll(now=0.1 + KEY_FRAME_REQUEST_AFTER_S)
    assert frame.key
    assert numbers([frame]) == [107, 108]
    assert live.blocked_s(now=1.0) == 0
    late = Packet(96, True, 9, TICKS, 1, DELTA)
    live.receive(late, now=0.5)
    assert live.poll(now=0.5) == [], "too late"


def test_an_incomplete_key_frame_does_not_end_the_wait_for_a_retransmit() -> None:
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
    assert numbers(frames) == [102, 103, 104], "the gap is repaired"
    live.receive(Packet(96, False, 13, 3 * TICKS, 1, KEY), now=now + 0.02)
    [frame] = live.poll(now=now + 0.02)
    assert frame.key
    assert live.lost == 0


def test_the_ring_keeps_packets_for_ring_s_and_the_gop() -> None:
    live = layer()
    [frame] = feed(live, 1, 0, KEY, now=0)
    assert live.ring[100].item is frame.runs[0].items[0]
    feed(live, 3, TICKS, DELTA, now=RING_S + 0.1)
    assert 100 in live.ring, "it is in the cached GOP, so a new viewer may NACK it"
    feed(live, 5, 2 * TICKS, KEY, now=RING_S + 0.2)
    assert 100 not in live.ring
    assert 102 in live.ring


def test_a_hosts_probe_padding_leaves_no_gap_for_viewers() -> None:
    live = layer()
    frames = feed(live, 1, 0, KEY, now=0)
    live.receive(Packet(96, False, 3, 0, 1, b""), now=0.01)
    frames += live.poll(now=0.01)
    frames += feed(live, 4, TICKS, DELTA, now=0.04)
    assert numbers(frames) == [100, 101, 102, 103]
    assert live.lost == 0


def test_capture_time_follows_from_the_hosts_sender_report() -> None:
    live = layer()
    [frame] = feed(live, 1, 0xFFFF_FFFF, KEY, now=0)
    assert live.source and live.captured_at(frame.timestamp) is None
    live.source.on_report(1_000 << 32, 44_999, now=0.5)
    captured = live.captured_at(frame.timestamp)
    assert captured == pytest.approx(1_000 - 0.5, abs=1e-4)
    assert live.captured_at(frame.timestamp + 90_000) == pytest.approx(1_000.5, abs=1e-4)


def feed_audio(layer: Layer, number: int, *, now: float) -> list[Frame]:
    layer.receive(Packet(111, False, number, number * 960, 1, bytes(80 + number)), now=now)
    return layer.poll(now=now)


def test_audio_is_sent_in_pairs_when_pairing_is_on() -> None:
    live = Layer("audio", Codec("opus", 111, 48_000), first_sequence=100)
    assert numbers(feed_audio(live, 0, now=0.00)) == [100]
    live.pairs = True
    assert feed_audio(live, 1, now=0.02) == []
    [pair] = feed_audio(live, 2, now=0.04)
    [run] = pair.runs
    assert numbers([pair]) == [101, 102]
    assert run.items[1].timestamp - run.items[0].timestamp == 960


def test_a_single_audio_packet_is_sent_after_two_packet_times() -> None:
    live = Layer("audio", Codec("opus", 111, 48_000), first_sequence=100)
    live.pairs = True
    assert feed_audio(live, 0, now=0.00) == []
    assert live.poll(now=0.02) == []
    assert numbers(live.poll(now=0.04)) == [100]


def test_fraction_lost_counts_from_the_last_report() -> None:
    live = layer()
    feed(live, 0, 0, KEY, now=0)
    feed(live, 4, TICKS, DELTA, now=0.04)  # 2 and 3 are lost
    assert live.source
    first = live.source.report(now=0.05)
    assert (first.ssrc, first.packets_lost, first.highest_sequence) == (1, 2, 5)
    assert first.fraction_lost == 2 * 256 // 6
    feed(live, 6, 2 * TICKS, DELTA, now=0.08)
    second = live.source.report(now=0.09)
    assert (second.packets_lost, second.fraction_lost) == (2, 0)


def test_a_lost_packet_is_counted_once_when_its_gap_is_skipped() -> None:
    live = layer()
    feed(live, 0, 0, KEY, now=0)
    assert live.count_second(now=0.03) == 0
    feed(live, 4, TICKS, DELTA, now=0.04)  # 2 and 3 are missing
    assert live.count_second(now=0.05) == 0
    live.poll(now=0.04 + REPAIR_S)
    assert [live.count_second(now=now) for now in (1.0, 2.0)] == [2, 0]
    assert live.lost == 2


def test_a_report_block_has_lsr_and_dlsr() -> None:
    live = layer()
    feed(live, 0, 0, KEY, now=0)
    assert live.source
    assert live.source.report(now=1)[5:] == (0, 0)
    live.source.on_report(0x1234_5678_9ABC_DEF0, 0, now=1.0)
    assert live.source.report(now=1.5)[5:] == (0x5678_9ABC, 32_768)


@pytest.mark.parametrize(("late_s", "jitter_ms"), [(0.0, 0), (0.02, 20)])
def test_interarrival_jitter_follows_rfc_3550(late_s: float, jitter_ms: float) -> None:
    live = layer()
    for number in range(200):
        now = number * 0.04 + (late_s if number % 2 else 0.0)
        packet = Packet(96, True, number, number * TICKS, 1, KEY)
        live.receive(packet, now=now)
    assert live.source
    assert live.source.jitter_ticks / 90 == pytest.approx(jitter_ms, abs=0.5)


def test_an_incomplete_key_frame_is_no_key_frame_and_the_request_stays_pending() -> None:
    live = layer()
    feed(live, 0, 0, KEY, now=0)
    live.keys.request()
    assert live.keys.due(now=1.0)
    for number, last in ((2, False), (4, True)):  # 3 is lost
        live.receive(Packet(96, last, number, TICKS, 1, KEY + bytes(100)), now=1.1)
    [frame] = live.poll(now=1.1 + REPAIR_S)
    assert not frame.key
    assert live.keys.pending, "no complete one has arrived"
    assert live.keys.due(now=1.6)
    [frame] = feed(live, 5, 2 * TICKS, KEY, now=1.7)
    assert frame.key
    assert not live.keys.pending


def test_a_loss_after_a_key_frame_requests_another() -> None:
    live = layer()
    feed(live, 0, 0, KEY, now=0)
    for number in (2, 3):
        live.receive(Packet(96, number == 3, number, TICKS, 1, KEY + bytes(100)), now=0.04)
    # 4 is lost: all the rest is returned when its gap is skipped.
    live.receive(Packet(96, True, 5, 2 * TICKS, 1, DELTA), now=0.08)
    assert [frame.key for frame in live.poll(now=0.08 + REPAIR_S)] == [True, False]
    assert live.keys.pending


def test_a_gop_of_eight_seconds_at_6_mbit_per_s_is_kept_whole() -> None:
    live = layer()
    payloads = [bytes(1_200)] * 25  # of one frame: 6 Mbit/s at 25 frames/s
    for at in range(8 * FPS):
        live.add_frame(payloads, at * TICKS, key=at == 0, now=at / FPS)
        live.poll(now=at / FPS)
    assert len(live.gop) == 8 * FPS
    kept = live.gop[0].runs[0].sequence
    assert all(number in live.ring for number in range(kept, live.next_unsent))


def test_of_a_gop_beyond_the_limit_nothing_is_kept_until_the_next_key_frame() -> None:
    live = layer()
    payloads = [bytes(1_200)] * 50
    for at in range(10 * FPS):
        live.add_frame(payloads, at * TICKS, key=at == 0, now=at / FPS)
        live.poll(now=at / FPS)
    assert live.gop == [] and live.gop_octets == 0
    assert len(live.ring) < GOP_PACKETS_MAX, "retransmits alone are kept"
    live.add_frame(payloads, 10 * FPS * TICKS, key=True, now=10)
    live.poll(now=10)
    assert [frame.key for frame in live.gop] == [True]


def test_what_a_source_sent_goes_out_although_another_one_begins_before_it_is_polled() -> None:
    live = layer()
    for number, ssrc in ((7, 1), (7, 2)):
        live.receive(Packet(96, True, number, 0, ssrc, KEY + bytes(100)), now=0)
    frames = live.poll(now=0)
    assert [frame.key for frame in frames] == [True, True]
    assert numbers(frames) == [100, 101]


def test_a_layer_waits_while_packets_or_a_key_frame_are_missing() -> None:
    live = layer()
    assert not live.waits
    feed(live, 5, 0, DELTA, now=0)
    assert live.waits
    feed(live, 7, 0, KEY, now=0)
    assert not live.waits
    feed(live, 10, TICKS, DELTA, now=0.04)  # 9 was lost
    assert live.waits
    live.receive(Packet(96, True, 9, TICKS, 1, DELTA), now=0.05)
    live.poll(now=0.05)
    assert not live.waits
    live.keys.request()
    assert live.waits
