"""The child process: FLV on standard input, H.264 without B-frames on standard output.

What its decoder cannot read is left out; it ends with its input.
"""

import os
import sys
from fractions import Fraction
from typing import Any

import av
from av.video.codeccontext import VideoCodecContext

from media.io.fed_child import lower_priority
from media.io.reencode.frames import EncodedFrame
from media.wire import flv, h264
from media.wire.flv_reader import FlvReader, Tag
from media.wire.flv_tags import TagType

GOP_S = 2
BITS_PER_S_MAX = 2_500_000
_MS = Fraction(1, 1_000)
_OPTIONS = {
    "preset": "veryfast",
    "tune": "zerolatency",  # no B-frames, no look-ahead
    "profile": "baseline",
    "crf": "24",
    "maxrate": str(BITS_PER_S_MAX),
    "bufsize": str(BITS_PER_S_MAX),
    "threads": "1",
}


class Reencoder:
    """State of one stream."""

    def __init__(self) -> None:
        self._decoder: VideoCodecContext | None = None
        self._encoder: VideoCodecContext | None = None
        self._key_at_ms = 0

    def feed(self, tag: Tag) -> list[EncodedFrame]:
        """Take a tag of the stream; return the frames that are ready."""
        if tag.kind != TagType.VIDEO:
            return []
        match flv.video(tag.body):
            case flv.AvcConfig() as config:
                decoder = av.CodecContext.create("h264", "r")
                assert isinstance(decoder, VideoCodecContext)
                decoder.extradata, decoder.thread_count = config.record, 1
                self._decoder, self._encoder = decoder, None
            case flv.AvcUnit() as unit if self._decoder is not None:
                packet = av.Packet(h264.with_lengths(unit.nal_units))
                packet.time_base, packet.dts = _MS, tag.timestamp_ms
                packet.pts = tag.timestamp_ms + unit.composition_ms
                return self._reencode(self._decoder, packet)
        return []

    def _reencode(self, decoder: VideoCodecContext, packet: "av.Packet[Any]") -> list[EncodedFrame]:
        try:
            frames = decoder.decode(packet)
        except av.FFmpegError:
            return []
        out = []
        for frame in frames:
            if frame.pts is None:
                continue
            encoder = self._encoder or self._open(frame.width, frame.height)
            wants_key = frame.pts - self._key_at_ms >= GOP_S * 1_000
            picture = frame.reformat(format="yuv420p")
            picture.pts, picture.time_base = frame.pts, _MS
            picture.pict_type = (
                av.video.frame.PictureType.I if wants_key else av.video.frame.PictureType.NONE
            )
            for encoded in encoder.encode(picture):
                if encoded.is_keyframe:
                    self._key_at_ms = frame.pts
                out.append(EncodedFrame(encoded.is_keyframe, encoded.pts or 0, bytes(encoded)))
        return out

    def _open(self, width: int, height: int) -> VideoCodecContext:
        encoder = av.CodecContext.create("libx264", "w")
        assert isinstance(encoder, VideoCodecContext)
        encoder.width, encoder.height, encoder.pix_fmt = width, height, "yuv420p"
        encoder.time_base, encoder.framerate = _MS, Fraction(25)
        encoder.gop_size = 1_000  # key frames come by time
        encoder.options = _OPTIONS
        self._encoder = encoder
        return encoder


def main() -> None:
    """Run until the input ends."""
    lower_priority()
    reader, reencoder = FlvReader(), Reencoder()
    source, sink = sys.stdin.fileno(), sys.stdout.buffer
    while data := os.read(source, 1 << 16):
        for tag in reader.feed(data):
            for frame in reencoder.feed(tag):
                sink.write(frame.packed())
        sink.flush()


if __name__ == "__main__":
    main()
