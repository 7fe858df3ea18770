"""Streams of real H.264 for recordings: what an encoder makes, cut by a `Segmenter`."""

from collections.abc import Callable, Iterator
from fractions import Fraction

import av
import numpy as np
from av.video.codeccontext import VideoCodecContext

from media.packaging.muxer import Beginning
from media.packaging.segmenter import Segmenter
from media.wire import fmp4, h264

FPS, HZ = 15, 90_000


def access_units(width: int, height: int, seconds: float) -> Iterator[tuple[bool, list[bytes]]]:
    """Yield frames as NAL units; a key frame every second, the brightness is the frame's number."""
    encoder = av.CodecContext.create("libx264", "w")
    assert isinstance(encoder, VideoCodecContext)
    encoder.width, encoder.height, encoder.pix_fmt = width, height, "yuv420p"
    encoder.framerate, encoder.time_base = Fraction(FPS), Fraction(1, FPS)
    encoder.gop_size = FPS
    encoder.options = {"preset": "ultrafast", "tune": "zerolatency"}
    for number in range(round(seconds * FPS)):
        pixels = np.full((height, width, 3), number % 256, np.uint8)
        frame = av.VideoFrame.from_ndarray(pixels).reformat(format="yuv420p")
        frame.pts = number
        for packet in encoder.encode(frame):
            data = bytes(packet).replace(b"\0\0\0\1", b"\0\0\1")
            yield packet.is_keyframe, [unit for unit in data.split(b"\0\0\1") if unit]


class Camera:
    """Fills a segmenter; wall clock and RTP time go on while it is away."""

    def __init__(self, segmenter: Segmenter, at_s: float = 1_700_000_000.0) -> None:
        self.segmenter = segmenter
        self.at_s = at_s
        self.media_time = 4_294_900_000  # soon wraps around
        self._ticks = 0

    def film(self, seconds: float, size: tuple[int, int] = (160, 120)) -> None:
        """Send an epoch of its own."""
        ticks = HZ
        in_band = bool(self.segmenter.inits)
        for key, units in access_units(*size, seconds):
            if self.segmenter.interrupted:
                self._begin(size, units)
            pictures = units if in_band else [u for u in units if u[0] & 31 not in (7, 8)]
            self.segmenter.add_video(ticks, h264.with_lengths(pictures), key=key)
            ticks += HZ // FPS
            self.away(1 / FPS)
        self.segmenter.interrupt()

    def away(self, seconds: float) -> None:
        """Send nothing."""
        self.at_s += seconds
        self.media_time = round(self.media_time + seconds * HZ) & 0xFFFFFFFF

    def _begin(self, size: tuple[int, int], units: list[bytes]) -> None:
        sets = {unit[0] & 31: unit for unit in units}
        track = fmp4.Video(*size, fmp4.avc_record(sets[7], sets[8]))
        media_time = self.media_time - HZ & 0xFFFFFFFF
        self.segmenter.begin(Beginning([track], self.at_s - 1, media_time=media_time, rid="h"))


class FilmedStream:
    """A packaged live without a network, as recordings follow it."""

    def __init__(self) -> None:
        self.segmenter = Segmenter(self._changed)
        self.followers: list[Callable[[], None]] = []
        self.repeats_sets = False
        self.camera = Camera(self.segmenter)

    def _changed(self) -> None:
        for follow in list(self.followers):
            follow()
