"""The room log and bus in memory: for tests, and for one worker without Redis.

All `MemoryRoomLog` and `MemoryRoomBus` objects of one `MemoryRooms` are one system; each bus is one
worker.
"""

import asyncio
import itertools
from collections import defaultdict, deque
from collections.abc import Callable, Sequence

import msgspec

from rooms.events import Event
from rooms.log import (
    LOG_EVENTS_MAX,
    Batch,
    BusListener,
    LogUnavailable,
    People,
    Position,
    Reading,
    Tally,
)
from rooms.messages import ChatLine, Counters
from rooms.rules import ChannelRules, apply
from rooms.state import CHAT_LINES_MAX, State


class _Log:
    def __init__(self, state: State, epoch: str) -> None:
        self.position = Position(epoch, 0)
        self.state = state
        self.events: deque[Event] = deque(maxlen=LOG_EVENTS_MAX)


class MemoryRooms:
    """The store behind them, as Redis is behind the real ones. While `down`, every call fails."""

    def __init__(self, rules: ChannelRules) -> None:
        self.rules = rules
        self.down = False
        self.logs: dict[str, _Log] = {}
        self.buses: list[MemoryRoomBus] = []
        self.chat: dict[str, tuple[ChatLine, ...]] = {}
        self.viewers: dict[str, dict[str, int]] = defaultdict(dict)
        self.people: dict[str, dict[str, set[bytes]]] = defaultdict(dict)
        self.likes: dict[str, int] = defaultdict(int)
        self.since_ms: dict[str, int] = defaultdict(int)
        self._epochs = itertools.count(1)

    def log(self, channel: str) -> _Log:
        """Return the log of `channel`, made when it is new."""
        if self.down:
            raise LogUnavailable("down")
        if channel not in self.logs:
            self.logs[channel] = _Log(self.rules.empty_state(channel), self.new_epoch())
        return self.logs[channel]

    def new_epoch(self) -> str:
        """Return an epoch that was never used before."""
        return f"m{next(self._epochs)}"

    def cut(self) -> None:
        """Break every bus and call; messages are lost until `mend`."""
        self.down = True

    def mend(self) -> None:
        """End the cut; each bus calls its listener."""
        self.down = False
        for bus in self.buses:
            bus.restored()


class MemoryRoomLog:
    """See `RoomLog`."""

    def __init__(self, rooms: MemoryRooms) -> None:
        self._rooms = rooms

    async def append(
        self, channel: str, events: Sequence[Event], *, only_first: bool = False
    ) -> Position:
        """See `RoomLog.append`."""
        assert events, "nothing to append"
        log = self._rooms.log(channel)
        epoch, offset = log.position
        if only_first and offset > 0:
            return log.position
        numbered = tuple(
            msgspec.structs.replace(event, o=offset + at) for at, event in enumerate(events, 1)
        )
        log.state = apply(self._rooms.rules, log.state, numbered)
        log.events.extend(numbered)
        log.position = Position(epoch, offset + len(numbered))
        for bus in self._rooms.buses:
            bus.events(channel, epoch, numbered)
        return log.position

    async def read(self, channel: str) -> Reading:
        """See `RoomLog.read`."""
        log = self._rooms.log(channel)
        return Reading(log.position, log.state, tuple(log.events))

    async def position(self, channel: str) -> Position:
        """See `RoomLog.position`."""
        return self._rooms.log(channel).position


class MemoryRoomBus:
    """See `RoomBus`."""

    def __init__(self, rooms: MemoryRooms) -> None:
        self._rooms = rooms
        self._joined: set[str] = set()
        self._listener: BusListener | None = None

    async def run(self, listener: BusListener, on_ready: Callable[[], None]) -> None:
        """See `RoomBus.run`."""
        self._listener = listener
        self._rooms.buses.append(self)
        on_ready()
        try:
            await asyncio.get_running_loop().create_future()
        finally:
            self._rooms.buses.remove(self)

    async def join(self, channel: str) -> None:
        """See `RoomBus.join`."""
        self._joined.add(channel)
        self._check()

    async def leave(self, channel: str) -> None:
        """See `RoomBus.leave`."""
        self._joined.discard(channel)

    async def publish(self, channel: str, batch: Batch) -> None:
        """See `RoomBus.publish`."""
        self._check()
        known = self._rooms.chat.get(channel, ())
        self._rooms.chat[channel] = (*known, *batch.chat)[-CHAT_LINES_MAX:]
        for bus in self._rooms.buses:
            if bus._listener and channel in bus._joined:
                bus._listener.on_batch(channel, batch)

    async def send_private(self, messages: Sequence[tuple[str, bytes]]) -> None:
        """See `RoomBus.send_private`."""
        self._check()
        for bus in self._rooms.buses:
            if bus._listener:
                for user_id, message in messages:
                    bus._listener.on_private(user_id, message)

    async def tally(
        self,
        channel: str,
        worker_id: str,
        viewers: int,
        likes: int,
        since_ms: int = 0,
        people: People | None = None,
    ) -> Tally:
        """See `RoomBus.tally`; here a worker is counted until it reports none."""
        self._check()
        self._rooms.viewers[channel][worker_id] = viewers
        known = self._rooms.people[channel]
        if not viewers:
            known.pop(worker_id, None)
        if people is not None and people.all:
            known[worker_id] = set()
        if people is not None and worker_id in known:
            known[worker_id] |= set(people.joined)
            known[worker_id] -= set(people.left)
        if since_ms > self._rooms.since_ms[channel]:
            self._rooms.since_ms[channel] = since_ms
            self._rooms.likes[channel] = 0
        if since_ms == self._rooms.since_ms[channel]:
            self._rooms.likes[channel] += likes
        again = sum(map(len, known.values())) - len(set().union(*known.values()))
        counts = self._rooms.viewers[channel]
        shared = any(count for worker, count in counts.items() if worker != worker_id)
        counters = Counters(sum(counts.values()) - again, self._rooms.likes[channel])
        return Tally(counters, worker_id in known, shared)

    async def recent_chat(self, channel: str) -> tuple[ChatLine, ...]:
        """See `RoomBus.recent_chat`."""
        self._check()
        return self._rooms.chat.get(channel, ())

    def events(self, channel: str, epoch: str, events: tuple[Event, ...]) -> None:
        """Deliver numbered events to this worker."""
        if self._listener and channel in self._joined and not self._rooms.down:
            self._listener.on_events(channel, epoch, events)

    def restored(self) -> None:
        """Notify the listener that the cut is over."""
        if self._listener:
            self._listener.on_restored()

    def _check(self) -> None:
        if self._rooms.down:
            raise LogUnavailable("down")
