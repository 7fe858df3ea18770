"""The lives of other workers that this one has viewers of: begun, kept, moved, let go.

    connecting → up ⇄ seeking → ended

`seeking` is an edge whose origin fell silent or has the live no more: its viewers stay while
another worker may take the live, as long as `Lives` gives a lost host.
"""

import asyncio
import secrets
import socket
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import suppress
from time import monotonic

import structlog

from media.cascade.edge_source import EdgeSource
from media.errors import MalformedHop
from media.forwarding.live import Live
from media.forwarding.lives import Lives
from media.io.cascade.association import Association, check_welcome, seal_hello
from media.io.cascade.directory import DirectoryUnavailable, HopDirectory, HopRow
from media.io.cascade.sender import RunSender
from media.stream.layer import Layer
from media.wire import hop
from media.wire.address import Address

EDGES_MAX = 2_000
CONNECT_S = 2.0  # from the first hello to the formats, all in
HELLO_INTERVAL_S = 0.1
SILENT_S = 2.0  # an origin sends something every 0.5 s
# The lease names an origin that was killed until it ends: where that is now may change any moment.
SEEK_CONNECT_S = 0.5
SEEK_INTERVAL_S = 0.2
FOLLOW_TRIES = 10
WITHOUT_VIEWERS_S = 5.0  # until an edge lets go
MOVED_S = 0.3  # after an origin let go, until the lease shows whether the live moved
# The keys of an association are replaced after so long.
REKEY_S = 3_600.0

# Which worker has a room's live, by its lease; "" if none has.
FindOrigin = Callable[[str], Awaitable[str]]

log = structlog.get_logger()


class _Link:
    """The edge's side of an association, from its hello on."""

    def __init__(self, row: HopRow, address: Address, number: int) -> None:
        self.row = row
        self.address = address
        self.number = number
        self.salt = secrets.token_bytes(hop.SALT_BYTES)
        self.association: Association | None = None
        self.formats: asyncio.Future[hop.Formats] = asyncio.get_running_loop().create_future()
        self.began_at = monotonic()
        self.gone = False

    @property
    def received_at(self) -> float:
        return self.association.received_at if self.association else self.began_at

    def send(self, message: hop.Message) -> None:
        if self.association is not None:
            self.association.send_message(message)


class _Edge:
    """One live of another worker."""

    def __init__(self, room_id: str) -> None:
        self.room_id = room_id
        self.link: _Link | None = None
        self.source: EdgeSource | None = None
        self.watched_at = monotonic()
        self.public = False  # somebody watches who may see no rehearsal
        self.seeking: asyncio.Task[bool] | None = None


class Edges:
    """Call `watch` for a viewer, give it what arrives, and call `tick` every few milliseconds."""

    def __init__(
        self,
        worker: str,
        lives: Lives,
        directory: HopDirectory,
        find_origin: FindOrigin,
        sock: socket.socket,
        sender: RunSender,
        counted: Counter[str],
    ) -> None:
        self._worker = worker
        self._lives = lives
        self._directory = directory
        self._find_origin = find_origin
        self._family = sock.family
        self._sender = sender
        self._counted = counted
        self._edges: dict[str, _Edge] = {}  # by room
        self._links: dict[int, tuple[_Edge, _Link]] = {}  # by association
        self._filled: dict[Layer, Live] = {}

    @property
    def count(self) -> int:
        """How many lives of other workers there are."""
        return len(self._edges)

    @property
    def idle(self) -> bool:
        """Whether there is nothing to do."""
        return not self._edges and not self._links

    @property
    def round_trip_s(self) -> float:
        """The longest round trip to an origin."""
        sources = [edge.source for edge in self._edges.values() if edge.source]
        return max((source.round_trip_s for source in sources), default=0.0)

    def has(self, association: int) -> bool:
        """Whether an association is one of ours."""
        return association in self._links

    async def watch(self, room_id: str) -> bool:
        """Be an edge of a room's live; False: no other worker has it, or none answers."""
        edge = self._edges.get(room_id)
        if edge is not None and edge.source is not None and not self._has_source(edge):
            self._end(edge)  # its live is over since the last tick
            edge = None
        if edge is None:
            if len(self._edges) >= EDGES_MAX or room_id in self._lives.by_room:
                return False
            edge = self._edges[room_id] = _Edge(room_id)
        edge.watched_at = monotonic()
        if edge.source is not None:
            return True
        if edge.seeking is None:
            edge.seeking = asyncio.create_task(self._connect(edge), name="find a live's origin")
        return await asyncio.shield(edge.seeking)

    def begin_public(self, room_id: str) -> None:
        """Somebody watches who may see no rehearsal: nothing of one is taken from now on."""
        edge = self._edges.get(room_id)
        if edge is not None:
            edge.public = True
            if edge.source is not None:
                edge.source.begin_public()

    def follow(self, room_id: str) -> bool:
        """Be an edge of a live that went from here to another worker; False: nobody watches it."""
        live = self._lives.by_room.get(room_id)
        if live is None or live.edge or not live.viewers:
            return False
        edge = self._edges[room_id] = _Edge(room_id)
        edge.public = not live.private
        self._lives.become_edge(live, now=monotonic())
        edge.seeking = asyncio.create_task(self._follow(edge, live), name="follow a live")
        return True

    async def _follow(self, edge: _Edge, live: Live) -> bool:
        try:
            for _ in range(FOLLOW_TRIES):
                if await self._subscribed(edge, SEEK_CONNECT_S):
                    return True
                await asyncio.sleep(SEEK_INTERVAL_S)
            if live.edge and live.source is None:
                self._lives.end_live(live)
            return False
        finally:
            edge.seeking = None
            if edge.source is None and self._edges.get(edge.room_id) is edge:
                del self._edges[edge.room_id]

    async def close(self) -> None:
        """Let all origins know that nothing is needed any more."""
        seeking = [edge.seeking for edge in self._edges.values() if edge.seeking]
        for task in seeking:
            task.cancel()
        await asyncio.gather(*seeking, return_exceptions=True)
        for edge in list(self._edges.values()):
            self._end(edge)

    # Connecting

    async def _connect(self, edge: _Edge) -> bool:
        """Subscribe to the live where it is now; False if that fails."""
        try:
            link = await self._subscribed(edge, CONNECT_S)
        finally:
            edge.seeking = None
            if (
                edge.source is None
                and edge.link is None
                and edge.room_id not in self._lives.by_room
            ):
                self._edges.pop(edge.room_id, None)
        return link

    async def _subscribed(self, edge: _Edge, within_s: float) -> bool:
        try:
            origin = await self._find_origin(edge.room_id)
            row = await self._directory.find(origin) if origin not in ("", self._worker) else None
            address = await self._address(row) if row is not None else None
        except (DirectoryUnavailable, OSError):
            return False
        if row is None or address is None or self._edges.get(edge.room_id) is not edge:
            return False
        link = _Link(row, address, self._draw_number())
        self._links[link.number] = edge, link
        hello = hop.Hello(self._worker, edge.room_id, time.time_ns() // 1_000_000)
        header = hop.HelloHeader(link.number, row.secret.key_id, link.salt)
        datagram = seal_hello(row.secret.value, header, hello)
        with suppress(TimeoutError):
            async with asyncio.timeout(within_s):
                while not link.formats.done():
                    if link.association is None:
                        self._sender.send(datagram, address)
                    else:
                        link.send(hop.Wants(0, 0, 0, 0))
                    await asyncio.wait([link.formats], timeout=HELLO_INTERVAL_S)
        formats = None
        if link.formats.done() and not link.formats.cancelled():
            formats = link.formats.result()
        if formats is None or not formats.tracks or not self._may_have(edge):
            self._drop(link)
            return False
        self._adopt(edge, link, formats)
        return True

    def _may_have(self, edge: _Edge) -> bool:
        """Whether no host came to this worker meanwhile."""
        live = self._lives.by_room.get(edge.room_id)
        return self._edges.get(edge.room_id) is edge and (live is None or live.edge)

    def _adopt(self, edge: _Edge, link: _Link, formats: hop.Formats) -> None:
        """From now on the live comes over `link`."""
        before, edge.link = edge.link, link
        if before is not None:
            self._drop(before)
        if edge.source is None or edge.source.formats != formats or not self._has_source(edge):
            self._take_source(edge, link, formats)
            log.info("live of another worker", room=edge.room_id, origin=link.row.worker)
        else:
            edge.source.send = link.send  # the same live, with other keys
        assert edge.source is not None
        edge.source.send_feedback(now=monotonic())

    def _take_source(self, edge: _Edge, link: _Link, formats: hop.Formats) -> None:
        lives, room_id = self._lives, edge.room_id

        def uses(layer: Layer) -> bool:
            live = lives.by_room.get(room_id)
            return live is not None and live.forwarder.uses(layer)

        source_id = f"edge {link.number:08x} {formats.version}"
        before = edge.source
        edge.source = EdgeSource(source_id, formats, link.send, uses, self._counted)
        edge.source.private = before is not None and before.private
        lives.add_source(room_id, edge.source, standby=False, edge=True, now=monotonic())
        if edge.public:
            edge.source.begin_public()

    async def _address(self, row: HopRow) -> Address | None:
        flags = socket.AI_V4MAPPED | socket.AI_ALL if self._family == socket.AF_INET6 else 0
        found = await asyncio.get_running_loop().getaddrinfo(
            row.host, row.port, family=self._family, type=socket.SOCK_DGRAM, flags=flags
        )
        return found[0][4] if found else None  # type: ignore[return-value]  # of an IP family

    def _draw_number(self) -> int:
        while (number := secrets.randbits(32)) in self._links:
            pass
        return number

    # What arrives

    def on_welcome(self, datagram: bytes) -> None:
        """An origin answers a hello; raises `MalformedHop`."""
        header = hop.welcome_header(datagram)
        if header.association not in self._links:
            raise MalformedHop("no such association")
        _, link = self._links[header.association]
        if link.association is not None:
            return
        salts = link.salt + header.salt
        check_welcome(link.row.secret.value, salts, datagram)
        link.association = Association(
            link.number, link.row.secret.value, salts, self._sender, link.address, origin=False
        )
        link.send(hop.Wants(0, 0, 0, 0))

    def on_message(self, header: hop.ControlHeader, datagram: bytes, address: Address) -> None:
        """An origin sends a message; raises `MalformedHop`."""
        edge, link = self._links[header.association]
        if link.association is None:
            raise MalformedHop("no keys yet")
        message, now = link.association.open_message(header, datagram, address), monotonic()
        match message:
            case hop.Formats() if not link.formats.done():
                link.formats.set_result(message)
            case hop.Formats():
                if link is edge.link and edge.source and message != edge.source.formats:
                    self._take_source(edge, link, message)
            case hop.State():
                if link is edge.link:
                    self._on_state(edge, message, now)
            case hop.Gone():
                link.gone = True
                if not link.formats.done():
                    link.formats.set_result(hop.Formats(0, ()))

    def _on_state(self, edge: _Edge, state: hop.State, now: float) -> None:
        live = self._lives.by_room.get(edge.room_id)
        if live is None or edge.source is None or live.source is not edge.source:
            return
        for layer, ntp_time, timestamp in edge.source.on_state(state, now=now):
            self._lives.pass_clock(live, layer, ntp_time, timestamp, now=now)

    def on_media(self, datagram: bytes) -> None:
        """An origin sends an RTP payload, to be delivered; raises `MalformedHop`."""
        header = hop.media_header(datagram)
        if header.association not in self._links:
            raise MalformedHop("no such association")
        edge, link = self._links[header.association]
        if link.association is None:
            raise MalformedHop("no keys yet")
        payload, now = link.association.open_media(header, datagram), monotonic()
        self._counted["hop_packets_in"] += 1
        live, source = self._lives.by_room.get(edge.room_id), edge.source
        if live is None or source is None or live.source is not source:
            return
        layer = source.take(header, payload, now=now)
        if layer is not None:
            self._filled[layer] = live

    def deliver(self) -> None:
        """Hand on what `on_media` took: once for all packets that arrived together."""
        filled, self._filled = self._filled, {}
        now = monotonic()
        for layer, live in filled.items():
            self._lives.deliver_edge(live, layer, now=now)

    # Time

    def tick(self, *, now: float) -> None:
        """Let go what nobody watches, and look for origins that are gone."""
        for edge in list(self._edges.values()):
            if edge.link is None:
                continue  # it connects
            if not self._has_source(edge):
                self._end(edge)  # a host came here, or the live is over
                continue
            live = self._lives.by_room[edge.room_id]
            if live.viewers:
                edge.watched_at = now
            if now - edge.watched_at > WITHOUT_VIEWERS_S:
                self._end(edge)
            elif edge.seeking is None and self._must_seek(edge.link, now):
                seeking = self._seek(edge, edge.link, live)
                edge.seeking = asyncio.create_task(seeking, name="find a live's origin again")

    @staticmethod
    def _must_seek(link: _Link, now: float) -> bool:
        old = now - link.began_at > REKEY_S
        return link.gone or old or now - link.received_at > SILENT_S

    async def _seek(self, edge: _Edge, link: _Link, live: Live) -> bool:
        """Find the live again. Where its origin let go and nobody else has it, it is over."""
        try:
            if link.gone:
                await asyncio.sleep(MOVED_S)
            found = await self._subscribed(edge, SEEK_CONNECT_S)
            if not found and link.gone and self._has_source(edge):
                log.info("live of another worker is over", room=edge.room_id)
                self._lives.end_live(live)
            elif not found:
                await asyncio.sleep(SEEK_INTERVAL_S)
            return found
        finally:
            edge.seeking = None

    def _has_source(self, edge: _Edge) -> bool:
        live = self._lives.by_room.get(edge.room_id)
        return live is not None and edge.source is not None and live.source is edge.source

    def _end(self, edge: _Edge) -> None:
        self._edges.pop(edge.room_id, None)
        if edge.link is not None:
            self._drop(edge.link)
        if self._has_source(edge):
            self._lives.end_live(self._lives.by_room[edge.room_id])

    def _drop(self, link: _Link) -> None:
        self._links.pop(link.number, None)
        link.send(hop.Bye())
        link.formats.cancel()
