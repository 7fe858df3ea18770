"""The media plane of a worker: sessions in, packets through, one UDP socket.

`Intake` takes what arrives, `Lives` decides what follows from it, `Fanout` sends it on; `Sessions`
knows who is who. All calls run on the event loop's thread. What happens to hosts is given to
`listener`, which must not raise. The walk of a host's offer, each module once:

    POST …/whip ─► server/http/live/whip_whep   who may publish, the body
                   io/webrtc/plane   publish    limits; one call to each of those below
                   wire/sdp   answer_published  the offer is parsed, codecs are chosen, the answer
                   io/webrtc/session  Session   ICE and DTLS: checks and a handshake may come
                   forwarding/host    Host      the source: formats of its tracks, later its RTP
                   forwarding/lives   add_host  the live takes the source and gives it its layers
    201 ◄───────── plane: SessionInfo(id, answer, etag)
"""

import asyncio
import dataclasses
import secrets
import socket
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from time import monotonic, thread_time

from media.congestion.load import Load
from media.errors import (
    BadFragment,
    Full,
    NoSuchLayer,
    NoSuchSession,
    NotForwarded,
    NotLive,
    StaleIce,
    TakenOver,
)
from media.events import MediaEvent
from media.forwarding.host import Host
from media.forwarding.lives import RETRY_AFTER_S, Lives
from media.forwarding.viewer import Viewer
from media.io.roads import Roads
from media.io.webrtc.candidates import Candidates, Resolve, resolve
from media.io.webrtc.dtls import DtlsIdentity
from media.io.webrtc.fanout import Fanout
from media.io.webrtc.intake import Intake
from media.io.webrtc.session import Direction, IceCredentials, Session, SessionInfo
from media.io.webrtc.sessions import Sessions
from media.io.webrtc.stats import (
    Layers,
    LiveStats,
    PlaneStats,
    layers_of,
    plane_stats_of,
    stats_of,
)
from media.io.webrtc.udp import open_socket
from media.stream.program_time import media_time
from media.wire import sdp
from media.wire.address import Address
from media.wire.played_offers import parse_played
from media.wire.sdpfrag import parse_fragment

TICK_S = 0.020
IDLE_TICK_S = 0.250  # while nobody is here
SECOND_S = 1.0
HANDSHAKE_TIMEOUT_S = 15.0
SESSION_TIMEOUT_S = 30.0


@dataclasses.dataclass(frozen=True, slots=True)
class PlaneConfig:
    """What an operator may choose."""

    port: int = 0
    addresses: Sequence[str] = ()
    grace_s: float = 30.0
    session_prefix: str = ""  # what all session ids begin with: the worker's id
    viewers_max: int = 0  # 0: as many as the CPU carries


WatchElsewhere = Callable[[str], Awaitable[bool]]


async def _nowhere(room_id: str) -> bool:
    return False


class MediaPlane:
    """Open with `open`, close with `close`."""

    def __init__(self, config: PlaneConfig, sock: socket.socket, candidates: Candidates) -> None:
        self.config = config
        self.listener: Callable[[MediaEvent], None] = lambda event: None
        # A session's id, and how long ICE and DTLS took, in seconds.
        self.on_connected: Callable[[str, float], None] = lambda session_id, took_s: None
        # Whether what is published in a room is a rehearsal.
        self.rehearses: Callable[[str], bool] = lambda room_id: False
        # Becomes an edge of a room's live, if another worker has that; see media/io/cascade/.
        self.watch_elsewhere: WatchElsewhere = _nowhere
        # Somebody who may see no rehearsal watches the live of another worker.
        self.begin_public_elsewhere: Callable[[str], None] = lambda room_id: None
        # Becomes one of a live that went from here to another worker, unless nobody watches.
        self.follow_elsewhere: Callable[[str], bool] = lambda room_id: False
        self.draining = False  # accepts no more sessions
        self.load = Load(now=monotonic(), busy_s=thread_time())
        self.port: int = sock.getsockname()[1]
        self._sock = sock
        self._candidates = candidates
        self._identity = DtlsIdentity()
        self._counted: Counter[str] = Counter()
        self._fanout = Fanout(sock)
        self._sessions = Sessions()
        self._lives = Lives(
            self._fanout,
            self.load,
            lambda event: self.listener(event),
            self._counted,
            secrets.SystemRandom(),
            zero_at=monotonic() - time.time(),
            rehearses=lambda room_id: self.rehearses(room_id),
        )
        self.roads = Roads(self._lives, self._note_taken_over)
        self._intake = Intake(sock, self._sessions, self._lives, self.load)
        self._intake.on_connected = lambda session, now: self.on_connected(
            session.id, now - session.created
        )
        self._loop = asyncio.get_running_loop()
        self._timer: asyncio.TimerHandle | None = None
        self._second_at = 0.0
        self.reads_at_once = False  # whenever something arrives, else with the ticks
        self._closed = False

    @classmethod
    async def open(cls, config: PlaneConfig, *, resolve: Resolve = resolve) -> "MediaPlane":
        """Bind the socket and start.

        Raises:
            OSError: The port is taken.
            Unresolvable: An address is neither one nor a name that resolves.
        """
        sock = open_socket(config.port)
        try:
            ipv6 = sock.family == socket.AF_INET6
            candidates = await Candidates.open(config.addresses, ipv6=ipv6, resolve=resolve)
        except BaseException:
            sock.close()
            raise
        plane = cls(config, sock, candidates)
        plane._watch()
        plane._timer = plane._loop.call_later(TICK_S, plane._tick)
        return plane

    async def close(self) -> None:
        """Close all sessions and the socket; idempotent."""
        if self._closed:
            return
        self._closed = True
        if self._timer:
            self._timer.cancel()
        for session in self._sessions:
            self._lives.end_peer(session.id, now=monotonic())
        self._lives.by_room.clear()
        await self._candidates.close()
        self._loop.remove_reader(self._sock)
        self._sock.close()

    # Sessions

    async def publish(self, room_id: str, offer: str, *, takeover: bool) -> SessionInfo:
        """Answer a host's offer. With `takeover` it replaces the host of now.

        Raises:
            BadOffer: The offer cannot be answered.
            Busy: Without `takeover`, while another host publishes or did a moment ago.
            Full: Too many sessions.
        """
        credentials = IceCredentials.draw()
        published = sdp.answer_published(offer, self._local(credentials))
        self._admit()
        now = monotonic()
        if not takeover:
            self._lives.wait_for_turn(room_id, now=now)
        self._note_taken_over(room_id)
        session = self._new(Direction.PUBLISH, room_id, published.offer, credentials, now)
        host = Host(session.id, room_id, session, session.rtt, published.sendings, self._counted)
        self._lives.add_host(host, standby=not takeover, now=now)
        return SessionInfo(session.id, published.answer, session.ufrag)

    def _note_taken_over(self, room_id: str) -> None:
        """The live's host of now gives way for good, unless it is on standby and comes again."""
        live = self._lives.by_room.get(room_id)
        if live is not None and live.source is not None and not live.standby:
            self._sessions.note_taken_over(live.source.id)

    async def play(self, room_id: str, offer: str, *, private: bool = False) -> SessionInfo:
        """Answer a viewer's offer; who plays not `private` is shown nothing of a rehearsal.

        Raises:
            BadOffer: The offer cannot be answered, or does not play the live's codec.
            NotLive: Nobody publishes to all, nor at another worker of which this one can be an
                edge.
            NotForwarded: The live has B-frames.
            Full: Too many sessions, or too busy to serve one more as well as the others.
        """
        parsed = parse_played(offer)
        if room_id not in self._lives.by_room and self.accepts_viewers:
            await self.watch_elsewhere(room_id)
        live = self._lives.watched(room_id)
        if live.private and not private:
            raise NotLive(RETRY_AFTER_S)
        if live.edge and not private:
            self.begin_public_elsewhere(room_id)
        if live.reorders:
            raise NotForwarded
        self._admit()
        if not self.accepts_viewers:
            raise Full(RETRY_AFTER_S)
        codecs = {kind: track.codec for kind, track in live.tracks.items()}
        ssrcs = {kind: track.ssrc for kind, track in live.tracks.items()}
        video = live.tracks.get("video")
        layers = len(video.layers) if video else 0
        sendings = sdp.choose_played(parsed, codecs, ssrcs, layers=layers)
        credentials, now = IceCredentials.draw(), monotonic()
        session = self._new(Direction.PLAY, room_id, parsed, credentials, now)
        viewer = Viewer(session.id, room_id, session, session.rtt, now=now)
        for sending in sendings:
            if sending.section.kind in live.tracks:
                viewer.subscribe(live.tracks[sending.section.kind], sending)
        self._lives.add_viewer(viewer)
        answer = sdp.answer(parsed, self._local(credentials), sendings, "play")
        return SessionInfo(session.id, answer, session.ufrag, live.repair_delay_s(now=now))

    def _admit(self) -> None:
        if self._sessions.full or self.closed:
            raise Full(RETRY_AFTER_S)

    def _new(
        self,
        direction: Direction,
        room_id: str,
        offer: sdp.Offer,
        credentials: IceCredentials,
        now: float,
    ) -> Session:
        session = Session(
            direction, room_id, offer, credentials, self._identity, self._send, now=now
        )
        session.id = self.config.session_prefix + session.id
        self._sessions.add(session)
        self._watch()
        return session

    def _local(self, credentials: IceCredentials) -> sdp.Local:
        candidates = [(address, self.port) for address in self._candidates.addresses()]
        ufrag, password = credentials
        return sdp.Local(ufrag, password, self._identity.fingerprint, candidates)

    async def close_session(self, session_id: str, room_id: str, direction: Direction) -> None:
        """End one session, as its owner asked.

        Raises:
            NoSuchSession: It is over, or never was.
        """
        if not self._sessions.take_closed(session_id):  # many close their connection first
            session = self.session(session_id, room_id, direction)
            self._lives.end_peer(session.id, now=monotonic())

    def end_session(self, session_id: str) -> None:
        """End one session, as its owner may not go on; idempotent."""
        self._lives.end_peer(session_id, now=monotonic())

    async def change_ice(
        self, session: Session, if_match: str | None, text: str
    ) -> SessionInfo | None:
        """Take a trickle ICE fragment (RFC 9725 section 4.3); a restart gives a fragment back.

        Candidates are not needed, since the peer's checks show its address. `if_match` is the ETag
        of the ICE session, or None for any, which only a restart may give.

        Raises:
            BadFragment: It cannot be read, or a restart has no credentials.
            StaleIce: `if_match` is not the ETag of now.
        """
        fragment = parse_fragment(text)
        if if_match is not None and if_match != session.ufrag:
            raise StaleIce
        if fragment.ufrag is None and if_match is None:
            raise BadFragment("A restart needs an ice-ufrag and an ice-pwd.", well_formed=True)
        if fragment.ufrag is None or fragment.ufrag == session.their_ufrag:
            return None
        session.their_ufrag = fragment.ufrag
        session.their_password = (fragment.password or "").encode()
        self._sessions.restart_ice(session)
        answer = sdp.answer_restart(
            self._local(IceCredentials(session.ufrag, session.password)), session.first_section
        )
        return SessionInfo(session.id, answer, session.ufrag)

    def session(self, session_id: str, room_id: str, direction: Direction) -> Session:
        """Return a session that is not over.

        Raises:
            TakenOver: It is over, since another host publishes.
            NoSuchSession: It is over, never was, or is another room's or direction's.
        """
        if self._sessions.was_taken_over(session_id):
            raise TakenOver
        session = self._sessions.get(session_id)
        if session is None or session.room_id != room_id or session.direction is not direction:
            raise NoSuchSession
        return session

    def viewer(self, session_id: str, room_id: str) -> Viewer:
        """Return the viewer of a session that is not over.

        Raises:
            NoSuchSession: It is over, never was, or is another room's or a host's.
        """
        viewer = self._lives.viewer(self.session(session_id, room_id, Direction.PLAY).id)
        assert viewer is not None, "a session that plays has a viewer as long as it lasts"
        return viewer

    async def end(self, room_id: str) -> None:
        """The live is over: host and viewers are let go."""
        live = self._lives.by_room.get(room_id)
        if live is not None:
            self._lives.end_live(live)

    def set_private(self, room_id: str, private: bool) -> None:
        """A live is a rehearsal, or no longer one: nothing of it is shown then any more."""
        live = self._lives.by_room.get(room_id)
        if live is not None and not live.edge:
            self._lives.set_private(live, private)

    def is_private(self, room_id: str) -> bool:
        """Whether a live on this worker is a rehearsal."""
        live = self._lives.by_room.get(room_id)
        return live is not None and live.private

    async def yield_to_other_worker(self, room_id: str) -> None:
        """The live went to a host at another worker."""
        self._note_taken_over(room_id)
        if not self.follow_elsewhere(room_id):
            await self.end(room_id)

    def live_stats(self, room_id: str) -> LiveStats | None:
        """Return the figures of a live on this worker; None if there is none."""
        live = self._lives.by_room.get(room_id)
        return stats_of(live, self._sessions.uses_gcm, now=monotonic()) if live else None

    def layers(self, viewer: Viewer) -> Layers:
        """Return the layers that a viewer may get, and which one it gets."""
        return layers_of(self._lives.by_room[viewer.room_id], viewer, now=monotonic())

    def prefer_layer(self, viewer: Viewer, rid: str | None, height_max: int | None) -> None:
        """A viewer prefers a layer, None: the best; it shows video at most this high.

        Raises:
            NoSuchLayer: The live has none of that rid.
        """
        live, now = self._lives.by_room[viewer.room_id], monotonic()
        if rid is not None and not any(layer.rid == rid for layer in live.layers()):
            raise NoSuchLayer
        viewer.link.set_preference(rid, height_max)
        live.forwarder.choose(viewer, now=now)

    @property
    def closed(self) -> bool:
        """Whether the plane is closed, or about to be."""
        return self._closed or self.draining

    @property
    def accepts_viewers(self) -> bool:
        """Whether one more viewer can be served as well as the others."""
        most = self.config.viewers_max
        return self.load.accepts_viewers and (not most or self._lives.viewers < most)

    def is_live(self, room_id: str) -> bool:
        """Whether a host of this worker sends media in the room."""
        live = self._lives.by_room.get(room_id)
        return live is not None and live.on_air and not live.edge

    def is_watched(self, room_id: str) -> bool:
        """Whether media flows to viewers of the room, be it of a host at another worker."""
        live = self._lives.by_room.get(room_id)
        return live is not None and live.on_air

    @property
    def lives(self) -> Lives:
        """What the cascade works on."""
        return self._lives

    def viewers(self, room_id: str) -> int:
        """How many viewers of the room this worker has."""
        live = self._lives.by_room.get(room_id)
        return len(live.viewers) if live else 0

    def media_time(self, room_id: str) -> int | None:
        """Return the RTP time (90 kHz, 32 bits) of the newest video frame."""
        live = self._lives.by_room.get(room_id)
        return live.media_time() if live is not None else None

    def event_time(self, room_id: str) -> int | None:
        """Return the media time of what happens in a room now.

        Where another worker may have the live, it is that of the wall clock, by which it began.
        """
        live = self._lives.by_room.get(room_id)
        if live is None or (live.edge and not live.on_air):
            return media_time(time.time())
        return live.media_time()

    def stats(self) -> PlaneStats:
        """Return the worker's figures."""
        return plane_stats_of(
            self._lives,
            self._sessions,
            self._fanout,
            self.load,
            self._counted,
            self._intake.rejected,
        )

    def _send(self, datagram: bytes, address: Address) -> None:
        try:
            self._sock.sendto(datagram, address)
        except BlockingIOError:
            self._counted["blocked"] += 1
        except OSError:
            self._counted["unsendable"] += 1

    # Time

    def _watch(self) -> None:
        """Read the socket whenever something arrives; idempotent."""
        if not self.reads_at_once:
            self.reads_at_once = True
            self._loop.add_reader(self._sock, self._intake.readable)

    def _choose_how_to_read(self) -> None:
        """Whoever joins is answered at once; media alone is read with the ticks.

        Most of what a packet of a small live costs is that it wakes the process.
        """
        if self._lives.by_room and not self._sessions.handshaking:
            if self.reads_at_once:
                self.reads_at_once = False
                self._loop.remove_reader(self._sock)
        else:
            self._watch()

    def _tick(self) -> None:
        if self._closed:
            return
        more = not self.reads_at_once and self._intake.readable()
        busy = self._lives.by_room or self._sessions.handshaking
        wait_s = 0 if more else TICK_S if busy else IDLE_TICK_S
        self._timer = self._loop.call_later(wait_s, self._tick)
        now = monotonic()
        self._lives.tick(now=now)
        for session in list(self._sessions.handshaking.values()):
            if now - session.created > HANDSHAKE_TIMEOUT_S:
                self._lives.end_peer(session.id, now=now)
            else:
                self._intake.push_handshake(session, now=now)
        if now - self._second_at >= SECOND_S:
            self._second_at = now
            self._every_second(now)
        self._choose_how_to_read()

    def _every_second(self, now: float) -> None:
        self._intake.count_second()
        self.load.measure(now=now, busy_s=thread_time())
        for session in self._sessions:
            if now - session.received_at > SESSION_TIMEOUT_S:
                self._lives.end_peer(session.id, now=now)
        self._lives.count_second(now=now)
        self._lives.end_lost(now=now, grace_s=self.config.grace_s)
