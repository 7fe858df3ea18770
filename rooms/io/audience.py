"""The subscribers of one channel in this worker: the same bytes to all, less to the slow.

Three levels: `FULL` gets every frame; `THIN`, whose socket buffer is full, gets numbered events
only; `STALE`, with too much waiting, gets nothing, and a snapshot once its buffer is empty. Levels
change only between two broadcasts, so that no frame is missed or duplicated.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Protocol

from rooms.io.presence import Presence
from rooms.messages import Tick, You
from rooms.state import Snapshot

SLICE_SUBSCRIBERS = 500
"""Subscribers written to before other tasks get their turn."""
STALE_BYTES = 128 * 1024
"""More than the largest snapshot, or a slow newcomer would get one after the other."""
STALE_S_MAX = 10.0
BEHIND_S_MAX = 30.0


class MessageCodec(Protocol):
    """Turns messages into WebSocket frames, ready to be written."""

    def frame(self, message: Tick | Snapshot | You) -> bytes:
        """Return `message` encoded and framed."""
        ...


class Level(IntEnum):
    """How much a subscriber gets."""

    FULL = 0
    THIN = 1
    STALE = 2


@dataclass(slots=True)
class Counts:
    """Figures of this worker since its start, or gauges. Frames and bytes are of broadcasts."""

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


class Subscriber:
    """One viewer: where its bytes go and how far behind it is. Base of connections.

    `is_viewer` is false for who runs the room, whom nobody counts.
    """

    __slots__ = (
        "audience",
        "behind_since",
        "client",
        "codec",
        "counted_as",
        "is_viewer",
        "level",
        "paused",
        "user_id",
        "write",
    )

    def __init__(self) -> None:
        self.audience: Audience | None = None
        self.client = ""
        self.user_id = ""
        self.counted_as = ""
        self.codec = 0
        self.is_viewer = True
        self.level = Level.FULL
        self.paused = False
        self.behind_since = 0.0
        self.write: Callable[[bytes], object] = nothing

    def waiting_bytes(self) -> int:
        """Return how many bytes wait in the write buffer."""
        raise NotImplementedError

    def close_slow(self) -> None:
        """Close with code 3008."""
        raise NotImplementedError


def nothing(_: bytes) -> None:
    """Discard: the connection is closing."""


class Audience:
    """All subscribers of one channel, by codec."""

    __slots__ = (
        "_again",
        "_batches",
        "_behind",
        "_changed",
        "_counts",
        "_full",
        "_hosts",
        "_people",
        "presence",
    )

    def __init__(self, codecs: int, counts: Counts) -> None:
        self._full: list[dict[Subscriber, None]] = [{} for _ in range(codecs)]
        self._batches: list[tuple[Subscriber, ...] | None] = [None] * codecs
        self._behind: dict[Subscriber, None] = {}
        self._changed: dict[Subscriber, None] = {}
        self._hosts: set[Subscriber] = set()
        self._people: Counter[str] = Counter()  # connections of each person who watches
        self._again = 0  # connections of people beyond their first
        self.presence = Presence()
        self._counts = counts

    def __len__(self) -> int:
        return sum(map(len, self._full)) + len(self._behind)

    @property
    def viewers(self) -> int:
        """How many people watch, each once; who is nobody in particular, by connection.

        Hosts are left out.
        """
        return len(self) - len(self._hosts) - self._again

    @property
    def people(self) -> Collection[str]:
        """Who watches, but for who is nobody in particular."""
        return self._people.keys()

    def add(self, subscriber: Subscriber) -> None:
        """Send `subscriber` every broadcast that begins from now on."""
        subscriber.audience = self
        if not subscriber.is_viewer:
            self._hosts.add(subscriber)
        elif subscriber.user_id and not subscriber.counted_as:  # else it was behind
            subscriber.counted_as = subscriber.user_id
            self._people[subscriber.user_id] += 1
            if self._people[subscriber.user_id] > 1:
                self._again += 1
            else:
                self.presence.joined(subscriber.user_id)
        self._full[subscriber.codec][subscriber] = None
        self._batches[subscriber.codec] = None
        if subscriber.paused:
            self._changed[subscriber] = None

    def remove(self, subscriber: Subscriber) -> None:
        """Forget `subscriber`."""
        subscriber.audience = None
        if person := subscriber.counted_as:
            subscriber.counted_as = ""
            self._people[person] -= 1
            if self._people[person]:
                self._again -= 1
            else:
                del self._people[person]
                self.presence.left(person)
        self._hosts.discard(subscriber)
        if self._full[subscriber.codec].pop(subscriber, subscriber) is None:
            self._batches[subscriber.codec] = None
        self._behind.pop(subscriber, None)
        self._changed.pop(subscriber, None)

    def changed(self, subscriber: Subscriber) -> None:
        """Mark `subscriber` as paused or resumed by its transport."""
        self._changed[subscriber] = None

    @property
    def needs_settling(self) -> bool:
        """Whether some subscriber was paused or resumed since `settle`."""
        return bool(self._changed)

    def subscribers(self) -> list[Subscriber]:
        """Return all subscribers."""
        return [
            *(subscriber for subscribers in self._full for subscriber in subscribers),
            *self._behind,
        ]

    def settle(self, now: float, snapshot: Callable[[int], bytes]) -> None:
        """Move subscribers to their level; a stale one that resumed gets `snapshot(codec)`.

        Must not run during a broadcast.
        """
        changed, self._changed = self._changed, {}
        for subscriber in (
            *changed,
            *(subscriber for subscriber in self._behind if subscriber not in changed),
        ):
            if subscriber.paused:
                self._fall_behind(subscriber, now)
            elif subscriber.level is not Level.FULL:
                if subscriber.level is Level.STALE:
                    subscriber.write(snapshot(subscriber.codec))
                    self._counts.slow_snapshots_total += 1
                subscriber.level = Level.FULL
                del self._behind[subscriber]
                self.add(subscriber)

    def close_hopeless(self, now: float) -> None:
        """Close subscribers that have been behind too long."""
        for subscriber in list(self._behind):
            behind_s = now - subscriber.behind_since
            if behind_s > (STALE_S_MAX if subscriber.level is Level.STALE else BEHIND_S_MAX):
                self._counts.slow_closed_total += 1
                subscriber.close_slow()

    async def broadcast(
        self, full: Callable[[int], bytes], thin: Callable[[int], bytes] | None
    ) -> None:
        """Write one frame per codec to all, in slices; `thin` goes to those behind, if given."""
        # All lists are taken first: one that joins or changes level meanwhile is in the next.
        behind = [subscriber for subscriber in self._behind if subscriber.level is Level.THIN]
        batches = [(codec, self._batch(codec)) for codec in range(len(self._full))]
        for codec, batch in batches:
            if batch:
                await self._write(batch, full(codec))
        self._counts.lossy_dropped_total += len(self._behind)
        if thin is not None:
            for subscriber in behind:
                subscriber.write(thin(subscriber.codec))
            self._counts.frames_total += len(behind)

    async def _write(self, batch: tuple[Subscriber, ...], frame: bytes) -> None:
        counts = self._counts
        for start in range(0, len(batch), SLICE_SUBSCRIBERS):
            if start:
                await asyncio.sleep(0)
            part = batch[start : start + SLICE_SUBSCRIBERS]
            for subscriber in part:
                subscriber.write(frame)
            counts.frames_total += len(part)
            counts.bytes_total += len(part) * len(frame)

    def _batch(self, codec: int) -> tuple[Subscriber, ...]:
        batch = self._batches[codec]
        if batch is None:
            batch = self._batches[codec] = tuple(self._full[codec])
        return batch

    def _fall_behind(self, subscriber: Subscriber, now: float) -> None:
        if subscriber.level is Level.FULL:
            subscriber.level = Level.THIN
            subscriber.behind_since = now
            self._full[subscriber.codec].pop(subscriber, None)
            self._batches[subscriber.codec] = None
            self._behind[subscriber] = None
            self._counts.slow_thinned_total += 1
        if subscriber.level is Level.THIN and subscriber.waiting_bytes() > STALE_BYTES:
            subscriber.level = Level.STALE
            subscriber.behind_since = now
