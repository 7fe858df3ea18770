"""A bad network as a value: one direction of a link that loses, delays, reorders and queues.

The drive contract is that of the cores it tests: `send(…, now)`, then take what `ready` returns,
then arm `next_timer`. Pure: `now` is seconds of any clock that never goes back, rates are bit/s of
what is handed in (no IP headers), randomness comes in as a `random.Random`.
"""

import heapq
from collections import deque
from dataclasses import dataclass
from enum import Enum
from random import Random

QUEUE_S = 0.3
# Queued and in flight at once; above this a datagram is dropped, whatever the conditions.
IN_FLIGHT_MAX = 50_000


class Jitter(Enum):
    """How delays spread around `delay_s`: evenly, or by a bell curve; never below zero."""

    UNIFORM = "uniform"  # within ± jitter_s
    NORMAL = "normal"  # with jitter_s as standard deviation


@dataclass(frozen=True, slots=True)
class Bursts:
    """Loss that comes in bursts (E. O. Elliott, 1963): two states, each with its loss ratio."""

    to_bad: float  # chance per datagram of going from good to bad
    to_good: float  # and back
    loss_good: float = 0.0
    loss_bad: float = 1.0

    @classmethod
    def of(cls, loss: float, mean: float) -> "Bursts":
        """Return bursts of `mean` datagrams (at least 1) that lose the ratio `loss` of all."""
        to_good = 1 / mean
        return cls(to_bad=to_good * loss / (1 - loss), to_good=to_good)


@dataclass(slots=True)
class Conditions:
    """Conditions of a link. Changed while running, they apply from the next datagram on.

    Several links may share one. A queue exists only where there is a rate; it drops its tail.
    """

    loss: float | Bursts = 0.0  # ratio of the datagrams
    delay_s: float = 0.0
    jitter_s: float = 0.0
    jitter: Jitter = Jitter.UNIFORM
    reorders: bool = False  # whether jitter may let a datagram overtake another
    rate_bps: float | None = None  # None: unlimited
    queue_s: float = QUEUE_S  # how long a datagram waits for others at most
    queue_bytes: int | None = None  # instead of queue_s


@dataclass(slots=True)
class LinkCounts:
    """Fate of the datagrams: `sent` is the sum of the others and those in flight."""

    sent: int = 0
    lost: int = 0
    dropped: int = 0  # the queue was full
    delivered: int = 0


class EmulatedLink:
    """One direction of a network: loss, then queue and rate, then delay."""

    def __init__(self, conditions: Conditions, random: Random) -> None:
        self.conditions = conditions
        self.counts = LinkCounts()
        self._random = random
        self._bad = False
        # With their delays; the first is on the wire until `_wire_free_at`.
        self._queue: deque[tuple[bytes, float]] = deque()
        self._queued_bytes = 0
        self._wire_free_at = 0.0
        self._in_flight: list[tuple[float, int, bytes]] = []  # a heap by time, then order
        self._newest_at = 0.0
        self._order = 0

    def send(self, datagram: bytes, *, now: float) -> None:
        """Take a datagram at this end; then arm `next_timer`."""
        self._move_queue(now)
        self.counts.sent += 1
        if self._loses():
            self.counts.lost += 1
        elif not self._has_room(len(datagram)):
            self.counts.dropped += 1
        else:
            self._queue.append((datagram, self._delay_s()))
            self._queued_bytes += len(datagram)
            if len(self._queue) == 1:
                self._wire_free_at = now + self._wire_s(datagram)
            self._move_queue(now)

    def ready(self, *, now: float) -> list[bytes]:
        """Return what has arrived at the other end by `now`, in the order of arrival."""
        self._move_queue(now)
        out = []
        while self._in_flight and self._in_flight[0][0] <= now:
            out.append(heapq.heappop(self._in_flight)[2])
        self.counts.delivered += len(out)
        return out

    def next_timer(self) -> float | None:
        """When to call `ready` next; None while nothing is in flight."""
        times = [self._wire_free_at] if self._queue else []
        times += [self._in_flight[0][0]] if self._in_flight else []
        return min(times, default=None)

    @property
    def queued_bytes(self) -> int:
        """Bytes that wait for the wire or are on it."""
        return self._queued_bytes

    def _loses(self) -> bool:
        loss = self.conditions.loss
        if isinstance(loss, Bursts):
            change = loss.to_good if self._bad else loss.to_bad
            self._bad ^= self._random.random() < change
            loss = loss.loss_bad if self._bad else loss.loss_good
        return self._random.random() < loss

    def _has_room(self, size: int) -> bool:
        conditions = self.conditions
        if len(self._queue) + len(self._in_flight) >= IN_FLIGHT_MAX:
            return False
        if conditions.rate_bps is None or not self._queue:
            return True
        if conditions.queue_bytes is not None:
            return self._queued_bytes + size <= conditions.queue_bytes
        return self._queued_bytes * 8 / conditions.rate_bps <= conditions.queue_s

    def _wire_s(self, datagram: bytes) -> float:
        rate_bps = self.conditions.rate_bps
        return len(datagram) * 8 / rate_bps if rate_bps else 0.0

    def _move_queue(self, now: float) -> None:
        """Move what has left the wire by `now` into flight; the next one takes its place."""
        while self._queue and self._wire_free_at <= now:
            datagram, delay_s = self._queue.popleft()
            self._queued_bytes -= len(datagram)
            self._put_in_flight(datagram, delay_s)
            if self._queue:
                self._wire_free_at += self._wire_s(self._queue[0][0])

    def _put_in_flight(self, datagram: bytes, delay_s: float) -> None:
        arrives = self._wire_free_at + delay_s
        if not self.conditions.reorders:
            arrives = max(arrives, self._newest_at)
        self._newest_at = max(arrives, self._newest_at)
        self._order += 1
        heapq.heappush(self._in_flight, (arrives, self._order, datagram))

    def _delay_s(self) -> float:
        conditions = self.conditions
        if not conditions.jitter_s:
            return conditions.delay_s
        if conditions.jitter is Jitter.UNIFORM:
            off_s = self._random.uniform(-conditions.jitter_s, conditions.jitter_s)
        else:
            off_s = self._random.normalvariate(0.0, conditions.jitter_s)
        return max(0.0, conditions.delay_s + off_s)
