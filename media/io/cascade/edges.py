"""The lives of other workers that this one has viewers of: begun, kept, moved, let go.

    connecting → up ⇄ seeking → ended

`seeking` is an edge whose parent fell silent or has the live no more: its viewers stay while
another worker may take the live, as long as `Lives` gives a lost host. An edge that serves others
goes on for them, even without viewers of its own.
"""

import asyncio
from collections import Counter
from collections.abc import Callable
from time import monotonic

import structlog

from media.cascade import tree
from media.cascade.edge_source import KEEPALIVE_S, EdgeSource
from media.cascade.subscription import Subscription
from media.cascade.tree import Capacity
from media.errors import MalformedHop
from media.forwarding.live import Live
from media.forwarding.lives import Lives
from media.io.cascade.association import Association, check_welcome
from media.io.cascade.links import Link, NotFound, ParentFinder
from media.io.cascade.sender import RunSender
from media.stream.layer import Layer
from media.wire import hop
from media.wire.address import Address

EDGES_MAX = 2_000
CONNECT_S = 2.0  # from the first hello to the formats, all in
SILENT_S = 2.0  # a parent sends something every 0.5 s
# Of a parent that is an edge: whoever hangs there has another one within 2 s, and what was lost
# meanwhile is requested of that, which keeps packets for 2 s.
NAMED_SILENT_S = 1.3
# The lease names an origin that was killed until it ends: where that is now may change any moment.
SEEK_CONNECT_S = 0.5
SEEK_INTERVAL_S = 0.2
FOLLOW_TRIES = 10
WITHOUT_VIEWERS_S = 5.0  # until an edge lets go
MOVED_S = 0.3  # after an origin let go, until the lease shows whether the live moved
# The keys of an association are replaced after so long.
REKEY_S = 3_600.0

log = structlog.get_logger()


class _Edge:
    """One live of another worker."""

    def __init__(self, room_id: str) -> None:
        self.room_id = room_id
        self.link: Link | None = None
        self.source: EdgeSource | None = None
        self.watched_at = monotonic()
        self.public = False  # somebody watches who may see no rehearsal
        self.seeking: asyncio.Task[bool] | None = None


class Edges:
    """Call `watch` for a viewer, give it what arrives, and call `tick` every few milliseconds."""

    def __init__(
        self, worker: str, lives: Lives, finder: ParentFinder, sender: RunSender,
        counted: Counter[str], below: Callable[[str], int], capacity: Callable[[], Capacity],
    ) -> None:  # fmt: skip
        """`below` returns how many edges receive a room's live through this worker."""
        self._worker = worker
        self._lives = lives
        self._finder = finder
        self._sender = sender
        self._counted = counted
        self._below = below
        self._capacity = capacity
        self._edges: dict[str, _Edge] = {}  # by room
        self._filled: dict[Layer, Live] = {}

    @property
    def count(self) -> int:
        """How many lives of other workers there are."""
        return len(self._edges)

    @property
    def idle(self) -> bool:
        """Whether there is nothing to do."""
        return not self._edges and not self._finder.links

    @property
    def round_trip_s(self) -> float:
        """The longest round trip to a parent."""
        sources = [edge.source for edge in self._edges.values() if edge.source]
        return max((source.round_trip_s for source in sources), default=0.0)

    @property
    def depth(self) -> int:
        """The most hops from an origin to this worker."""
        return max((len(edge.link.path) for edge in self._edges.values() if edge.link), default=0)

    def has(self, association: int) -> bool:
        """Whether an association is one of ours."""
        return association in self._finder.links

    def path(self, room_id: str) -> tuple[str, ...]:
        """Return the workers from the origin to this one, which is the last; (): it is cut off."""
        edge = self._edges.get(room_id)
        link = edge.link if edge is not None else None
        if edge is None or link is None or not link.path or not self._has_source(edge):
            return ()
        return () if self._is_cut_off(link, monotonic()) else (*link.path, self._worker)

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
                if await self._subscribed(edge, SEEK_CONNECT_S) is None:
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
        """Let all parents know that nothing is needed any more."""
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
            return await self._subscribed(edge, CONNECT_S) is None
        finally:
            edge.seeking = None
            if (
                edge.source is None
                and edge.link is None
                and edge.room_id not in self._lives.by_room
            ):
                self._edges.pop(edge.room_id, None)

    async def _subscribed(self, edge: _Edge, within_s: float) -> NotFound | None:
        """Subscribe to the live at a parent; None: that is done."""
        avoids: tuple[str, ...] = ()
        if (
            edge.link is not None
            and not edge.link.of_origin
            and self._is_cut_off(edge.link, monotonic())
        ):
            avoids = (edge.link.row.worker,)
        join = self._join(edge, avoids)
        found = await self._finder.find(edge.room_id, join, within_s=within_s)
        if isinstance(found, NotFound):
            return found
        link, formats = found
        if not self._may_have(edge):
            self._finder.drop(link)
            return NotFound.UNREACHED
        self._adopt(edge, link, formats)
        return None

    def _join(self, edge: _Edge, avoids: tuple[str, ...] = ()) -> hop.Join:
        capacity = self._capacity()
        of_origin = edge.link is None or edge.link.of_origin
        below = self._below(edge.room_id)
        accepts = capacity.accepts and not capacity.drains
        return hop.Join(of_origin, accepts, below, capacity.busy_percent, avoids)

    def _may_have(self, edge: _Edge) -> bool:
        """Whether no host came to this worker meanwhile."""
        live = self._lives.by_room.get(edge.room_id)
        return self._edges.get(edge.room_id) is edge and (live is None or live.edge)

    def _adopt(self, edge: _Edge, link: Link, formats: hop.Formats) -> None:
        """From now on the live comes over `link`."""
        before, edge.link = edge.link, link
        if before is not None:
            self._finder.drop(before)
        if edge.source is None or edge.source.formats != formats or not self._has_source(edge):
            self._take_source(edge, link, formats)
            log.info("live of another worker", room=edge.room_id, parent=link.row.worker)
        assert edge.source is not None
        edge.source.go_on(link.send, now=monotonic())

    def _take_source(self, edge: _Edge, link: Link, formats: hop.Formats) -> None:
        lives, room_id = self._lives, edge.room_id

        def uses(layer: Layer) -> bool:
            live = lives.by_room.get(room_id)
            if live is None:
                return False
            edges = (sink for sink in live.sinks if isinstance(sink, Subscription))
            return live.forwarder.uses(layer) or any(sink.uses(layer) for sink in edges)

        source_id = f"edge {link.number:08x} {formats.version}"
        before = edge.source
        edge.source = EdgeSource(source_id, formats, link.send, uses, self._counted)
        edge.source.private = before is not None and before.private
        lives.add_source(room_id, edge.source, standby=False, edge=True, now=monotonic())
        if edge.public:
            edge.source.begin_public()

    # What arrives

    def on_welcome(self, datagram: bytes) -> None:
        """A parent answers a hello; raises `MalformedHop`."""
        header = hop.welcome_header(datagram)
        link = self._finder.links.get(header.association)
        if link is None:
            raise MalformedHop("no such association")
        if link.association is not None:
            return
        salts = link.salt + header.salt
        check_welcome(link.row.secret.value, salts, datagram)
        link.association = Association(
            link.number, link.row.secret.value, salts, self._sender, link.address, origin=False
        )
        link.send(link.begun)

    def on_message(self, header: hop.ControlHeader, datagram: bytes, address: Address) -> None:
        """A parent sends a message; raises `MalformedHop`."""
        link = self._finder.links[header.association]
        if link.association is None:
            raise MalformedHop("no keys yet")
        message, now = link.association.open_message(header, datagram, address), monotonic()
        edge = self._edges.get(link.room_id)
        adopted = edge is not None and link is edge.link
        match message:
            case hop.Formats() | hop.Ask() | hop.Gone() if not link.answer.done():
                link.on_answer(message)
            case hop.Path(workers):
                link.on_path(workers)
            case hop.Formats() if adopted and edge is not None:
                if edge.source and message != edge.source.formats:
                    self._take_source(edge, link, message)
            case hop.State() if adopted and edge is not None:
                self._on_state(edge, message, now)
            case hop.Gone():
                link.gone = True

    def _on_state(self, edge: _Edge, state: hop.State, now: float) -> None:
        live = self._lives.by_room.get(edge.room_id)
        if live is None or edge.source is None or live.source is not edge.source:
            return
        for layer, ntp_time, timestamp in edge.source.on_state(state, now=now):
            self._lives.pass_clock(live, layer, ntp_time, timestamp, now=now)

    def on_media(self, datagram: bytes) -> None:
        """A parent sends an RTP payload, to be delivered; raises `MalformedHop`."""
        header = hop.media_header(datagram)
        link = self._finder.links.get(header.association)
        if link is None:
            raise MalformedHop("no such association")
        if link.association is None:
            raise MalformedHop("no keys yet")
        payload, now = link.association.open_media(header, datagram), monotonic()
        self._counted["hop_packets_in"] += 1
        edge, live = self._edges.get(link.room_id), self._lives.by_room.get(link.room_id)
        source = edge.source if edge is not None and edge.link is link else None
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
        """Let go what nobody watches, and look for parents that are gone."""
        for edge in list(self._edges.values()):
            if edge.link is None:
                continue  # it connects
            if not self._has_source(edge):
                self._end(edge)  # a host came here, or the live is over
                continue
            live, link = self._lives.by_room[edge.room_id], edge.link
            if live.viewers or self._below(edge.room_id):
                edge.watched_at = now
            if now - edge.watched_at > WITHOUT_VIEWERS_S:
                self._end(edge)
            elif edge.seeking is None and self._must_seek(link, now):
                seeking = self._seek(edge, link, live)
                edge.seeking = asyncio.create_task(seeking, name="find a live's parent again")
            elif link.knows_tree and now - link.joined_at >= KEEPALIVE_S:
                link.joined_at = now
                link.send(self._join(edge))

    def _must_seek(self, link: Link, now: float) -> bool:
        return now - link.began_at > REKEY_S or self._is_cut_off(link, now)

    def _is_cut_off(self, link: Link, now: float) -> bool:
        """Whether nothing comes that way, or only what this worker itself sent."""
        silent_s = SILENT_S if link.of_origin else min(SILENT_S, NAMED_SILENT_S)
        silent = now - link.received_at > silent_s
        return link.gone or silent or tree.must_leave(self._worker, link.path)

    async def _seek(self, edge: _Edge, link: Link, live: Live) -> bool:
        """Find the live again. Where its origin let go and nobody else has it, it is over."""
        try:
            if link.gone and link.of_origin:
                await asyncio.sleep(MOVED_S)
            missing = await self._subscribed(edge, SEEK_CONNECT_S)
            # Of a parent that let go the live may go on: only the lease and the origin know.
            over = link.gone and (link.of_origin or missing is NotFound.NO_LIVE)
            if missing and over and self._has_source(edge):
                log.info("live of another worker is over", room=edge.room_id)
                self._lives.end_live(live)
            elif missing:
                await asyncio.sleep(SEEK_INTERVAL_S)
            return missing is None
        finally:
            edge.seeking = None

    def _has_source(self, edge: _Edge) -> bool:
        live = self._lives.by_room.get(edge.room_id)
        return live is not None and edge.source is not None and live.source is edge.source

    def _end(self, edge: _Edge) -> None:
        self._edges.pop(edge.room_id, None)
        if edge.link is not None:
            self._finder.drop(edge.link)
        if self._has_source(edge):
            self._lives.end_live(self._lives.by_room[edge.room_id])
