"""A clip for measurements: the clock pattern as a phone's camera would send it, encoded once.

1280×720, 25 fps, H.264 baseline without B-frames, a key frame every 2 s, grain so that the bit rate
is what a camera needs, and Opus. Published with `--copy` it costs the host nearly nothing.
"""

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av.audio.stream import AudioStream
from av.video.stream import VideoStream

from loadtest.sources.ambience import BLOCK_SAMPLES, RATE_HZ, ambient_loop
from loadtest.sources.clock_pattern import HEIGHT_PX, WIDTH_PX, ClockPattern
from loadtest.sources.encoded import AUDIO_BITRATE_BPS, BLOCK_S, FPS, KEY_FRAME_EVERY_S

BITRATE_BPS = 1_400_000
SECONDS = 12
# How much darker or lighter the grain makes a pixel, at most.
GRAIN = 3


def make_clip(path: Path, *, bitrate_bps: int = BITRATE_BPS, seconds: int = SECONDS) -> None:
    """Write the clip to `path` (Matroska)."""
    with av.open(str(path), "w", format="matroska") as container:
        video = container.add_stream("libx264", rate=FPS)
        video.width, video.height, video.pix_fmt = WIDTH_PX, HEIGHT_PX, "yuv420p"
        video.bit_rate = bitrate_bps
        video.codec_context.gop_size = FPS * KEY_FRAME_EVERY_S
        video.codec_context.options = {
            "preset": "superfast",
            "tune": "zerolatency",
            "level": "31",
            "maxrate": str(bitrate_bps),
            "bufsize": str(bitrate_bps),
        }
        video.codec_context.profile = "Baseline"
        audio = container.add_stream("libopus", rate=RATE_HZ, layout="stereo")
        audio.bit_rate = AUDIO_BITRATE_BPS
        audio.codec_context.format = "s16"
        _write(container, video, audio, seconds)


def _write(
    container: av.container.OutputContainer,
    video: VideoStream,
    audio: AudioStream,
    seconds: int,
) -> None:
    pattern, rng = ClockPattern(), np.random.default_rng(1)
    # A few fields of grain, shifted from frame to frame, are as hard to code as endless ones.
    fields = rng.integers(0, 2 * GRAIN + 1, (4, HEIGHT_PX, WIDTH_PX), np.uint8)
    ambience = ambient_loop(rng)
    blocks = 0
    for index in range(seconds * FPS):
        planes = pattern.draw(index, index * 1_000 // FPS).to_ndarray()
        grain = np.roll(fields[index % 4], int(rng.integers(0, WIDTH_PX)), axis=1)
        planes[:HEIGHT_PX] = np.clip(planes[:HEIGHT_PX], GRAIN, 255 - GRAIN) + grain - GRAIN
        frame = av.VideoFrame.from_ndarray(planes, format="yuv420p")
        frame.pts, frame.time_base = index, Fraction(1, FPS)
        container.mux(video.encode(frame))
        while blocks * BLOCK_S < (index + 1) / FPS:
            block = ambience[blocks % len(ambience)].reshape(1, -1)
            part = av.AudioFrame.from_ndarray(block, format="s16", layout="stereo")
            part.sample_rate, part.time_base = RATE_HZ, Fraction(1, RATE_HZ)
            part.pts = blocks * BLOCK_SAMPLES
            container.mux(audio.encode(part))
            blocks += 1
    container.mux(video.encode())
    container.mux(audio.encode())
