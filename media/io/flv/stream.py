"""One live as HTTP-FLV: tags are made once, framed once for HTTP, and written to all who watch.

A viewer whose connection does not take more gets nothing up to the next key frame that it can take.
"""

from typing import Protocol

from media.packaging.flv_muxer import FlvMuxer, FlvPiece
from media.packaging.muxer import Muxer


class Packaged(Protocol):
    """The packaged stream of a live."""

    def attach(self, muxer: Muxer) -> None:
        """Hand the media to `muxer`, too, from the newest key frame on."""

    def detach(self, muxer: Muxer) -> None:
        """Hand nothing to it any more; idempotent."""


class Outlet(Protocol):
    """The open answer of one viewer's request, in chunked transfer coding (RFC 9112, 7.1)."""

    @property
    def blocked(self) -> bool:
        """Whether so much waits to be read that no more is to be written now."""

    def open(self, chunk: bytes) -> None:
        """Write the beginning, however much it is; it does not count for `blocked`."""

    def write(self, chunk: bytes) -> None:
        """Write a whole chunk; never blocks or raises, whatever became of the viewer."""

    def end(self) -> None:
        """Nothing comes any more; idempotent."""


class _Viewer:
    __slots__ = ("outlet", "skips", "started")

    def __init__(self, outlet: Outlet) -> None:
        self.outlet = outlet
        self.started = False
        self.skips = True


class FlvStream:
    """Attached to the live's packaged stream as long as somebody watches."""

    def __init__(self, packaged: Packaged) -> None:
        self.packaged = packaged
        self.skips = 0
        self._muxer = FlvMuxer(self._write, self._end)
        self._viewers: dict[Outlet, _Viewer] = {}
        packaged.attach(self._muxer)

    def __len__(self) -> int:
        return len(self._viewers)

    def add(self, outlet: Outlet) -> None:
        """A viewer watches, from the newest key frame on."""
        viewer = self._viewers[outlet] = _Viewer(outlet)
        if self._muxer.begun:
            self._start(viewer, self._muxer.start)

    def remove(self, outlet: Outlet) -> None:
        """A viewer is gone; idempotent."""
        self._viewers.pop(outlet, None)

    def close(self) -> None:
        """Nobody watches."""
        self.packaged.detach(self._muxer)
        self._end()

    def _start(self, viewer: _Viewer, data: bytes) -> None:
        viewer.started, viewer.skips = True, False
        viewer.outlet.open(_chunk(data))

    def _write(self, piece: FlvPiece) -> None:
        chunk = _chunk(piece.data)
        for viewer in self._viewers.values():
            outlet = viewer.outlet
            if not viewer.started:
                if piece.key:
                    self._start(viewer, self._muxer.start)
            elif outlet.blocked:
                self.skips += not viewer.skips
                viewer.skips = True
            elif not viewer.skips:
                outlet.write(chunk)
            elif piece.key:
                viewer.skips = False
                outlet.write(_chunk(self._muxer.configurations))
                outlet.write(chunk)

    def _end(self) -> None:
        viewers, self._viewers = self._viewers, {}
        for outlet in viewers:
            outlet.end()


def _chunk(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)
