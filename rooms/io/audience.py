"""The viewers of one channel in this process: the same bytes to all of them, less to the slow.

Three levels: `FULL` gets every frame; `THIN`, whose socket does not take what it is given, gets
numbered events only; `STALE`, with too much waiting, gets nothing, and a snapshot once it has
caught up. Levels change only between two broadcasts, so that nobody misses or repeats a frame.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Protocol

from rooms.messages import Tick, You
from rooms.state import Snapshot

SLICE_SEATS = 500
"""Viewers written to before other work gets its turn."""
STALE_BYTES = 128 * 1024
"""More than the largest snapshot, or a slow newcomer would get one after the other."""
STALE_S_MAX = 10.0
BEHIND_S_MAX = 30.0


class Codec(Protocol):
    """Turns messages into WebSocket frames, ready to be written."""

    def frame(self, message: Tick | Snapshot | You) -> bytes:
        """Return `message` encoded and framed."""
        ...


class Level(IntEnum):
    """How much a viewer gets."""

    FULL = 0
    THIN = 1
    STALE = 2


@dataclass(slots=True)
class Counts:
    """What this process did since it started; gauges say so. Frames and bytes are of broadcasts."""

    connections: int = 0  # gauge
    connected_total: int = 0
    frames_total: int = 0
    bytes_total: int = 0
    ticks_total: int = 0
    lossy_dropped_total: int = 0
    slow_thinned_total: int = 0
    slow_snapshots_total: int = 0
    slow_closed_total: int = 0
    recovered_total: int = 0
    snapshots_total: int = 0
    log_readings_total: int = 0
    log_failures_total: int = 0
    bus_restored_total: int = 0
    malformed_total: dict[str, int] = field(default_factory=dict)  # by kind
    refused_total: dict[str, int] = field(default_factory=dict)  # by reason
    closed_total: dict[int, int] = field(default_factory=dict)  # by close code


class Seat:
    """One viewer's place: where its bytes go and how far behind it is. Base of connections."""

    __slots__ = (
        "audience",
        "behind_since",
        "client",
        "codec",
        "level",
        "paused",
        "user_id",
        "write",
    )

    def __init__(self) -> None:
        self.audience: Audience | None = None
        self.client = ""
        self.user_id = ""
        self.codec = 0
        self.level = Level.FULL
        self.paused = False
        self.behind_since = 0.0
        self.write: Callable[[bytes], object] = nothing

    def waiting_bytes(self) -> int:
        """Return how many bytes the socket has not taken yet."""
        raise NotImplementedError

    def close_slow(self) -> None:
        """Close with "too slow, come back"."""
        raise NotImplementedError


def nothing(_: bytes) -> None:
    """Write nowhere: the connection is closing."""


class Audience:
    """All seats of one channel, by codec."""

    __slots__ = ("_batches", "_behind", "_changed", "_counts", "_full")

    def __init__(self, codecs: int, counts: Counts) -> None:
        self._full: list[dict[Seat, None]] = [{} for _ in range(codecs)]
        self._batches: list[tuple[Seat, ...] | None] = [None] * codecs
        self._behind: dict[Seat, None] = {}
        self._changed: dict[Seat, None] = {}
        self._counts = counts

    def __len__(self) -> int:
        return sum(map(len, self._full)) + len(self._behind)

    def add(self, seat: Seat) -> None:
        """Let `seat` hear every broadcast that begins from now on."""
        seat.audience = self
        self._full[seat.codec][seat] = None
        self._batches[seat.codec] = None
        if seat.paused:
            self._changed[seat] = None

    def remove(self, seat: Seat) -> None:
        """Forget `seat`."""
        seat.audience = None
        if self._full[seat.codec].pop(seat, seat) is None:
            self._batches[seat.codec] = None
        self._behind.pop(seat, None)
        self._changed.pop(seat, None)

    def changed(self, seat: Seat) -> None:
        """Take note that `seat` was paused or resumed by its transport."""
        self._changed[seat] = None

    @property
    def needs_settling(self) -> bool:
        """Whether some seat was paused or resumed since `settle`."""
        return bool(self._changed)

    def seats(self) -> list[Seat]:
        """Return all seats."""
        return [*(seat for seats in self._full for seat in seats), *self._behind]

    def settle(self, now: float, snapshot: Callable[[int], bytes]) -> None:
        """Move seats to their level; who has caught up after being stale gets `snapshot(codec)`.

        Must not run during a broadcast.
        """
        changed, self._changed = self._changed, {}
        for seat in (*changed, *(seat for seat in self._behind if seat not in changed)):
            if seat.paused:
                self._fall_behind(seat, now)
            elif seat.level is not Level.FULL:
                if seat.level is Level.STALE:
                    seat.write(snapshot(seat.codec))
                    self._counts.slow_snapshots_total += 1
                seat.level = Level.FULL
                del self._behind[seat]
                self.add(seat)

    def close_hopeless(self, now: float) -> None:
        """Close who has been behind too long."""
        for seat in list(self._behind):
            behind_s = now - seat.behind_since
            if behind_s > (STALE_S_MAX if seat.level is Level.STALE else BEHIND_S_MAX):
                self._counts.slow_closed_total += 1
                seat.close_slow()

    async def broadcast(
        self, full: Callable[[int], bytes], thin: Callable[[int], bytes] | None
    ) -> None:
        """Write one frame per codec to everybody, in slices; `thin` is for those behind, if any."""
        # All lists are taken first: who comes or changes level meanwhile is not concerned.
        behind = [seat for seat in self._behind if seat.level is Level.THIN]
        batches = [(codec, self._batch(codec)) for codec in range(len(self._full))]
        for codec, batch in batches:
            if batch:
                await self._write(batch, full(codec))
        self._counts.lossy_dropped_total += len(self._behind)
        if thin is not None:
            for seat in behind:
                seat.write(thin(seat.codec))
            self._counts.frames_total += len(behind)

    async def _write(self, batch: tuple[Seat, ...], frame: bytes) -> None:
        counts = self._counts
        for start in range(0, len(batch), SLICE_SEATS):
            if start:
                await asyncio.sleep(0)
            part = batch[start : start + SLICE_SEATS]
            for seat in part:
                seat.write(frame)
            counts.frames_total += len(part)
            counts.bytes_total += len(part) * len(frame)

    def _batch(self, codec: int) -> tuple[Seat, ...]:
        batch = self._batches[codec]
        if batch is None:
            batch = self._batches[codec] = tuple(self._full[codec])
        return batch

    def _fall_behind(self, seat: Seat, now: float) -> None:
        if seat.level is Level.FULL:
            seat.level = Level.THIN
            seat.behind_since = now
            self._full[seat.codec].pop(seat, None)
            self._batches[seat.codec] = None
            self._behind[seat] = None
            self._counts.slow_thinned_total += 1
        if seat.level is Level.THIN and seat.waiting_bytes() > STALE_BYTES:
            seat.level = Level.STALE
            seat.behind_since = now
