"""The ports of the room engine: the log that numbers events, and the bus between workers.

Both have a memory and a Redis implementation under `rooms/io/` and one contract suite
(tests/contracts/test_rooms_log.py, test_rooms_bus.py).
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple, Protocol

import msgspec

from rooms.events import Event
from rooms.messages import ChatLine, Counters, Purchase
from rooms.state import State

LOG_EVENTS_MAX = 1_000
"""Events a log keeps at least, from which a returning viewer can recover."""


class RoomsError(Exception):
    """Base of all errors of this package."""


class LogUnavailable(RoomsError, ConnectionError):
    """The log or bus cannot be reached now. An append may or may not have happened."""


class Position(NamedTuple):
    """A place in a channel's log. Offsets of different epochs cannot be compared."""

    epoch: str
    offset: int


class People(NamedTuple):
    """Who watches a channel at one worker, each person by a hash: all, or what changed."""

    all: bool  # forget whom this worker reported before
    joined: tuple[bytes, ...]
    left: tuple[bytes, ...] = ()


class Tally(NamedTuple):
    """The sums over all workers, and what these know of the one that reports."""

    counters: Counters
    knows_people: bool = False  # whom it reported is known; else it is to report all
    is_shared: bool = False  # other workers have viewers of the channel


class Reading(msgspec.Struct, frozen=True):
    """The content of a log: its end, the state there, its newest events, oldest first, no gaps.

    `events` may be fewer than ever happened; the state always includes all of them.
    """

    position: Position
    state: State
    events: tuple[Event, ...]


class Batch(msgspec.Struct, frozen=True, array_like=True):
    """The lossy lane of a channel, as one worker publishes it: chat, newcomers, a purchase.

    `order_ids` are of the purchase, the last, and of those that it counts: what was committed once
    may be published again, by this worker or another, and is shown once.
    """

    chat: tuple[ChatLine, ...] = ()
    joins: tuple[str, ...] = ()
    purchase: Purchase | None = None
    order_ids: tuple[str, ...] = ()


class RoomLog(Protocol):
    """Numbered events per channel.

    One append is atomic: its events get consecutive offsets, are stored, and are published on the
    channel's topic of the bus in the same step; two appends never interleave. A log that lost
    events it had numbered continues in a new epoch. Logs that are unused for days expire.
    """

    async def append(
        self, channel: str, events: Sequence[Event], *, only_first: bool = False
    ) -> Position:
        """Number, keep and publish `events` (at least one); return the position of the last.

        With `only_first`, nothing is appended to a log that has events already, and its end is
        returned: of several workers that begin a log at the same time, one does.

        Raises:
            LogUnavailable: It is not known whether they were appended.
        """
        ...

    async def read(self, channel: str) -> Reading:
        """Return the end of the log with its state and newest events; a new log has offset 0.

        Raises:
            LogUnavailable: Try again later.
        """
        ...

    async def position(self, channel: str) -> Position:
        """Return the end of the log, and keep it from expiring.

        Raises:
            LogUnavailable: Try again later.
        """
        ...


class BusListener(Protocol):
    """Receives what a bus carries. Calls are synchronous and must not raise."""

    def on_events(self, channel: str, epoch: str, events: tuple[Event, ...]) -> None:
        """Numbered events were appended to `channel`."""
        ...

    def on_batch(self, channel: str, batch: Batch) -> None:
        """A worker, maybe this one, published chat and joins of `channel`."""
        ...

    def on_private(self, user_id: str, message: bytes) -> None:
        """A message for the connections of `user_id`: an encoded `PrivateEvent`."""
        ...

    def on_restored(self) -> None:
        """The bus is connected again; messages of the time between were lost."""
        ...


class RoomBus(Protocol):
    """Live messages between workers: at most once, in order per sender, none kept."""

    async def run(self, listener: BusListener, on_ready: Callable[[], None]) -> None:
        """Receive until cancelled, reconnecting after every failure."""
        ...

    async def join(self, channel: str) -> None:
        """Return once everything published on `channel` from now on will be received.

        Raises:
            LogUnavailable: Not subscribed yet; it will be once the bus is restored.
        """
        ...

    async def leave(self, channel: str) -> None:
        """Unsubscribe from `channel`; never raises."""
        ...

    async def publish(self, channel: str, batch: Batch) -> None:
        """Send `batch` to every worker that joined, and keep its chat lines for newcomers.

        Raises:
            LogUnavailable: It is not known whether it was delivered.
        """
        ...

    async def send_private(self, messages: Sequence[tuple[str, bytes]]) -> None:
        """Send messages to every worker, each for the connections of the user it names.

        Raises:
            LogUnavailable: It is not known whether they were delivered.
        """
        ...

    async def tally(
        self,
        channel: str,
        worker_id: str,
        viewers: int,
        likes: int,
        since_ms: int = 0,
        people: People | None = None,
    ) -> Tally:
        """Report this worker's viewers and new likes; return the sums over all workers.

        A person whom several workers have reported among their `people` counts once. Of one worker
        reports arrive in their order, and none begins before the one before it has ended.

        Likes are those since `since_ms` (0 while nothing has begun): a newer beginning starts at
        zero, and likes since an older one are not counted any more. A worker that does not report
        for `TALLY_TTL_S` is no longer counted.

        Raises:
            LogUnavailable: It is not known whether the likes were added.
        """
        ...

    async def recent_chat(self, channel: str) -> tuple[ChatLine, ...]:
        """Return the newest lines published in `channel`, oldest first.

        Raises:
            LogUnavailable: Try again later.
        """
        ...


TALLY_TTL_S = 15.0
