"""Parts of an LL-HLS stream decoded as they come, by FFmpeg, to read the clock in them."""

import io
import time
from typing import Any

import av
from av.video.codeccontext import VideoCodecContext
from av.video.stream import VideoStream

from loadtest.measure.glass_to_glass import GlassViewer


class PartDecoder:
    """Decodes the video of parts in their order; call it from one thread."""

    def __init__(self, viewer: GlassViewer) -> None:
        self._viewer = viewer
        self._codec: VideoCodecContext | None = None
        self._init = b""

    def decode(self, init: bytes, part: bytes, at_ms: float) -> None:
        """Show the frames of a part that was here, whole, at `at_ms`.

        The first frame's delay counts: it has waited the longest, and a player that is to show all
        frames evenly stays as far behind.
        """
        first = True
        try:
            with av.open(io.BytesIO(init + part), "r", format="mp4") as container:
                stream = container.streams.video[0]
                for packet in container.demux(stream):
                    for frame in self._frames(init, stream, packet):
                        self._viewer.look(frame, at_ms, timed=first)
                        first = False
        except (av.FFmpegError, IndexError):
            self._viewer.undecodable += 1

    def _frames(
        self, init: bytes, stream: VideoStream, packet: "av.Packet[Any]"
    ) -> list[av.VideoFrame]:
        if not packet.size or (self._codec is None and not packet.is_keyframe):
            return []
        if self._codec is None or init != self._init:
            codec = av.CodecContext.create(stream.codec_context.name, "r")
            assert isinstance(codec, VideoCodecContext)
            codec.extradata, codec.thread_count = stream.codec_context.extradata, 1
            codec.flags |= av.codec.context.Flags.low_delay
            self._codec, self._init = codec, init
        return self._codec.decode(packet)


def now_ms() -> float:
    """Return UTC, as burnt-in clocks show it."""
    return time.time_ns() / 1e6
