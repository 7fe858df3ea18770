"""A recording as players load it: one virtual MP4 file, and a VOD playlist of byte ranges of it.

The file is a head (init segment and `sidx`, made here) and then the fragments as they lie in their
chunks, so nothing is copied or written again.
"""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import NamedTuple

from media.recording.index import HZ, Index, Placed
from media.wire import fmp4

VERSION = 7


class Piece(NamedTuple):
    """Bytes of a chunk, by its name."""

    chunk: str
    offset: int
    length: int


class ReplayFile:
    """The virtual file of an index, which has at least one fragment."""

    def __init__(self, index: Index) -> None:
        self._index = index
        self._segments = index.segments()
        first = index.fragments[0]
        init = index.inits[index.epochs[first.epoch].init]
        references = [
            fmp4.Reference(
                sum(placed.fragment.length for placed in segment),
                segment[-1].end - segment[0].fragment.start,
                segment[0].fragment.key,
            )
            for segment in self._segments
        ]
        duration_ms = round(index.duration_s * 1_000)
        sidx = fmp4.segment_index(1, HZ, index.start, references)
        self.init = fmp4.with_duration(init, duration_ms)
        self.head = self.init + sidx
        self.size = len(self.head) + index.octets

    def read_plan(self, start: int, end: int) -> Iterator[bytes | Piece]:
        """Return what the bytes from `start` up to `end` are made of, in order."""
        if start < len(self.head):
            yield self.head[start:end]
        at = len(self.head)
        for piece in self._pieces():
            low, high = max(start - at, 0), min(end - at, piece.length)
            if low < high:
                yield Piece(piece.chunk, piece.offset + low, high - low)
            at += piece.length

    def playlist(self, uri: str, init_uri: str) -> str:
        """Return the VOD playlist (RFC 8216); `init_uri` has `{}` for the number of an init."""
        segments = self._segments
        longest_s = max(_seconds(segment) for segment in segments)
        lines = [
            "#EXTM3U",
            f"#EXT-X-VERSION:{VERSION}",
            "#EXT-X-PLAYLIST-TYPE:VOD",
            f"#EXT-X-TARGETDURATION:{max(1, round(longest_s))}",
            "#EXT-X-MEDIA-SEQUENCE:0",
        ]
        offset, before = len(self.head), -1
        for segment in segments:
            number = segment[0].epoch
            epoch = self._index.epochs[number]
            if number != before:
                if before >= 0:
                    lines.append("#EXT-X-DISCONTINUITY")
                lines.append(f'#EXT-X-MAP:URI="{init_uri.format(epoch.init)}"')
            before = number
            begun_ticks = segment[0].fragment.start - epoch.start
            at = datetime.fromtimestamp(epoch.program_ms / 1e3 + begun_ticks / HZ, UTC)
            time = at.isoformat(timespec="milliseconds").removesuffix("+00:00")
            length = sum(placed.fragment.length for placed in segment)
            lines += [
                f"#EXT-X-PROGRAM-DATE-TIME:{time}Z",
                f"#EXTINF:{_seconds(segment):.5f},",
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
            if piece and piece.chunk == name and piece.offset + piece.length == fragment.offset:
                piece = piece._replace(length=piece.length + fragment.length)
                continue
            if piece:
                yield piece
            piece = Piece(name, fragment.offset, fragment.length)
        if piece:
            yield piece


def _seconds(segment: list[Placed]) -> float:
    return (segment[-1].end - segment[0].fragment.start) / HZ
