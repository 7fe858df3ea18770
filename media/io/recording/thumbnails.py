"""JPEG thumbnails of parts of recordings, decoded from a key frame off the loop."""

import asyncio
import io
from collections import OrderedDict

import av

from media.errors import NoSuchBlob
from media.io.recording.road import RecordingRoad
from media.io.thumbnails import jpeg_of
from media.recording.replay import Piece

# Where in a part the frame is looked for: by then the host holds the product to the camera.
PLACE_RATIO = 1 / 3
KEPT_MAX = 256
DECODERS_MAX = 2

Key = tuple[str, str, int]  # room, live, ticks


class RecordingThumbnails:
    """Makes thumbnails, each once however many ask, and keeps the newest used."""

    def __init__(self, road: RecordingRoad) -> None:
        self._road = road
        self._kept: OrderedDict[Key, bytes] = OrderedDict()
        self._making: dict[Key, asyncio.Task[bytes]] = {}
        self._decoders = asyncio.Semaphore(DECODERS_MAX)

    async def jpeg(self, room_id: str, live_id: str, start_s: float, end_s: float) -> bytes:
        """Return a frame of a recording's part.

        Raises:
            NoSuchBlob: There is no such part, or no key frame of it that can be decoded.
            BlobsAway: Try again later.
        """
        part = (await self._road.index(room_id, live_id)).part(start_s, end_s)
        placed = part.key_fragment(part.duration_s * PLACE_RATIO)
        if placed is None:
            raise NoSuchBlob(live_id)
        key = room_id, live_id, placed.fragment.start
        if key in self._kept:
            self._kept.move_to_end(key)
            return self._kept[key]
        task = self._making.get(key)
        if task is None:
            init = part.inits[part.epochs[placed.epoch].init]
            piece = Piece(part.chunks[placed.chunk], placed.fragment.offset, placed.fragment.length)
            task = asyncio.create_task(self._make(key, init, piece), name="clip thumbnail")
            self._making[key] = task
            task.add_done_callback(lambda _: self._making.pop(key, None))
        return await asyncio.shield(task)

    async def _make(self, key: Key, init: bytes, piece: Piece) -> bytes:
        room_id, live_id, _ = key
        async with self._decoders:
            read = [data async for data in self._road.read(room_id, live_id, [piece])]
            try:
                made = await asyncio.to_thread(_decode, init + b"".join(read))
            except (av.FFmpegError, ValueError):
                raise NoSuchBlob(live_id) from None
        self._kept[key] = made
        while len(self._kept) > KEPT_MAX:
            self._kept.popitem(last=False)
        return made


def _decode(movie: bytes) -> bytes:
    """Runs on a worker thread: some 10 ms of CPU."""
    with av.open(io.BytesIO(movie), "r") as container:
        for frame in container.decode(video=0):
            return jpeg_of(frame)
    raise ValueError("no frame in the fragment")
