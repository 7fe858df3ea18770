"""A recording as players load it: one virtual MP4 file, and a VOD playlist of byte ranges of it.

The file is a head (init segment and `sidx`, made here) and then the fragments as they lie in their
chunks, so nothing is copied or written again.
"""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import NamedTuple

from media.recording.index import HZ, PRIMING_S, Index, Placed
from media.wire import fmp4

VERSION = 7


class Piece(NamedTuple):
    """Bytes of a chunk, by its name."""

    chunk: str
    offset: int
    length: int


class MovedPiece(NamedTuple):
    """From `low` up to `high` of a fragment whose tracks decode later, by ticks of each."""

    fragment: Piece
    delays: list[int]
    low: int
    high: int

    def of(self, data: bytes) -> bytes:
        """Return the bytes, made of those of the fragment."""
        return fmp4.delayed(data, self.delays)[self.low : self.high]


class ReplayFile:
    """The virtual file of an index, which has at least one fragment.

    `from_zero`: its times begin there, as players show them, wherever the index begins; then each
    fragment is read whole.
    """

    def __init__(self, index: Index, *, from_zero: bool = False) -> None:
        self._index = index
        self._from_zero = from_zero
        self._delay = round(PRIMING_S * HZ) - index.start if from_zero else 0
        first = index.fragments[0]
        init = index.inits[index.epochs[first.epoch].init]
        references = [
            fmp4.Reference(each.fragment.length, each.fragment.duration, each.fragment.key)
            for each in index.fragments
        ]
        self._delays = [round(self._delay * timescale / HZ) for timescale in fmp4.timescales(init)]
        duration_ms = round(index.duration_s * 1_000)
        sidx = fmp4.segment_index(1, HZ, index.start + self._delay, references)
        self.init = fmp4.with_duration(init, duration_ms)
        self.head = self.init + sidx
        self.size = len(self.head) + index.octets

    def read_plan(self, start: int, end: int) -> Iterator[bytes | Piece | MovedPiece]:
        """Return what the bytes from `start` up to `end` are made of, in order."""
        if start < len(self.head):
            yield self.head[start:end]
        at = len(self.head)
        for piece in self._pieces():
            low, high = max(start - at, 0), min(end - at, piece.length)
            if low < high and self._from_zero:
                yield MovedPiece(piece, self._delays, low, high)
            elif low < high:
                yield Piece(piece.chunk, piece.offset + low, high - low)
            at += piece.length

    def playlist(self, uri: str, init_uri: str) -> str:
        """Return the VOD playlist (RFC 8216); `init_uri` has `{}` for the number of an init."""
        fragments = self._index.fragments
        longest_s = max(map(_seconds, fragments))
        lines = [
            "#EXTM3U",
            f"#EXT-X-VERSION:{VERSION}",
            "#EXT-X-PLAYLIST-TYPE:VOD",
            f"#EXT-X-TARGETDURATION:{max(1, round(longest_s))}",
            "#EXT-X-MEDIA-SEQUENCE:0",
        ]
        offset, before = len(self.head), -1
        for placed in fragments:
            number, length = placed.epoch, placed.fragment.length
            epoch = self._index.epochs[number]
            if number != before:
                if before >= 0:
                    lines.append("#EXT-X-DISCONTINUITY")
                lines.append(f'#EXT-X-MAP:URI="{init_uri.format(epoch.init)}"')
            before = number
            begun_ticks = placed.fragment.start - epoch.start
            at = datetime.fromtimestamp(epoch.program_ms / 1e3 + begun_ticks / HZ, UTC)
            time = at.isoformat(timespec="milliseconds").removesuffix("+00:00")
            lines += [
                f"#EXT-X-PROGRAM-DATE-TIME:{time}Z",
                f"#EXTINF:{_seconds(placed):.5f},",
                f"#EXT-X-BYTERANGE:{length}@{offset}",
                uri,
            ]
            offset += length
        return "\n".join([*lines, "#EXT-X-ENDLIST"]) + "\n"

    def _pieces(self) -> Iterator[Piece]:
        """Fragments that follow each other in a chunk are one piece."""
        piece: Piece | None = None
        for fragment, chunk, _ in self._index.fragments:
            name = self._index.chunks[chunk]
            follows = piece and piece.chunk == name and not self._from_zero
            if piece and follows and piece.offset + piece.length == fragment.offset:
                piece = piece._replace(length=piece.length + fragment.length)
                continue
            if piece:
                yield piece
            piece = Piece(name, fragment.offset, fragment.length)
        if piece:
            yield piece


def _seconds(placed: Placed) -> float:
    return placed.fragment.duration / HZ
