"""Cuts access units into parts and segments of CMAF (RFC 8216bis sections 3 and 4.4.4.9).

Decode times are ticks of each track's timescale on one timeline that begins at 0. A part ends one
access unit late: how long a sample lasts is known when the next one comes.
"""

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from media.packaging.muxer import Beginning
from media.wire import fmp4

# A part is full from 85 % of the target on (section 4.4.3.7); frames of 50 ms and less always fit
# into the rest, and of lower rates those that divide it well: 15, 12 and 10 frames per second.
PART_TARGET_S = 0.34
PART_S_MIN = 0.85 * PART_TARGET_S
SEGMENT_S_MIN = 1.6  # before that no key frame begins another one
# May never grow (section 4.4.3.1). OBS makes a key frame every 250 frames by default: players that
# leave a segment for one without a key frame lose the live edge. With longer GOPs they have to.
TARGET_DURATION_S = 10
# Players may leave out what is older than six target durations, so more than that is listed.
WINDOW_S = 66.0
RETIRED_SEGMENTS_MAX = 6  # no longer listed, but still to be had
SAMPLE_S_MAX = 1.0  # a longer pause must interrupt the stream
# A segment ends here without a key frame, so that even the longest sample fits into it: durations
# are rounded to whole seconds before they are compared with the target.
SEGMENT_S_MAX = TARGET_DURATION_S + 0.49 - SAMPLE_S_MAX


class Part(NamedTuple):
    """One `moof` and `mdat`. `independent`: it begins with a key frame."""

    data: bytes
    duration_s: float
    independent: bool
    start_s: float  # on the timeline of its epoch


class Epoch(NamedTuple):
    """What holds from `begin` to `interrupt`."""

    init: int  # number of the init segment
    tracks: Sequence[fmp4.Track]
    program_s: float  # wall clock at 0 of the timeline
    media_time: int | None  # RTP time of the video at 0 of the timeline
    rid: str  # of the layer


@dataclass(slots=True)
class Segment:
    """Parts that follow each other; the last one of a window may still be open."""

    msn: int  # Media Sequence Number
    epoch: Epoch
    program_s: float  # wall clock of its beginning
    begins_discontinuity: bool
    parts: list[Part] = field(default_factory=list)
    duration_s: float = 0.0
    complete: bool = False

    @property
    def init(self) -> int:
        """The number of its init segment."""
        return self.epoch.init

    @property
    def octets(self) -> int:
        """Its length in bytes."""
        return sum(len(part.data) for part in self.parts)


class _Unit(NamedTuple):
    ticks: int
    key: bool
    data: bytes
    composition: int = 0


class Segmenter:
    """Call `begin`, then `add_video` and `add_audio`; `interrupt` when the source breaks off.

    Where there is video, it decides on the cuts, and the sound that is there goes along.
    `on_change` is called when there is something new for the playlist.
    """

    def __init__(self, on_change: Callable[[], None]) -> None:
        self.segments: deque[Segment] = deque()
        self.inits: list[bytes] = []
        self.tracks: Sequence[fmp4.Track] = ()
        self.next_msn = 0  # of the open segment, or of the one that comes next
        self.discontinuities_retired = 0
        self.bits_per_s_peak = 0.0
        self.interrupted = True  # nothing comes before the next `begin`
        self.ended = False
        self._on_change = on_change
        self._retired: deque[Segment] = deque(maxlen=RETIRED_SEGMENTS_MAX)
        self._epoch: Epoch | None = None
        self._timescale = 1
        self._main: list[tuple[int, fmp4.Sample]] = []  # of the open part
        self._main_ticks = 0
        self._held: _Unit | None = None
        self._held_ticks = 0  # how long the one before lasted
        self._audio: list[tuple[int, fmp4.Sample]] = []
        self._discontinuity = False
        self._fragments = 0

    # In

    def begin(self, beginning: Beginning) -> None:
        """What comes is of these tracks; see `Epoch`."""
        assert self.interrupted and not self.ended
        tracks = beginning.tracks
        init = fmp4.init_segment(tracks)
        if not self.inits or self.inits[-1] != init:
            self.inits.append(init)
        self.tracks = tracks
        self._epoch = Epoch(len(self.inits), *beginning)
        self._timescale = tracks[0].timescale
        self.interrupted = False

    def add_video(self, ticks: int, data: bytes, *, key: bool, composition: int = 0) -> None:
        """Add an access unit of the first track, which is shown `composition` later."""
        self._add(_Unit(ticks, key, data, composition))

    def add_audio(self, ticks: int, data: bytes, duration: int) -> None:
        """Add a frame of the last track, which follows the one before without a gap."""
        if len(self.tracks) == 1:
            self._add(_Unit(ticks, True, data))
        else:
            self._audio.append((ticks, fmp4.Sample(data, duration)))

    def interrupt(self) -> None:
        """The source broke off: what comes next is announced as a discontinuity, now."""
        if self.interrupted:
            return
        if self._held is not None:
            self._take_held(self._held_ticks or round(0.04 * self._timescale))
        if self._main:
            self._end_part(ends_segment=True)
        elif self.segments and not self.segments[-1].complete:
            self._end_segment(self.segments[-1])
        self._held, self._held_ticks = None, 0
        self._audio.clear()
        self.interrupted = True
        self._discontinuity = bool(self.segments)
        self._on_change()

    def forget(self) -> None:
        """What came so far was for others: it is neither listed nor handed out any more."""
        self.interrupt()
        self.discontinuities_retired += sum(each.begins_discontinuity for each in self.segments)
        self.segments.clear()
        self._retired.clear()
        self._on_change()

    def end(self) -> None:
        """Nothing comes any more."""
        if not self.ended:
            self.interrupt()
            self.ended = True
            self._on_change()

    # Out

    @property
    def announces_discontinuity(self) -> bool:
        """Whether the segment that comes next begins with a discontinuity."""
        return self._discontinuity

    @property
    def discontinuities(self) -> int:
        """How many there were, with the one that comes next."""
        listed = sum(segment.begins_discontinuity for segment in self.segments)
        return self.discontinuities_retired + listed + self._discontinuity

    @property
    def last_part(self) -> tuple[int, int] | None:
        """Segment and index of the newest part; None: there is none."""
        last = self.segments[-1] if self.segments else None
        return (last.msn, len(last.parts) - 1) if last is not None else None

    @property
    def next_part(self) -> tuple[int, int]:
        """Where the part that comes next will be: segment and index in it."""
        if self.segments and not self.segments[-1].complete:
            return self.next_msn, len(self.segments[-1].parts)
        return self.next_msn, 0

    def has(self, msn: int, part: int) -> bool:
        """Whether the playlist has come to this part, or beyond it.

        Part −1 stands for the end of the segment before.
        """
        next_msn, next_part = self.next_part
        if msn == next_msn - 1 and (last := self.find(msn)) and part >= len(last.parts):
            msn, part = next_msn, 0  # section 6.2.5.2
        return (msn, part) < (next_msn, next_part)

    def find(self, msn: int) -> Segment | None:
        """Return a segment, listed or not long retired; the open one, too."""
        for segments in (self.segments, self._retired):
            if segments and 0 <= msn - segments[0].msn < len(segments):
                return segments[msn - segments[0].msn]
        return None

    # Cutting

    def _add(self, unit: _Unit) -> None:
        if self._held is not None:
            self._take_held(max(1, unit.ticks - self._held.ticks))
            segment_s = self._segment_s()
            if unit.key and self._may_cut(segment_s):
                self._end_part(ends_segment=True)
            elif self._main and self._main_s() >= PART_S_MIN:
                self._end_part(ends_segment=segment_s > SEGMENT_S_MAX)
        self._held = unit

    def _may_cut(self, segment_s: float) -> bool:
        open_segment = self._open_segment()
        begins_late = open_segment is not None and not open_segment.parts[0].independent
        # Players begin only once there is a complete segment.
        has_none = not self.segments or not self.segments[0].complete
        is_first = has_none and segment_s >= PART_S_MIN
        return bool(self._main) and (segment_s >= SEGMENT_S_MIN or begins_late or is_first)

    def _take_held(self, duration: int) -> None:
        """Put the unit that was held into the open part, or begin another one with it."""
        assert self._held is not None
        unit, self._held, self._held_ticks = self._held, None, duration
        duration_s = duration / self._timescale
        if self._main and self._main_s() + duration_s > PART_TARGET_S:
            # A part that is not full may only be the last of its segment.
            self._end_part(ends_segment=self._main_s() < PART_S_MIN)
        sample = fmp4.Sample(unit.data, duration, unit.key, unit.composition)
        self._main.append((unit.ticks, sample))
        self._main_ticks += duration

    def _main_s(self) -> float:
        return self._main_ticks / self._timescale

    def _open_segment(self) -> Segment | None:
        last = self.segments[-1] if self.segments else None
        return last if last is not None and not last.complete else None

    def _segment_s(self) -> float:
        open_segment = self._open_segment()
        return (open_segment.duration_s if open_segment else 0.0) + self._main_s()

    def _end_part(self, *, ends_segment: bool) -> None:
        segment = self._open_segment() or self._begin_segment()
        runs = [_run(1, self._main)]
        sound = self._take_sound()
        if sound:
            runs.append(_run(2, sound))
        self._fragments += 1
        data = fmp4.fragment(self._fragments, runs, independent=not segment.parts)
        duration_s = self._main_s()
        start_s = self._main[0][0] / self._timescale
        segment.parts.append(Part(data, duration_s, self._main[0][1].key, start_s))
        segment.duration_s += duration_s
        self._main, self._main_ticks = [], 0
        if ends_segment or duration_s > PART_TARGET_S:
            self._end_segment(segment)
        self._on_change()

    def _take_sound(self) -> list[tuple[int, fmp4.Sample]]:
        """Return the sound that begins before the open part ends; what came early stays."""
        timescale = self.tracks[-1].timescale
        end_s = self._main[-1][0] / self._timescale + self._main[-1][1].duration / self._timescale
        count = sum(ticks < end_s * timescale for ticks, _ in self._audio)
        sound, self._audio = self._audio[:count], self._audio[count:]
        return sound

    def _begin_segment(self) -> Segment:
        assert self._epoch is not None
        ticks, first = self._main[0]
        # Players count from when its first frame is shown.
        program_s = self._epoch.program_s + (ticks + first.composition) / self._timescale
        segment = Segment(self.next_msn, self._epoch, program_s, self._discontinuity)
        self._discontinuity = False
        self.segments.append(segment)
        return segment

    def _end_segment(self, segment: Segment) -> None:
        segment.complete = True
        self.next_msn += 1
        rate = segment.octets * 8 / segment.duration_s
        self.bits_per_s_peak = max(self.bits_per_s_peak, rate)
        listed_s = sum(each.duration_s for each in self.segments)
        while listed_s - self.segments[0].duration_s > WINDOW_S:
            oldest = self.segments.popleft()
            listed_s -= oldest.duration_s
            self.discontinuities_retired += oldest.begins_discontinuity
            self._retired.append(oldest)


def _run(track_id: int, samples: list[tuple[int, fmp4.Sample]]) -> fmp4.TrackRun:
    return fmp4.TrackRun(track_id, samples[0][0], [sample for _, sample in samples])
