"""Access units come out of RTP frames as the encoder made them, or not at all."""

from collections.abc import Sequence
from itertools import pairwise

import pytest

from media.packaging.access_units import AudioPackets, Unwrapped, VideoUnits
from media.stream.frames import Frame, SourcePacket, cut
from media.wire import fmp4, h264

SPS, PPS = b"\x67\x42\xc0\x1e\xab", b"\x68\xce\x3c\x80"
IDR, DELTA = b"\x65" + bytes(range(256)) * 12, b"\x41" + bytes(900)
PAYLOAD_BYTES = 1_200


class Encoder:
    """Makes frames of NAL units, as a layer would."""

    def __init__(self) -> None:
        self.number = 100
        self.timestamp = 0xFFFFFFFF - 5_000

    def frame(self, *units: bytes, key: bool = False, lost: Sequence[int] = ()) -> Frame:
        """Return the next frame, without its packets `lost`, which are counted from 0."""
        self.timestamp = self.timestamp + 3_600 & 0xFFFFFFFF
        packets = []
        for at, payload in enumerate(h264.payloads(units, PAYLOAD_BYTES)):
            if at not in lost:
                packets.append(SourcePacket(self.number, self.timestamp, False, payload))
            self.number += 1
        return Frame(self.timestamp, key, tuple(cut(packets, stamp=0)), len(packets))


def test_a_key_frame_gives_its_parameter_sets_to_the_track_and_its_slices_to_the_sample() -> None:
    unit = VideoUnits().take(Encoder().frame(b"\x09\xf0", SPS, PPS, IDR, key=True))
    assert unit is not None and unit.key
    assert unit.data == h264.with_lengths([IDR])
    assert unit.track().record == fmp4.avc_record(SPS, PPS)


def test_padding_that_makes_runs_is_not_media() -> None:
    encoder, units = Encoder(), VideoUnits()
    units.take(encoder.frame(SPS, PPS, IDR, key=True))
    slices, sei = b"\x41" + bytes(3_001), b"\x06" + bytes(20)
    frame = encoder.frame(slices, sei)
    assert any(item.first & 0x20 for run in frame.runs for item in run.items)
    unit = units.take(frame)
    assert unit is not None and unit.data == h264.with_lengths([slices, sei])


def test_ticks_go_on_beyond_32_bits() -> None:
    encoder, units = Encoder(), VideoUnits()
    ticks = []
    for _ in range(4):
        unit = units.take(encoder.frame(SPS, PPS, IDR, key=True))
        assert unit is not None
        ticks.append(unit.ticks)
    assert [after - before for before, after in pairwise(ticks)] == [3_600] * 3
    clock = Unwrapped()
    assert clock.ticks(0xFFFFFFF0) == 0xFFFFFFF0
    assert clock.near(0x10) == 0x100000010
    assert clock.ticks(0xFFFFFFE0) == 0xFFFFFFE0


def test_b_frames_have_a_time_to_be_decoded_and_one_to_be_shown() -> None:
    encoder, units = Encoder(), VideoUnits()
    shown, compositions = [0, 10_800, 3_600, 7_200], [7_200, 14_400, 3_600, 3_600]
    taken = []
    for at, composition in zip(shown, compositions, strict=True):
        frame = encoder.frame(SPS, PPS, IDR, key=True)
        timestamp = 0xFFFFFFFF - 5_000 + at & 0xFFFFFFFF
        unit = units.take(frame._replace(timestamp=timestamp, composition=composition))
        assert unit is not None
        taken.append((unit.ticks + unit.composition, unit.ticks))
    assert [at - taken[0][0] for at, _ in taken] == shown
    assert [after - before for (_, before), (_, after) in pairwise(taken)] == [3_600] * 3


def test_nothing_comes_before_the_first_key_frame() -> None:
    encoder, units = Encoder(), VideoUnits()
    assert units.take(encoder.frame(DELTA)) is None
    assert units.take(encoder.frame(IDR, key=True)) is None, "without parameter sets"
    assert units.take(encoder.frame(DELTA)) is None
    assert units.take(encoder.frame(SPS, PPS, IDR, key=True)) is not None
    assert units.take(encoder.frame(IDR, key=True)) is not None, "the sets of before hold"


@pytest.mark.parametrize("lost", [[0], [1], [2]])
def test_after_a_loss_nothing_comes_up_to_the_next_key_frame(lost: list[int]) -> None:
    encoder, units = Encoder(), VideoUnits()
    assert units.take(encoder.frame(SPS, PPS, IDR, key=True)) is not None
    assert units.take(encoder.frame(b"\x41" + bytes(3_000), lost=lost)) is None or lost == [2]
    assert units.take(encoder.frame(DELTA)) is None
    assert units.waits_for_key
    assert units.take(encoder.frame(SPS, PPS, IDR, key=True)) is not None
    assert units.take(encoder.frame(DELTA)) is not None


def test_a_whole_frame_that_was_lost_is_a_gap() -> None:
    encoder, units = Encoder(), VideoUnits()
    units.take(encoder.frame(SPS, PPS, IDR, key=True))
    encoder.frame(DELTA)
    assert units.take(encoder.frame(DELTA)) is None


def test_each_packet_of_sound_has_its_own_time() -> None:
    packets = [SourcePacket(7, 960, True, b"one"), SourcePacket(8, 1_920, True, b"longer")]
    frame = Frame(1_920, False, tuple(cut(packets)), 2)
    assert AudioPackets().take(frame) == [(960, b"one"), (1_920, b"longer")]
