"""Opus becomes AAC that lies where the Opus lay; what is missing is silence."""

from collections.abc import Sequence
from fractions import Fraction
from itertools import pairwise
from typing import Any

import av
import numpy as np
import pytest

from media.io.hls.opus_to_aac import FRAME_SAMPLES, RATE_HZ, TRACK, OpusToAac

PACKET = 960
START = RATE_HZ


@pytest.fixture(scope="module")
def tone() -> list[bytes]:
    """A second of 440 Hz in packets of 20 ms."""
    encoder: Any = av.CodecContext.create("libopus", "w")
    encoder.sample_rate, encoder.format, encoder.layout = RATE_HZ, "s16", "stereo"
    encoder.time_base = Fraction(1, RATE_HZ)
    out = []
    for number in range(55):
        times = (number * PACKET + np.arange(PACKET)) / RATE_HZ
        wave = (np.sin(2 * np.pi * 440 * times) * 16_000).astype(np.int16)
        frame = av.AudioFrame.from_ndarray(np.repeat(wave, 2)[None], format="s16", layout="stereo")
        frame.sample_rate, frame.pts = RATE_HZ, number * PACKET
        out += [bytes(packet) for packet in encoder.encode(frame)]
    return out[:50]


def loud_at(frames: Sequence[tuple[int, bytes]]) -> list[bool]:
    """Decode; return for each frame's place whether it has sound."""
    decoder: Any = av.CodecContext.create("aac", "r")
    decoder.extradata = TRACK.record
    return [
        bool(abs(frame.to_ndarray()).max() > 0.1)
        for _, data in frames
        for frame in decoder.decode(av.Packet(data))
    ]


def test_frames_follow_each_other_from_the_priming_before_the_start(tone: list[bytes]) -> None:
    transcoder = OpusToAac(START)
    frames = []
    for number, data in enumerate(tone):
        frames += transcoder.feed([(START + number * PACKET, data)], 0)
    places = [place for place, _ in frames]
    assert places[0] == START - FRAME_SAMPLES
    assert {after - before for before, after in pairwise(places)} == {FRAME_SAMPLES}
    assert places[-1] >= START + 50 * PACKET - 5 * FRAME_SAMPLES


def test_a_gap_becomes_silence_and_sound_keeps_its_place(tone: list[bytes]) -> None:
    transcoder = OpusToAac(START)
    gap = RATE_HZ
    frames = transcoder.feed([(START + n * PACKET, tone[n]) for n in range(25)], 0)
    frames += transcoder.feed([(START + gap + n * PACKET, tone[n]) for n in range(25, 50)], 0)
    loud = loud_at(frames)
    begins = loud.index(False, 5)
    returns = loud.index(True, begins)
    assert frames[begins][0] == pytest.approx(START + RATE_HZ / 2, abs=2 * FRAME_SAMPLES)
    assert frames[returns][0] == pytest.approx(START + RATE_HZ * 3 / 2, abs=2 * FRAME_SAMPLES)


def test_sound_that_does_not_come_is_silence_and_comes_too_late_then(tone: list[bytes]) -> None:
    transcoder = OpusToAac(START)
    silent = transcoder.feed([], START + RATE_HZ)
    assert len(silent) > 40 and not any(loud_at(silent))
    assert transcoder.feed([(START, tone[0])], 0) == []
    assert transcoder.next == START + RATE_HZ


def test_unsteady_times_of_a_packet_move_nothing(tone: list[bytes]) -> None:
    transcoder = OpusToAac(START)
    for number, data in enumerate(tone):
        jitter = (number % 5 - 2) * 200
        transcoder.feed([(START + number * PACKET + jitter, data)], 0)
    assert transcoder.next == START + 50 * PACKET


def test_garbage_is_silence() -> None:
    transcoder = OpusToAac(START)
    garbage = [(START + n * PACKET, bytes([n]) * n) for n in range(1, 30)]
    frames = transcoder.feed(garbage, START + RATE_HZ)
    assert transcoder.next >= START + RATE_HZ and frames
