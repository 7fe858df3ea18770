"""A media file as a host's sources: re-encoded, or its packets copied, in a loop.

Both streams of a file take the same time per loop, the longer one's, so that audio and video stay
in sync over any number of loops.
"""

import math
import threading
from collections.abc import Generator
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import numpy.typing as npt
from av.container import InputContainer
from av.video.stream import VideoStream

from loadtest.errors import ClipError
from loadtest.sources.ambience import BLOCK_SAMPLES, RATE_HZ
from loadtest.sources.clock_pattern import HEIGHT_PX, WIDTH_PX
from loadtest.sources.encoded import (
    BLOCK_S,
    FPS,
    VIDEO_CLOCK_HZ,
    AudioEncoder,
    Packet,
    VideoEncoder,
)

_VIDEO_TIME = Fraction(1, VIDEO_CLOCK_HZ)

Packets = Generator[Packet, None, None]
Block = npt.NDArray[np.int16]


class ClipSource:
    """One stream of a file; `packets` yields them timed, loop after loop."""

    def __init__(self, packets: Packets, key_frame: threading.Event | None = None) -> None:
        self._packets = packets
        self._key_frame = key_frame
        self._next = next(packets, None)

    def due_s(self) -> float | None:
        """See EncodedSource."""
        packet = self._next
        if packet is None:
            return None
        assert packet.pts is not None
        return float(packet.pts * packet.time_base)

    def packet(self) -> Packet:
        """See EncodedSource."""
        packet = self._next
        assert packet is not None
        self._next = next(self._packets, None)
        return packet

    def request_key_frame(self) -> None:
        """See EncodedSource; what is passed through keeps the key frames it has."""
        if self._key_frame:
            self._key_frame.set()

    def close(self) -> None:
        """See EncodedSource."""
        self._packets.close()


def clip_video(path: Path, *, copy: bool, loop: bool, bitrate_bps: int) -> ClipSource:
    """Return the first video stream of `path`.

    Raises:
        ClipError: The file is missing or not media, has no video, or with `copy` is not H.264
            without B-frames.
    """
    with _open(path) as probe:
        if not probe.streams.video:
            raise ClipError(f"{path} has no video")
        if copy:
            _check_copy(path, probe)
    if copy:
        return ClipSource(_copied_video(path, loop=loop))
    key_frame = threading.Event()
    return ClipSource(_encoded_video(path, key_frame, bitrate_bps, loop=loop), key_frame)


def clip_audio(path: Path, *, copy: bool, loop: bool) -> ClipSource | None:
    """Return the first audio stream of `path`; None where it has none.

    Opus is passed through with `copy`, everything else is encoded.
    """
    with _open(path) as probe:
        if not probe.streams.audio:
            return None
        passed = copy and probe.streams.audio[0].codec_context.name in ("opus", "libopus")
    return ClipSource(_copied_audio(path, loop=loop) if passed else _encoded_audio(path, loop=loop))


def _open(path: Path) -> InputContainer:
    try:
        return av.open(str(path))
    except (OSError, ValueError) as error:  # av.FFmpegError is both, by kind
        why = getattr(error, "strerror", None) or error
        raise ClipError(f"{path} cannot be played: {why}") from None


def _check_copy(path: Path, probe: InputContainer) -> None:
    advice = "publish it without --copy, so that it is re-encoded"
    if probe.streams.video[0].codec_context.name != "h264":
        raise ClipError(f"{path} is not H.264; {advice}")
    last = None
    for packet in probe.demux(probe.streams.video[0]):
        if packet.pts is None:
            continue
        if last is not None and packet.pts <= last:
            raise ClipError(f"{path} has B-frames, which WebRTC does not play; {advice}")
        last = packet.pts


def _loop_s(container: InputContainer) -> float:
    """Return the time one loop takes: the file's, in whole audio blocks."""
    ends = [
        float(stream.duration * stream.time_base)
        for stream in (*container.streams.video, *container.streams.audio)
        if stream.duration and stream.time_base
    ]
    longest = max(ends, default=(container.duration or av.time_base) / av.time_base)
    return math.ceil(longest / BLOCK_S - 1e-6) * BLOCK_S


def _encoded_video(
    path: Path, key_frame: threading.Event, bitrate_bps: int, *, loop: bool
) -> Packets:
    encoder: VideoEncoder | None = None
    began_s = 0.0
    while True:
        with _open(path) as container:
            stream = container.streams.video[0]
            loop_s = _loop_s(container)
            for frame in container.decode(stream):
                width, height = _fitting(frame.width, frame.height)
                if encoder is None:
                    fps = stream.average_rate or Fraction(FPS)
                    encoder = VideoEncoder(width, height, bitrate_bps, fps)
                if key_frame.is_set():
                    key_frame.clear()
                    encoder.request_key_frame()
                scaled = frame.reformat(width, height, "yuv420p")
                yield encoder.encode(scaled, began_s + _offset_s(frame.time, stream))
            began_s += loop_s
        if not loop:
            return


def _fitting(width: int, height: int) -> tuple[int, int]:
    """Return the size that fits WIDTH×HEIGHT either way up, in proportion, even."""
    long, short = max(width, height), min(width, height)
    scale = min(1.0, WIDTH_PX / long, HEIGHT_PX / short)
    return max(2, round(width * scale / 2) * 2), max(2, round(height * scale / 2) * 2)


def _offset_s(at_s: float | None, stream: VideoStream) -> float:
    start = (stream.start_time or 0) * (stream.time_base or 0)
    return max(0.0, (at_s or 0.0) - float(start))


def _copied_video(path: Path, *, loop: bool) -> Packets:
    began_s = 0.0
    while True:
        with _open(path) as container:
            stream = container.streams.video[0]
            loop_s = _loop_s(container)
            to_annex_b = av.BitStreamFilterContext("h264_mp4toannexb", stream)
            for packet in container.demux(stream):
                for whole in to_annex_b.filter(packet):
                    if not whole.size or whole.pts is None or stream.time_base is None:
                        continue
                    at_s = began_s + _offset_s(float(whole.pts * stream.time_base), stream)
                    whole.pts, whole.time_base = round(at_s * VIDEO_CLOCK_HZ), _VIDEO_TIME
                    yield whole
            began_s += loop_s
        if not loop:
            return


def _copied_audio(path: Path, *, loop: bool) -> Packets:
    began_s = 0.0
    while True:
        with _open(path) as container:
            stream = container.streams.audio[0]
            loop_s = _loop_s(container)
            for packet in container.demux(stream):
                if not packet.size or packet.pts is None or stream.time_base is None:
                    continue
                at_s = began_s + max(0.0, float(packet.pts * stream.time_base))
                packet.pts, packet.time_base = round(at_s * RATE_HZ), Fraction(1, RATE_HZ)
                yield packet
            began_s += loop_s
        if not loop:
            return


def _encoded_audio(path: Path, *, loop: bool) -> Packets:
    encoder = AudioEncoder()
    index = 0
    while True:
        with _open(path) as container:
            blocks = round(_loop_s(container) / BLOCK_S)
            played = 0
            for block in _blocks(container):
                if played == blocks:
                    break
                yield encoder.encode(block, (index + played) * BLOCK_S)
                played += 1
            silence = np.zeros(BLOCK_SAMPLES * 2, np.int16)
            for quiet in range(played, blocks):
                yield encoder.encode(silence, (index + quiet) * BLOCK_S)
            index += blocks
        if not loop:
            return


def _blocks(container: InputContainer) -> Generator[Block, None, None]:
    resampler = av.AudioResampler("s16", "stereo", RATE_HZ, frame_size=BLOCK_SAMPLES)
    for frame in container.decode(container.streams.audio[0]):
        for part in resampler.resample(frame):
            block = np.asarray(part.to_ndarray(), np.int16).reshape(-1)
            if len(block) == BLOCK_SAMPLES * 2:
                yield block
