"""The edge's side of an association, and the way to a parent: who is asked, one after the other."""

import asyncio
import secrets
import socket
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from enum import Enum, auto
from time import monotonic

from media.cascade.tree import DEPTH_MAX
from media.io.cascade.association import Association, seal_hello
from media.io.cascade.directory import DirectoryUnavailable, HopDirectory, HopRow
from media.io.cascade.sender import RunSender
from media.wire import hop
from media.wire.address import Address

HELLO_INTERVAL_S = 0.1
# A worker that was named is known to be there: one that does not answer so long is passed over.
NAMED_CONNECT_S = 0.3
# Down the tree, and again for each of some workers that do not answer.
ASKED_MAX = 2 * DEPTH_MAX + hop.AVOIDS_MAX

# Which worker has a room's live, by its lease; "" if none has.
FindOrigin = Callable[[str], Awaitable[str]]


class NotFound(Enum):
    """Why there is no parent."""

    NO_LIVE = auto()  # no worker has it
    UNREACHED = auto()  # nobody answers, now


class Link:
    """The edge's side of an association, from its hello on."""

    def __init__(
        self, room_id: str, row: HopRow, address: Address, number: int, begun: hop.Join
    ) -> None:
        """`begun` is the first message to the parent."""
        self.room_id = room_id
        self.row = row
        self.address = address
        self.number = number
        self.of_origin = begun.of_origin  # the lease named it, not another worker
        self.salt = secrets.token_bytes(hop.SALT_BYTES)
        self.association: Association | None = None
        self.answer: asyncio.Future[hop.Formats | hop.Ask | hop.Gone] = (
            asyncio.get_running_loop().create_future()
        )
        self.began_at = monotonic()
        self.begun = begun
        self.joined_at = self.began_at
        self.gone = False
        # The workers from the origin to the parent; of one from before the tree itself alone.
        self.path: tuple[str, ...] = (row.worker,) if begun.of_origin else ()
        self.knows_tree = False

    @property
    def received_at(self) -> float:
        """When the parent last sent something."""
        return self.association.received_at if self.association else self.began_at

    def send(self, message: hop.Message) -> None:
        """Send a message, once there are keys."""
        if self.association is not None:
            self.association.send_message(message)

    def on_answer(self, answer: hop.Formats | hop.Ask | hop.Gone) -> None:
        """The parent serves this edge, or does not."""
        if not self.answer.done():
            self.answer.set_result(answer)

    def on_path(self, path: tuple[str, ...]) -> None:
        """The parent says how the live gets there."""
        self.path, self.knows_tree = path, True


class ParentFinder:
    """Asks for a live until a worker serves it; `links` has who is asked, for what arrives."""

    def __init__(
        self, worker: str, family: int, directory: HopDirectory, find_origin: FindOrigin,
        sender: RunSender,
    ) -> None:  # fmt: skip
        self.links: dict[int, Link] = {}  # by association
        self._worker = worker
        self._family = family
        self._directory = directory
        self._find_origin = find_origin
        self._sender = sender

    async def find(
        self, room_id: str, join: hop.Join, *, within_s: float
    ) -> tuple[Link, hop.Formats] | NotFound:
        """Return the way to a parent, and the live's formats; the caller drops the link."""
        avoids, ends_at = list(join.avoids), monotonic() + within_s
        worker, of_origin = "", True
        for _ in range(ASKED_MAX):
            left_s = ends_at - monotonic()
            try:
                worker = worker or await self._find_origin(room_id)
                if worker in ("", self._worker):
                    return NotFound.NO_LIVE if not worker else NotFound.UNREACHED
                begun = hop.Join(
                    of_origin, join.accepts, join.below, join.busy_percent, tuple(avoids)
                )
                link = await self._link(room_id, worker, begun)
            except (DirectoryUnavailable, OSError):
                return NotFound.UNREACHED
            if link is not None:
                waits_s = left_s if of_origin else min(NAMED_CONNECT_S, left_s)
                answer = await self._ask(link, waits_s)
                if isinstance(answer, hop.Formats):
                    return link, answer
                self.drop(link)
                if isinstance(answer, hop.Ask) and answer.worker not in ("", self._worker, *avoids):
                    worker, of_origin = answer.worker, False
                    continue
                if of_origin and isinstance(answer, hop.Gone):
                    return NotFound.NO_LIVE
            if of_origin or monotonic() >= ends_at:
                return NotFound.UNREACHED
            avoids = [*avoids, worker][-hop.AVOIDS_MAX :]
            worker, of_origin = "", True
        return NotFound.UNREACHED

    def drop(self, link: Link) -> None:
        """Let a parent, or one that was asked, go."""
        self.links.pop(link.number, None)
        link.send(hop.Bye())
        link.answer.cancel()

    async def _link(self, room_id: str, worker: str, begun: hop.Join) -> Link | None:
        row = await self._directory.find(worker)
        address = await self._address(row) if row is not None else None
        if row is None or address is None:
            return None
        link = Link(room_id, row, address, self._draw_number(), begun)
        self.links[link.number] = link
        return link

    async def _ask(self, link: Link, within_s: float) -> hop.Formats | hop.Ask | hop.Gone | None:
        hello = hop.Hello(self._worker, link.room_id, time.time_ns() // 1_000_000)
        secret = link.row.secret
        header = hop.HelloHeader(link.number, secret.key_id, link.salt)
        datagram = seal_hello(secret.value, header, hello)
        try:
            with suppress(TimeoutError):
                async with asyncio.timeout(max(0.0, within_s)):
                    while not link.answer.done():
                        if link.association is None:
                            self._sender.send(datagram, link.address)
                        else:
                            link.send(link.begun)
                            # A worker from before the tree waits for this.
                            link.send(hop.Wants(0, 0, 0, 0))
                        await asyncio.wait([link.answer], timeout=HELLO_INTERVAL_S)
        except asyncio.CancelledError:
            self.drop(link)
            raise
        done = link.answer.done() and not link.answer.cancelled()
        return link.answer.result() if done else None

    async def _address(self, row: HopRow) -> Address | None:
        mapped = socket.AI_V4MAPPED | socket.AI_ALL
        found = await asyncio.get_running_loop().getaddrinfo(
            row.host, row.port, family=self._family, type=socket.SOCK_DGRAM,
            flags=mapped if self._family == socket.AF_INET6 else 0,
        )  # fmt: skip
        return found[0][4] if found else None  # type: ignore[return-value]  # of an IP family

    def _draw_number(self) -> int:
        while (number := secrets.randbits(32)) in self.links:
            pass
        return number
