"""Encoded media of a simulated host: clock pattern and generated audio, or a clip in a loop.

Call a source from one thread at a time and never from the event loop: it decodes and encodes.
Times are seconds since the source began.
"""

import threading
import time
from fractions import Fraction
from typing import Any, Protocol, TypeAlias

import av
import numpy as np
from av.audio.codeccontext import AudioCodecContext
from av.video.codeccontext import VideoCodecContext
from av.video.frame import PictureType

from loadtest.sources.ambience import BLOCK_SAMPLES, RATE_HZ, ambient_loop
from loadtest.sources.clock_pattern import HEIGHT_PX, WIDTH_PX, ClockPattern

FPS = 25
VIDEO_CLOCK_HZ = 90_000
# A key frame at least this often, even without a request.
KEY_FRAME_EVERY_S = 2
AUDIO_BITRATE_BPS = 48_000
BLOCK_S = BLOCK_SAMPLES / RATE_HZ
_VIDEO_TIME = Fraction(1, VIDEO_CLOCK_HZ)
_AUDIO_TIME = Fraction(1, RATE_HZ)

Packet: TypeAlias = "av.Packet[Any]"


class EncodedSource(Protocol):
    """One medium of a host, encoded."""

    def due_s(self) -> float | None:
        """Return when the next packet is to be sent; None at the end."""

    def packet(self) -> Packet:
        """Return the next packet, its `pts` and `time_base` set."""

    def request_key_frame(self) -> None:
        """Make the next frame a key frame if this source can. From any thread."""

    def close(self) -> None:
        """Let go of files and encoders."""


class VideoEncoder:
    """x264 as a phone's encoder would be set: baseline, no B-frames, no delay, one thread."""

    def __init__(
        self,
        width: int,
        height: int,
        bitrate_bps: int,
        fps: Fraction,
        key_frame_every_s: float = KEY_FRAME_EVERY_S,
    ) -> None:
        codec = av.CodecContext.create("libx264", "w")
        assert isinstance(codec, VideoCodecContext)
        codec.width, codec.height, codec.pix_fmt = width, height, "yuv420p"
        codec.framerate, codec.time_base = fps, _VIDEO_TIME
        codec.thread_count = 1
        codec.gop_size = max(1, round(float(fps) * key_frame_every_s))
        codec.options = {
            "preset": "ultrafast",
            "tune": "zerolatency",
            "level": "31",
            "crf": "23",
            "maxrate": str(bitrate_bps),
            "bufsize": str(bitrate_bps // 2),
            "forced-idr": "1",
        }
        codec.profile = "Baseline"
        self._codec = codec
        self._key_frame = threading.Event()

    def request_key_frame(self) -> None:
        """Make the next frame a key frame."""
        self._key_frame.set()

    def encode(self, frame: av.VideoFrame, at_s: float) -> Packet:
        """Return `frame` encoded, to be shown at `at_s`."""
        wanted = self._key_frame.is_set()
        self._key_frame.clear()
        frame.pict_type = PictureType.I if wanted else PictureType.NONE
        frame.time_base, frame.pts = _VIDEO_TIME, round(at_s * VIDEO_CLOCK_HZ)
        packets = self._codec.encode(frame)
        assert len(packets) == 1, "zerolatency gives one packet for each frame"
        return packets[0]


class AudioEncoder:
    """Opus, 48 kHz stereo, one packet for each block of 20 ms."""

    def __init__(self) -> None:
        codec = av.CodecContext.create("libopus", "w")
        assert isinstance(codec, AudioCodecContext)
        codec.format, codec.layout, codec.sample_rate = "s16", "stereo", RATE_HZ
        codec.bit_rate = AUDIO_BITRATE_BPS
        codec.options = {"application": "lowdelay", "compression_level": "2"}
        self._codec = codec

    def encode(self, block: np.ndarray[tuple[int], np.dtype[np.int16]], at_s: float) -> Packet:
        """Return one block of interleaved stereo encoded."""
        frame = av.AudioFrame.from_ndarray(block.reshape(1, -1), format="s16", layout="stereo")
        frame.sample_rate, frame.time_base = RATE_HZ, _AUDIO_TIME
        frame.pts = round(at_s * RATE_HZ)
        packets = self._codec.encode(frame)
        assert len(packets) == 1, "a block is one packet"
        packets[0].pts, packets[0].time_base = frame.pts, _AUDIO_TIME
        return packets[0]


class PatternSource:
    """The clock pattern, with the current time.

    With `ignores_pli` it sends no key frames on request, as OBS.
    """

    def __init__(
        self,
        bitrate_bps: int,
        *,
        key_frame_every_s: float = KEY_FRAME_EVERY_S,
        ignores_pli: bool = False,
    ) -> None:
        self._pattern = ClockPattern()
        self._encoder = VideoEncoder(
            WIDTH_PX, HEIGHT_PX, bitrate_bps, Fraction(FPS), key_frame_every_s
        )
        self._ignores_pli = ignores_pli
        self._index = 0

    def due_s(self) -> float | None:
        """See EncodedSource."""
        return self._index / FPS

    def packet(self) -> Packet:
        """See EncodedSource. The clock shows the moment of this call."""
        frame = self._pattern.draw(self._index, time.time_ns() // 1_000_000)
        packet = self._encoder.encode(frame, self._index / FPS)
        self._index += 1
        return packet

    def request_key_frame(self) -> None:
        """See EncodedSource."""
        if not self._ignores_pli:
            self._encoder.request_key_frame()

    def close(self) -> None:
        """See EncodedSource."""


class AmbienceSource:
    """The generated audio, or silence for a clip without audio."""

    def __init__(self, *, silent: bool = False) -> None:
        blocks = ambient_loop(np.random.default_rng(7))
        self._blocks = np.zeros_like(blocks[:1]) if silent else blocks
        self._encoder = AudioEncoder()
        self._index = 0

    def due_s(self) -> float | None:
        """See EncodedSource."""
        return self._index * BLOCK_S

    def packet(self) -> Packet:
        """See EncodedSource."""
        block = self._blocks[self._index % len(self._blocks)]
        packet = self._encoder.encode(block, self._index * BLOCK_S)
        self._index += 1
        return packet

    def request_key_frame(self) -> None:
        """Audio has no key frames."""

    def close(self) -> None:
        """See EncodedSource."""
