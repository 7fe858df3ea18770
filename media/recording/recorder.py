"""Turns what a `Segmenter` makes into the lines and fragments of a recording.

The recording's timeline has no gaps: an epoch begins right after the one before, so all fragments
in a row are one file that plays.
"""

from typing import NamedTuple

from media.packaging.segmenter import Epoch as StreamEpoch
from media.packaging.segmenter import Part, Segment, Segmenter
from media.recording.index import HZ, Chunk, Entry, Epoch, Fragment, Index, Init, line_of
from media.wire import fmp4

# A chunk is one object of the blob store, and what one upload carries.
CHUNK_S = 60.0
CHUNK_BYTES_MAX = 32 << 20
# Between two epochs, and before the first: AAC's 1,024 samples of priming lie there.
EPOCH_GAP_S = 0.1


class Write(NamedTuple):
    """Append `lines` to the index, then `data` to the chunk."""

    lines: bytes
    chunk: str
    data: bytes


class Recorder:
    """Call `take` whenever the segmenter has something new; `index` is what it adds up to."""

    def __init__(self, index: Index, suffix: str) -> None:
        """`index` is what there is already; `suffix` makes names of chunks unique."""
        self.index = index
        self.octets_written = 0
        self._suffix = suffix
        self._segmenter: Segmenter | None = None
        self._next = (0, 0)  # segment and part
        self._epoch: StreamEpoch | None = None
        self._shift_s = 0.0
        self._chunk_start = 0
        self._chunk_octets = -1  # of the open chunk; -1: there is none

    def take(self, segmenter: Segmenter) -> list[Write]:
        """Return what is new in this segmenter; of another one than before, from now on."""
        if segmenter is not self._segmenter:
            self._segmenter, self._epoch = segmenter, None
            self._next = (segmenter.segments[-1].msn if segmenter.segments else 0), 0
        out: list[Write] = []
        for segment in segmenter.segments:
            if segment.msn < self._next[0]:
                continue
            first = self._next[1] if segment.msn == self._next[0] else 0
            for number in range(first, len(segment.parts)):
                out.append(self._write(segment, number))
                self._next = segment.msn, number + 1
        return out

    def end_chunk(self) -> None:
        """What comes next is in another chunk."""
        self._chunk_octets = -1

    def _write(self, segment: Segment, number: int) -> Write:
        part, entries = segment.parts[number], list[Entry]()
        if segment.epoch is not self._epoch:
            entries += self._begin_epoch(segment.epoch, part)
        start = self._ticks(part)
        begins_segment = number == 0
        if (begins_segment and self._chunk_is_full(start)) or self._chunk_octets < 0:
            entries.append(Chunk(f"{len(self.index.chunks):05}-{self._suffix}.m4s"))
            self._chunk_start, self._chunk_octets = start, 0
        duration = round(part.duration_s * HZ)
        delays = [round(self._shift_s * track.timescale) for track in segment.epoch.tracks]
        data = fmp4.delayed(part.data, delays)
        entries.append(
            Fragment(
                self._chunk_octets, len(data), start, duration, begins_segment, part.independent
            )
        )
        for entry in entries:
            self.index.add(entry)
        self._chunk_octets += len(data)
        self.octets_written += len(data)
        return Write(b"".join(map(line_of, entries)), self.index.chunks[-1], data)

    def _begin_epoch(self, epoch: StreamEpoch, part: Part) -> list[Entry]:
        self._epoch = epoch
        self._shift_s = self.index.end / HZ + EPOCH_GAP_S - part.start_s
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
