"""How many HTTP connections are open, in all and per address, and who gives way when it is full.

What waits for bytes of its client (a next request, the rest of a head or of a body) may give way,
the one that has waited longest first; what waits for an answer of ours may not. Times are monotonic
seconds (`loop.time()`).
"""

import asyncio
import contextlib
from collections import Counter, OrderedDict
from collections.abc import AsyncIterator, Callable
from enum import StrEnum
from typing import Protocol

from server.net.seldom import Seldom

SWEEP_S = 1.0
FULL_LOGGED_EVERY_S = 60.0
HTTP_RESERVED_PART = 10
"""One connection in ten stays for HTTP, health checks among them, however many WebSockets come."""


class RefusalReason(StrEnum):
    """Why a connection was closed by us, or a request refused before any route saw it."""

    HEAD_TOO_LARGE = "head-too-large"
    MALFORMED = "malformed"
    SLOW_HEAD = "slow-head"
    SLOW_BODY = "slow-body"
    IDLE = "idle"
    UNREAD = "unread"
    GAVE_WAY = "gave-way"
    ADDRESS_FULL = "address-full"
    FULL = "full"


class HttpConnection(Protocol):
    """What the table needs of a connection."""

    address: str

    def give_way(self) -> None:
        """Close now: somebody else needs the place."""
        ...

    def check(self, now: float) -> None:
        """Close if a deadline has passed."""
        ...


class _Address:
    __slots__ = ("count", "waiting")

    def __init__(self) -> None:
        self.count = 0
        self.waiting: OrderedDict[HttpConnection, None] = OrderedDict()


class ConnectionTable:
    """The HTTP connections of this worker; WebSockets leave it when they are upgraded.

    Args:
        connections_max: HTTP and WebSocket connections together.
        per_address_max: HTTP connections of one address.
        exempt: Whether an address has no limit of its own (our own proxies).
    """

    def __init__(
        self,
        connections_max: int,
        per_address_max: int,
        exempt: Callable[[str], bool] = lambda address: False,
    ) -> None:
        self.connections_max = connections_max
        self.websockets_max = connections_max - connections_max // HTTP_RESERVED_PART
        self.refused: Counter[RefusalReason] = Counter({reason: 0 for reason in RefusalReason})
        self._per_address_max = per_address_max
        self._exempt = exempt
        self._open: dict[HttpConnection, None] = {}
        self._waiting: OrderedDict[HttpConnection, None] = OrderedDict()
        self._addresses: dict[str, _Address] = {}
        self._full = Seldom(FULL_LOGGED_EVERY_S)

    def __len__(self) -> int:
        return len(self._open)

    def arrive(self, connection: HttpConnection, open_now: int, now: float) -> RefusalReason | None:
        """Register a new connection, which waits; return why it must go again, if it must.

        Args:
            connection: The new one.
            open_now: All connections, WebSockets and the new one included.
            now: Monotonic seconds.
        """
        address = self._addresses.setdefault(connection.address, _Address())
        address.count += 1
        self._open[connection] = None
        reason = None
        if address.count > self._per_address_max and not self._exempt(connection.address):
            reason = None if self._give_way(address.waiting) else RefusalReason.ADDRESS_FULL
        elif open_now > self.connections_max:
            reason = None if self._give_way(self._waiting) else RefusalReason.FULL
        # A refused one waits, too, until its answer is read: the next one may push it out.
        self.waits(connection)
        if reason is not None:
            self.refuse(reason, now)
        return reason

    def waits(self, connection: HttpConnection) -> None:
        """The connection waits for its client from now on."""
        if connection not in self._open:
            return
        for waiting in (self._waiting, self._addresses[connection.address].waiting):
            waiting[connection] = None
            waiting.move_to_end(connection)

    def works(self, connection: HttpConnection) -> None:
        """The connection's client waits for us from now on."""
        if connection not in self._open:
            return
        self._waiting.pop(connection, None)
        self._addresses[connection.address].waiting.pop(connection, None)

    def depart(self, connection: HttpConnection) -> None:
        """Forget a connection; safe to call twice."""
        if connection not in self._open:
            return
        self.works(connection)
        del self._open[connection]
        address = self._addresses[connection.address]
        address.count -= 1
        if address.count == 0:
            del self._addresses[connection.address]

    def count(self, reason: RefusalReason) -> None:
        """Count what was refused."""
        self.refused[reason] += 1

    def refuse(self, reason: RefusalReason, now: float) -> None:
        """Count somebody for whom there is no place, and log it now and then."""
        self.count(reason)
        self._full.log(
            "no more connections are taken",
            now=now,
            reason=str(reason),
            connections_max=self.connections_max,
            per_address_max=self._per_address_max,
        )

    def sweep(self, now: float) -> None:
        """Have every connection look at its deadlines."""
        for connection in list(self._open):
            connection.check(now)

    @contextlib.asynccontextmanager
    async def sweeping(self) -> AsyncIterator[None]:
        """Sweep once a second: one timer for all connections of this worker."""
        task = asyncio.create_task(self._sweep_for_ever(), name="connections")
        try:
            yield
        finally:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task

    async def _sweep_for_ever(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(SWEEP_S)
            self.sweep(loop.time())

    def _give_way(self, waiting: OrderedDict[HttpConnection, None]) -> bool:
        if not waiting:
            return False
        oldest = next(iter(waiting))
        self.count(RefusalReason.GAVE_WAY)
        self.depart(oldest)
        oldest.give_way()
        return True
