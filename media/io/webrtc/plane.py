"""The media plane of a worker: sessions in, packets through, one UDP socket.

`Intake` takes what comes in, `Relay` passes it on in its room, `Sessions` knows who is who. All
calls run on the event loop's thread. What happens is told to `listener`, which must not raise.
"""

import asyncio
import dataclasses
import socket
from collections import Counter
from collections.abc import Callable, Sequence
from time import monotonic, thread_time

from media.congestion.load import Load
from media.errors import BadFragment, Full, NoSuchLayer, NoSuchSession, StaleIce
from media.events import MediaEvent
from media.forwarding.forwarder import Forwarder
from media.io.webrtc.dtls import Identity
from media.io.webrtc.fanout import Fanout
from media.io.webrtc.intake import Intake
from media.io.webrtc.relay import RETRY_AFTER_S, Relay
from media.io.webrtc.session import Address, Role, Session, SessionInfo
from media.io.webrtc.sessions import Sessions
from media.io.webrtc.stats import Layers, LiveStats, layers_of, stats_of
from media.io.webrtc.udp import candidate_addresses, open_socket
from media.wire import sdp
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


@dataclasses.dataclass(frozen=True, slots=True)
class PlaneStats:
    """Figures of this worker since its start; gauges where the name says so."""

    rooms_live: int
    sessions_publish: int
    sessions_play: int
    packets_in: int
    packets_out: int
    octets_out: int
    packets_lost_in: int
    nacks_out: int
    key_requests_out: int
    resent: int
    repeats_refused: int
    shown_again: int
    layer_changes: int
    skips: int
    send_blocked: int
    send_errors: int
    frames_dropped: int
    gso: bool
    busy: float
    rejected: dict[str, int]  # by reason, as `Intake` names them


class MediaPlane:
    """Open with `open`, close with `close`."""

    def __init__(self, config: PlaneConfig, sock: socket.socket) -> None:
        self.config = config
        self.listener: Callable[[MediaEvent], None] = lambda event: None
        self.load = Load(now=monotonic(), busy_s=thread_time())
        self.port: int = sock.getsockname()[1]
        self._sock = sock
        self._identity = Identity()
        self._counted: Counter[str] = Counter()
        self._fanout = Fanout(sock)
        self._forwarder = Forwarder(self._fanout, self.load)
        self._sessions = Sessions()
        self._relay = Relay(
            self._sessions, self._forwarder, lambda event: self.listener(event), self._counted
        )
        self._intake = Intake(sock, self._sessions, self._relay, self.load)
        self._loop = asyncio.get_running_loop()
        self._timer: asyncio.TimerHandle | None = None
        self._second_at = 0.0
        self._closed = False

    @classmethod
    async def open(cls, config: PlaneConfig) -> "MediaPlane":
        """Bind the socket and start.

        Raises:
            OSError: The port is taken.
        """
        plane = cls(config, open_socket(config.port))
        plane._loop.add_reader(plane._sock, plane._intake.readable)
        plane._timer = plane._loop.call_later(TICK_S, plane._tick)
        return plane

    async def close(self) -> None:
        """Say goodbye to everybody and close the socket; idempotent."""
        if self._closed:
            return
        self._closed = True
        if self._timer:
            self._timer.cancel()
        for session in self._sessions:
            self._relay.end(session)
        self._relay.rooms.clear()
        self._loop.remove_reader(self._sock)
        self._sock.close()

    # Sessions

    async def publish(self, room_id: str, offer: str, *, takeover: bool) -> SessionInfo:
        """Answer a host's offer. With `takeover` it replaces whoever publishes in the room.

        Raises:
            BadOffer: The offer cannot be answered.
            Busy: Without `takeover`, while another host publishes or did a moment ago.
            Full: Too many sessions.
        """
        parsed = sdp.parse_offer(offer, "publish")
        chosen = sdp.choose_published(parsed)
        self._admit()
        if not takeover:
            self._relay.wait_for_turn(room_id, now=monotonic())
        session = self._new(Role.PUBLISH, room_id, parsed)
        session.standby = not takeover
        self._relay.add_host(session, chosen)
        return self._answer(session, parsed, list(chosen.values()))

    async def play(self, room_id: str, offer: str) -> SessionInfo:
        """Answer a viewer's offer.

        Raises:
            BadOffer: The offer cannot be answered, or does not play the live's codec.
            NotLive: Nobody publishes.
            Full: Too many sessions, or too busy to serve one more as well as the others.
        """
        parsed = sdp.parse_offer(offer, "play")
        room = self._relay.watched(room_id)
        self._admit()
        if not self.load.accepts_viewers:
            raise Full(RETRY_AFTER_S)
        codecs = {kind: track.codec for kind, track in room.tracks.items()}
        ssrcs = {kind: track.ssrc for kind, track in room.tracks.items()}
        video = room.tracks.get("video")
        sizes = len(video.layers) if video else 0
        sendings = sdp.choose_played(parsed, codecs, ssrcs, layers=sizes)
        session = self._new(Role.PLAY, room_id, parsed)
        self._relay.add_viewer(session, sendings)
        held_s = room.may_hold_s(now=monotonic())
        return dataclasses.replace(self._answer(session, parsed, sendings), held_s=held_s)

    def _admit(self) -> None:
        if self._sessions.full or self._closed:
            raise Full(RETRY_AFTER_S)

    def _new(self, role: Role, room_id: str, offer: sdp.Offer) -> Session:
        session = Session(role, room_id, offer, self._identity, self._send, now=monotonic())
        self._sessions.add(session)
        return session

    def _answer(
        self, session: Session, offer: sdp.Offer, sendings: list[sdp.Sending]
    ) -> SessionInfo:
        direction: sdp.Direction = "publish" if session.role is Role.PUBLISH else "play"
        text = sdp.answer(offer, self._local(session), sendings, direction)
        return SessionInfo(session.id, text, session.ufrag)

    def _local(self, session: Session) -> sdp.Local:
        addresses = candidate_addresses(self.config.addresses)
        candidates = [(address, self.port) for address in addresses]
        return sdp.Local(session.ufrag, session.password, self._identity.fingerprint, candidates)

    async def close_session(self, session_id: str, room_id: str, role: Role) -> None:
        """End one session, as its owner asked.

        Raises:
            NoSuchSession: It is over, or never was.
        """
        if not self._sessions.said_goodbye(session_id):  # many close their connection first
            self._relay.end(self.session(session_id, room_id, role))

    async def change_ice(
        self, session: Session, if_match: str | None, text: str
    ) -> SessionInfo | None:
        """Take a trickle ICE fragment (RFC 9725 section 4.3); a restart gives a fragment back.

        Candidates are not needed, since the peer's checks tell its address. `if_match` is the ETag
        of the ICE session, or None for "whichever it is", which only a restart may say.

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
        answer = sdp.answer_restart(self._local(session), session.first_section)
        return SessionInfo(session.id, answer, session.ufrag)

    def session(self, session_id: str, room_id: str, role: Role) -> Session:
        """Return a session that is not over.

        Raises:
            NoSuchSession: It is over, never was, or is another room's or role's.
        """
        session = self._sessions.get(session_id)
        if session is None or session.room_id != room_id or session.role is not role:
            raise NoSuchSession
        return session

    async def end(self, room_id: str) -> None:
        """The live is over: host and viewers are let go."""
        room = self._relay.rooms.get(room_id)
        if room is not None:
            self._relay.end_room(room)

    def live_stats(self, room_id: str) -> LiveStats | None:
        """Return the figures of a live on this worker; None if there is none."""
        room = self._relay.rooms.get(room_id)
        return stats_of(room, now=monotonic()) if room else None

    def layers(self, session: Session) -> Layers:
        """Return the layers that a viewer may get, and which one it gets."""
        return layers_of(self._relay.rooms[session.room_id], session, now=monotonic())

    def wish(self, session: Session, rid: str | None, height_max: int | None) -> None:
        """A viewer says which layer it wants, None: the best; and how many lines it shows.

        Raises:
            NoSuchLayer: The live has none of that rid.
        """
        room, now = self._relay.rooms[session.room_id], monotonic()
        if rid is not None and not any(layer.rid == rid for layer in room.layers()):
            raise NoSuchLayer
        session.link.set_preference(rid, height_max)
        self._forwarder.choose(room, session, now=now)

    @property
    def closed(self) -> bool:
        """Whether the plane is closed, or about to be."""
        return self._closed

    def is_live(self, room_id: str) -> bool:
        """Whether a host's media flows in the room."""
        room = self._relay.rooms.get(room_id)
        return room is not None and room.live

    def viewers(self, room_id: str) -> int:
        """How many watch the room through this worker."""
        room = self._relay.rooms.get(room_id)
        return len(room.viewers) if room else 0

    def media_time(self, room_id: str) -> int | None:
        """Return the RTP time (90 kHz, 32 bits) of the newest video frame."""
        clock = self.media_clock(room_id)
        return clock[0] if clock else None

    def media_clock(self, room_id: str) -> tuple[int, float] | None:
        """Return the RTP time of the newest video frame, and how many seconds ago it came.

        With it a time of the room becomes a frame, and a frame a time.
        """
        room, now = self._relay.rooms.get(room_id), monotonic()
        if room is None or not room.live:
            return None
        newest = max(room.tracks["video"].layers, key=lambda layer: layer.newest_at)
        return newest.timestamp, max(0.0, now - newest.newest_at)

    def stats(self) -> PlaneStats:
        """Return the worker's figures."""
        roles = Counter(session.role for session in self._sessions)
        fanout = self._fanout
        return PlaneStats(
            rooms_live=sum(room.live for room in self._relay.rooms.values()),
            sessions_publish=roles[Role.PUBLISH],
            sessions_play=roles[Role.PLAY],
            packets_in=self._counted["in"],
            packets_out=fanout.packets,
            octets_out=fanout.octets,
            packets_lost_in=self._counted["lost_in"],
            nacks_out=self._counted["nacks"],
            key_requests_out=self._counted["keys"],
            resent=self._counted["resent"],
            repeats_refused=self._counted["repeats_refused"],
            shown_again=self._counted["shown_again"],
            layer_changes=self._counted["layer_changes"],
            skips=self._counted["skips"],
            send_blocked=fanout.blocked,
            send_errors=fanout.send_errors,
            frames_dropped=fanout.dropped_frames,
            gso=fanout.gso,
            busy=round(self.load.busy, 3),
            rejected=dict(self._intake.rejected),
        )

    def _send(self, datagram: bytes, address: Address) -> None:
        try:
            self._sock.sendto(datagram, address)
        except BlockingIOError:
            self._counted["blocked"] += 1
        except OSError:
            self._counted["unsendable"] += 1

    # Time

    def _tick(self) -> None:
        busy = self._relay.rooms or self._sessions.handshaking
        self._timer = self._loop.call_later(TICK_S if busy else IDLE_TICK_S, self._tick)
        now = monotonic()
        self._relay.tick(now=now)
        for session in list(self._sessions.handshaking.values()):
            if now - session.created > HANDSHAKE_TIMEOUT_S:
                self._relay.end(session)
            else:
                self._intake.push_handshake(session)
        if now - self._second_at >= SECOND_S:
            self._second_at = now
            self._every_second(now)

    def _every_second(self, now: float) -> None:
        self._intake.count_second()
        self.load.measure(now=now, busy_s=thread_time())
        for session in self._sessions:
            if now - session.last_heard > SESSION_TIMEOUT_S:
                self._relay.end(session)
        self._relay.count_second(now=now)
        self._relay.end_lost(now=now, grace_s=self.config.grace_s)
