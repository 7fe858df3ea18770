"""What is written as fragmented MP4 plays: FFmpeg demuxes and decodes every frame of it."""

import io
from fractions import Fraction
from itertools import pairwise

import av
import numpy as np
import pytest

from media.wire import fmp4

FRAMES, RATE = 50, 25
TICKS = 90_000 // RATE


def h264_samples(b_frames: int) -> tuple[fmp4.Video, list[tuple[int, fmp4.Sample]]]:
    """Return an encoded moving gradient: its track, and samples with their decode times."""
    encoder = av.CodecContext.create("libx264", "w")
    encoder.width, encoder.height, encoder.pix_fmt = 160, 120, "yuv420p"
    encoder.time_base, encoder.framerate = Fraction(1, RATE), Fraction(RATE)
    encoder.gop_size = RATE
    encoder.options = {"bf": str(b_frames), "preset": "ultrafast", "x264-params": "annexb=0"}
    encoder.flags |= av.codec.context.Flags.global_header
    packets = []
    for number in range(FRAMES):
        pixels = np.full((120, 160, 3), number * 5 % 256, dtype=np.uint8)
        frame = av.VideoFrame.from_ndarray(pixels, format="rgb24")
        frame.pts = number
        packets += encoder.encode(frame)
    packets += encoder.encode(None)
    assert encoder.extradata is not None
    samples = []
    for packet in packets:
        assert packet.pts is not None and packet.dts is not None
        sample = fmp4.Sample(
            bytes(packet), TICKS, packet.is_keyframe, (packet.pts - packet.dts) * TICKS
        )
        samples.append((packet.dts + b_frames, sample))
    return fmp4.Video(160, 120, encoder.extradata), samples


@pytest.mark.parametrize("b_frames", [0, 2])
def test_ffmpeg_decodes_every_frame_at_its_time(b_frames: int) -> None:
    video, samples = h264_samples(b_frames)
    out = fmp4.init_segment([video])
    for number, at in enumerate(range(0, len(samples), 10), 1):
        part = samples[at : at + 10]
        run = fmp4.TrackRun(1, part[0][0] * TICKS, [sample for _, sample in part])
        out += fmp4.fragment(number, [run], independent=part[0][1].key)
    with av.open(io.BytesIO(out), "r") as container:
        stream = container.streams.video[0]
        assert (stream.width, stream.height) == (160, 120)
        times = [frame.time for frame in container.decode(stream)]
    assert len(times) == FRAMES
    steps = {round(after - before, 3) for before, after in pairwise(times)}
    assert steps == {1 / RATE}


def test_video_and_sound_share_one_fragment() -> None:
    video, samples = h264_samples(0)
    encoder = av.CodecContext.create("aac", "w")
    encoder.sample_rate, encoder.layout, encoder.format = 48_000, "stereo", "fltp"
    packets = []
    for number in range(40):
        frame = av.AudioFrame.from_ndarray(
            np.zeros((2, 1_024), dtype=np.float32), format="fltp", layout="stereo"
        )
        frame.sample_rate, frame.pts = 48_000, number * 1_024
        packets += encoder.encode(frame)
    assert encoder.extradata is not None
    sound = fmp4.Aac(48_000, 2, encoder.extradata)
    assert (video.codecs[:5], sound.codecs) == ("avc1.", "mp4a.40.2")
    runs = [
        fmp4.TrackRun(1, 0, [sample for _, sample in samples]),
        fmp4.TrackRun(2, 0, [fmp4.Sample(bytes(packet), 1_024) for packet in packets]),
    ]
    out = fmp4.init_segment([video, sound]) + fmp4.fragment(1, runs)
    with av.open(io.BytesIO(out), "r") as container:
        frames = [type(frame).__name__ for frame in container.decode()]
    assert frames.count("VideoFrame") == FRAMES
    assert frames.count("AudioFrame") == len(packets)


def test_parameter_sets_make_the_record_that_x264_writes() -> None:
    video, _ = h264_samples(0)
    length = int.from_bytes(video.record[6:8], "big")
    sps = video.record[8 : 8 + length]
    pps_at = 8 + length + 3
    pps = video.record[pps_at : pps_at + int.from_bytes(video.record[pps_at - 2 : pps_at], "big")]
    own = fmp4.avc_record(sps, pps)
    assert own == video.record[: len(own)]
