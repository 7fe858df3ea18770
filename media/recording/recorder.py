"""Turns what a `Segmenter` makes into the lines and fragments of a recording.

The recording's timeline has no gaps: an epoch begins right after the one before, so all fragments
in a row are one file that plays.
"""

from typing import NamedTuple

from media.packaging.segmenter import Epoch as StreamEpoch
from media.packaging.segmenter import Part, Segment, Segmenter
from media.recording.index import HZ, PRIMING_S, Chunk, Entry, Epoch, Fragment, Index, Init, line_of
from media.wire import fmp4

# A chunk is one object of the blob store, and what one upload carries.
CHUNK_S = 60.0
CHUNK_BYTES_MAX = 32 << 20
# Between two epochs; AAC's 1,024 samples of priming lie there.
EPOCH_GAP_S = 0.1


class TailWrite(NamedTuple):
    """Append both to the tail, which has the parts of a segment that is not complete."""

    lines: bytes
    data: bytes


class Write(NamedTuple):
    """Append `lines` to the index, then `data`, a whole segment, to the chunk; empty the tail."""

    lines: bytes
    chunk: str
    data: bytes


class Recorder:
    """Call `take` whenever the segmenter has something new; `index` is what it adds up to."""

    def __init__(self, index: Index, suffix: str) -> None:
        """`index` is what there is already; `suffix` makes names of chunks unique."""
        self.index = index
        self._suffix = suffix
        self._segmenter: Segmenter | None = None
        self._next = (0, 0)  # segment and part
        self._epoch: StreamEpoch | None = None
        self._shift_s = 0.0
        self._chunk_start = 0
        self._chunk_octets = -1  # of the open chunk; -1: there is none
        # Of the open segment: what comes before it in the index, and its parts.
        self._heading: list[Entry] = []
        self._parts: list[tuple[Fragment, bytes]] = []

    def take(self, segmenter: Segmenter) -> list[TailWrite | Write]:
        """Return what is new in this segmenter; of another one than before, from now on."""
        out: list[TailWrite | Write] = []
        if segmenter is not self._segmenter:
            out += self.end_segment()
            self._segmenter, self._epoch = segmenter, None
            self._next = (segmenter.segments[-1].msn if segmenter.segments else 0), 0
        for segment in segmenter.segments:
            if segment.msn < self._next[0]:
                continue
            first = self._next[1] if segment.msn == self._next[0] else 0
            for number in range(first, len(segment.parts)):
                out.append(self._tail(segment, number))
                self._next = segment.msn, number + 1
            if segment.complete:
                out += self.end_segment()
                self._next = segment.msn + 1, 0
        return out

    def end_chunk(self) -> None:
        """What comes next is in another chunk."""
        self._chunk_octets = -1

    def end_segment(self) -> list[Write]:
        """Return the open segment as it is, if there is one: one fragment."""
        if not self._parts:
            return []
        data = fmp4.merged(len(self.index.fragments) + 1, [data for _, data in self._parts])
        first, last = self._parts[0][0], self._parts[-1][0]
        duration = last.start + last.duration - first.start
        whole = first._replace(offset=self._chunk_octets, length=len(data), duration=duration)
        entries = [*self._heading, whole]
        self._heading, self._parts = [], []
        for entry in entries:
            self.index.add(entry)
        self._chunk_octets += len(data)
        return [Write(b"".join(map(line_of, entries)), self.index.chunks[-1], data)]

    def _tail(self, segment: Segment, number: int) -> TailWrite:
        part, heading = segment.parts[number], list[Entry]()
        if segment.epoch is not self._epoch:
            heading += self._begin_epoch(segment.epoch, part)
        start = self._ticks(part)
        if not self._parts and (self._chunk_octets < 0 or self._chunk_is_full(start)):
            heading.append(Chunk(f"{len(self.index.chunks):05}-{self._suffix}.m4s"))
            self._chunk_start, self._chunk_octets = start, 0
        self._heading += heading
        delays = [round(self._shift_s * track.timescale) for track in segment.epoch.tracks]
        data = fmp4.delayed(part.data, delays)
        offset = sum(len(data) for _, data in self._parts)
        fragment = Fragment(offset, len(data), start, round(part.duration_s * HZ), part.independent)
        self._parts.append((fragment, data))
        return TailWrite(b"".join(map(line_of, [*heading, fragment])), data)

    def _begin_epoch(self, epoch: StreamEpoch, part: Part) -> list[Entry]:
        self._epoch = epoch
        assert not self._parts, "an epoch ends with a segment"
        fragments = self.index.fragments
        start_s = self.index.end / HZ + EPOCH_GAP_S if fragments else PRIMING_S
        self._shift_s = start_s - part.start_s
        entries: list[Entry] = []
        init = fmp4.init_segment(epoch.tracks)
        if init not in self.index.inits:
            entries.append(Init(init))
        place = self.index.inits.index(init) if not entries else len(self.index.inits)
        video = epoch.tracks[0]
        width, height = (video.width, video.height) if isinstance(video, fmp4.Video) else (0, 0)
        program_ms = round((epoch.program_s + part.start_s) * 1_000)
        media_time = epoch.media_time
        if media_time is not None:
            media_time = media_time + round(part.start_s * HZ) & 0xFFFFFFFF
        start = self._ticks(part)
        entries.append(Epoch(place, start, program_ms, media_time, epoch.rid, width, height))
        return entries

    def _ticks(self, part: Part) -> int:
        return round((part.start_s + self._shift_s) * HZ)

    def _chunk_is_full(self, start: int) -> bool:
        seconds = (start - self._chunk_start) / HZ
        return seconds >= CHUNK_S or self._chunk_octets >= CHUNK_BYTES_MAX
