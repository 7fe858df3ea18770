"""Access units out of a layer's frames: what RTP did to them is undone.

Ticks are those of the codec's RTP clock, unwrapped from 32 bits: they only grow by what passed.
"""

from typing import NamedTuple

from media.errors import MalformedRtp
from media.stream.frames import Frame, Item
from media.wire import fmp4, h264
from media.wire.frame_size import Size, frame_size_of

_PADDED = 0x20  # RFC 3550 section 5.1
_LEFT_OUT = (h264.ACCESS_UNIT_DELIMITER, h264.FILLER)


class Unwrapped:
    """Timestamps of 32 bits, made into numbers that do not wrap around."""

    def __init__(self) -> None:
        self._newest: int | None = None

    def ticks(self, timestamp: int) -> int:
        """Return the number next to the newest one whose low 32 bits are `timestamp`."""
        near = timestamp if self._newest is None else self._newest
        ticks = near + ((timestamp - near + 0x80000000) & 0xFFFFFFFF) - 0x80000000
        self._newest = ticks
        return ticks

    def near(self, timestamp: int) -> int:
        """Return the same without going on: the time of something else."""
        newest, ticks = self._newest, self.ticks(timestamp)
        self._newest = newest
        return ticks


class VideoUnit(NamedTuple):
    """One access unit of H.264 as MP4 has it, and the parameter sets that it needs.

    It is decoded at `ticks` and shown `composition` later.
    """

    ticks: int
    key: bool
    data: bytes
    sets: tuple[bytes, bytes]  # SPS, PPS
    composition: int = 0

    def with_sets(self) -> bytes:
        """Return its data behind the parameter sets."""
        return h264.with_lengths(self.sets) + self.data

    def track(self) -> fmp4.Video:
        """Return the track that begins with it."""
        size = frame_size_of("H264", self.sets[0]) or Size(0, 0)
        return fmp4.Video(size.width, size.height, fmp4.avc_record(*self.sets))


class AudioPacket(NamedTuple):
    """One packet of Opus."""

    ticks: int
    data: bytes


class VideoUnits:
    """H.264 of one layer. After a gap nothing comes up to the next key frame."""

    def __init__(self) -> None:
        self.waits_for_key = True
        self.clock = Unwrapped()
        self._next: int | None = None  # sequence number
        self._sets: dict[int, bytes] = {}  # SPS and PPS of now

    def take(self, frame: Frame) -> VideoUnit | None:
        """Return the access unit of a frame; None: it cannot be decoded."""
        ticks = self.clock.ticks(frame.timestamp) - frame.composition
        whole = self._follows(frame)
        if frame.key:
            self.waits_for_key = False
        if not whole:
            self.waits_for_key = True
        if self.waits_for_key:
            return None
        try:
            units = h264.nal_units(frame.payloads())
        except MalformedRtp:
            units = []
        units = [unit for unit in units if unit[0] & 31 not in _LEFT_OUT]
        if frame.key:
            units = self._without_sets(units)
        if not units or len(self._sets) < 2:
            self.waits_for_key = True
            return None
        sets = self._sets[h264.SPS], self._sets[h264.PPS]
        data = h264.with_lengths(units)
        return VideoUnit(ticks, frame.key, data, sets, frame.composition)

    def _follows(self, frame: Frame) -> bool:
        """Whether nothing is missing in it, nor, unless it is a key frame, before it."""
        expected = frame.runs[0].sequence if frame.key else self._next
        whole = True
        for run in frame.runs:
            whole &= run.sequence == expected
            expected = run.sequence + len(run.items)
        self._next = expected
        return whole

    def _without_sets(self, units: list[bytes]) -> list[bytes]:
        """Take the first SPS and PPS out; others stay where they are."""
        rest: list[bytes] = []
        found: dict[int, bytes] = {}
        for unit in units:
            kind = unit[0] & 31
            if kind in (h264.SPS, h264.PPS) and found.setdefault(kind, unit) is unit:
                continue
            rest.append(unit)
        self._sets.update(found)
        return rest


class AudioPackets:
    """Opus of one layer."""

    def __init__(self) -> None:
        self.clock = Unwrapped()

    def take(self, frame: Frame) -> list[AudioPacket]:
        """Return the packets of a frame."""
        return [
            AudioPacket(self.clock.ticks(item.timestamp), payload)
            for run in frame.runs
            for item in run.items
            if (payload := _unpadded(item))
        ]


def _unpadded(item: Item) -> bytes:
    return item.payload[: -item.payload[-1]] if item.first & _PADDED else item.payload
