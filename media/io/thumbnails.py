"""JPEG thumbnails of lives, decoded from their newest key frame off the loop."""

import asyncio
import io
from dataclasses import dataclass
from typing import Protocol

import av
from av.video.codeccontext import VideoCodecContext
from PIL import Image

from media.errors import Malformed, NotLive
from media.stream.frames import Frame
from media.wire import h264, vp8

WIDTH_PX = 320
JPEG_QUALITY = 80
# An older key frame is shown, and a new one requested for the next thumbnail.
KEY_FRAME_AGE_S_MAX = 4.0
KEPT_MAX = 256  # rooms
RETRY_AFTER_S = 2
START_CODE = b"\0\0\0\1"
_DECODERS = {"H264": "h264", "VP8": "vp8"}


@dataclass(frozen=True, slots=True)
class KeyFrame:
    """The newest key frame of a live's smallest layer; `number` counts the layer's key frames."""

    codec: str
    frame: Frame
    number: int
    age_s: float


class KeyFrames(Protocol):
    """Where key frames come from: the media plane."""

    def key_frame(self, room_id: str) -> KeyFrame | None:
        """Return the newest key frame of a live on this worker; None: there is none."""

    def request_key_frame(self, room_id: str) -> None:
        """Have the host of a live send another one soon."""


class Thumbnails:
    """Makes and keeps the newest thumbnail of each room."""

    def __init__(self, lives: KeyFrames) -> None:
        self._lives = lives
        self._kept: dict[str, tuple[int, bytes]] = {}
        self._making: dict[str, asyncio.Task[bytes]] = {}

    def can_make(self, room_id: str) -> bool:
        """Whether a live on this worker has a key frame to make one of."""
        return self._lives.key_frame(room_id) is not None

    async def jpeg(self, room_id: str) -> bytes:
        """Return the newest thumbnail of a room.

        Raises:
            NotLive: There is no live here, or no key frame of it that can be decoded.
        """
        key_frame = self._lives.key_frame(room_id)
        if key_frame is None:
            self._kept.pop(room_id, None)
            raise NotLive(RETRY_AFTER_S)
        if key_frame.age_s > KEY_FRAME_AGE_S_MAX:
            self._lives.request_key_frame(room_id)
        kept = self._kept.get(room_id)
        if kept is not None and kept[0] == key_frame.number:
            return kept[1]
        task = self._making.get(room_id)
        if task is None:
            task = asyncio.create_task(asyncio.to_thread(_decode, key_frame), name="thumbnail")
            self._making[room_id] = task
            task.add_done_callback(lambda _: self._making.pop(room_id, None))
        try:
            made = await asyncio.shield(task)
        except (Malformed, av.FFmpegError, ValueError):
            if kept is not None:
                return kept[1]
            raise NotLive(RETRY_AFTER_S) from None
        while len(self._kept) >= KEPT_MAX and room_id not in self._kept:
            del self._kept[next(iter(self._kept))]
        self._kept[room_id] = key_frame.number, made
        return made


def _decode(key_frame: KeyFrame) -> bytes:
    """Runs on a worker thread: some 10 ms of CPU."""
    payloads = key_frame.frame.payloads()
    if key_frame.codec == "H264":
        data = b"".join(START_CODE + unit for unit in h264.nal_units(payloads))
    else:
        data = vp8.frame_of(payloads)
    decoder = av.CodecContext.create(_DECODERS[key_frame.codec], "r")
    assert isinstance(decoder, VideoCodecContext)
    frames = [*decoder.decode(av.Packet(data)), *decoder.decode(None)]
    if not frames:
        raise ValueError("no frame in the key frame")
    return jpeg_of(frames[0])


def jpeg_of(frame: av.VideoFrame) -> bytes:
    """Return a small JPEG of a frame; some 5 ms of CPU, for a worker thread."""
    height = max(2, round(frame.height * WIDTH_PX / frame.width / 2) * 2)
    out = io.BytesIO()
    pixels = frame.reformat(WIDTH_PX, height, "rgb24").to_ndarray()
    Image.fromarray(pixels).save(out, "JPEG", quality=JPEG_QUALITY)
    return out.getvalue()
