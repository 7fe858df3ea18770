"""Frames as real encoders make them."""

from fractions import Fraction

import av
import numpy as np
from av.video.codeccontext import VideoCodecContext


def nal_units(codec: str, width: int, height: int, profile: str = "") -> list[bytes]:
    encoder = av.CodecContext.create(codec, "w")
    assert isinstance(encoder, VideoCodecContext)
    encoder.width, encoder.height, encoder.pix_fmt = width, height, "yuv420p"
    encoder.framerate, encoder.time_base = Fraction(25), Fraction(1, 25)
    if profile:
        encoder.profile = profile
    frame = av.VideoFrame.from_ndarray(np.zeros((height, width, 3), np.uint8)).reformat(
        format="yuv420p"
    )
    frame.pts = 0
    data = b"".join(bytes(packet) for packet in [*encoder.encode(frame), *encoder.encode(None)])
    return [data] if codec == "libvpx" else [unit for unit in data.split(b"\0\0\1") if unit]
