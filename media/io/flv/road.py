"""The FLV streams of a worker: made when somebody watches, let go when the last one leaves."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from media.io.flv.stream import FlvStream, Outlet
from media.io.hls.road import HlsRoad


@dataclass(frozen=True, slots=True)
class FlvStats:
    """A gauge, and a counter since the start."""

    viewers: int
    skips: int


class FlvRoad:
    """Media is packaged once for HLS and FLV; `close` this before HLS."""

    def __init__(self, hls: HlsRoad) -> None:
        self._hls = hls
        self._streams: dict[str, FlvStream] = {}  # by room
        self._skips = 0  # of streams that are gone

    @contextmanager
    def watching(self, room_id: str, outlet: Outlet) -> Iterator[None]:
        """Write a live to `outlet` inside the block.

        Raises:
            NotLive: Nobody publishes.
            NotPackaged: The live's video is not H.264.
        """
        packaged = self._hls.open(room_id)
        stream = self._streams.get(room_id)
        if stream is None or stream.packaged is not packaged:
            if stream is not None:
                self._let_go(room_id, stream)
            stream = self._streams[room_id] = FlvStream(packaged)
        stream.add(outlet)
        try:
            yield
        finally:
            stream.remove(outlet)
            if not len(stream):
                self._let_go(room_id, stream)

    def stats(self) -> FlvStats:
        """Return the figures."""
        streams = self._streams.values()
        return FlvStats(
            viewers=sum(map(len, streams)),
            skips=self._skips + sum(stream.skips for stream in streams),
        )

    def close(self) -> None:
        """End all answers; idempotent."""
        for room_id, stream in list(self._streams.items()):
            self._let_go(room_id, stream)

    def _let_go(self, room_id: str, stream: FlvStream) -> None:
        if self._streams.get(room_id) is stream:
            del self._streams[room_id]
            self._skips += stream.skips
            stream.close()
