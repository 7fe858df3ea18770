"""The media plane of a worker: sessions in, packets through, one UDP socket.

All calls run on the event loop's thread. What happens is told to `listener`, which must not raise.
"""

import asyncio
import dataclasses
import secrets
import socket
from collections import Counter
from collections.abc import Callable, Sequence
from time import monotonic, thread_time

import pylibsrtp
import structlog
from aiortc.rtp import AnyRtcpPacket, RtcpSrPacket

from media import rtcp, rtp, sdp, stun
from media.demux import Kind, kind_of
from media.errors import (
    BadFragment,
    Busy,
    Full,
    Malformed,
    NoSuchLayer,
    NoSuchSession,
    NotLive,
    StaleIce,
)
from media.events import MediaEvent, PublisherGone, PublisherLost, PublisherUp
from media.io.downlink import Downlink
from media.io.dtls import DtlsFailed, Identity
from media.io.fanout import Fanout, Leg
from media.io.forward import Forwarder
from media.io.room import MediaRoom, Stream
from media.io.session import ADDRESSES_MAX, Address, Role, Session, SessionInfo
from media.io.stats import Layers, LiveStats, layers_of, stats_of
from media.io.udp import candidate_addresses, open_socket
from media.io.uplink import Uplink
from media.load import Load
from media.sdpfrag import parse_fragment
from media.track import Timeline, Track

READS_MAX = 256  # datagrams per wake-up
DATAGRAM_BYTES_MAX = 2_048
TICK_S = 0.020
IDLE_TICK_S = 0.250  # while nobody is here
SECOND_S = 1.0
SESSIONS_MAX = 5_000
GOODBYES_KEPT = 1_000
HANDSHAKES_MAX = 500
HANDSHAKE_TIMEOUT_S = 15.0
SESSION_TIMEOUT_S = 30.0
MEDIA_TIMEOUT_S = 3.0
STANDBY_S = 120.0  # how long a standby host stays away after another host's last media
RETRY_AFTER_S = 2
# Datagrams a second that an address nobody knows may cost us. A whole estate may share one.
STRANGERS_PER_S_MAX = 500
PAIRS_FROM_VIEWERS = 50  # in smaller rooms sound goes out at once
REPEATS_SHARE = 0.15  # of what is sent anyway
REPEATS_PER_S_MIN = 10.0
SEND_TIME_ID = 2  # what most browsers call it; who has no such extension passes over it
SEQUENCE_START_MAX = 30_000  # far from a rollover, which a lost first packet would hide

log = structlog.get_logger()


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
    rejected: dict[
        str, int
    ]  # by reason: stun, stun-integrity, dtls, rtp, rtcp, srtp, unknown, flood


class MediaPlane:
    """Open with `open`, close with `close`."""

    def __init__(self, config: PlaneConfig, sock: socket.socket) -> None:
        self.config = config
        self.listener: Callable[[MediaEvent], None] = lambda event: None
        self._sock = sock
        self.port: int = sock.getsockname()[1]
        self._identity = Identity()
        self._fanout = Fanout(sock)
        self.load = Load(now=monotonic(), busy_s=thread_time())
        self._forwarder = Forwarder(self._fanout, self.load)
        self._sessions: dict[str, Session] = {}
        self._by_ufrag: dict[str, Session] = {}
        self._by_address: dict[Address, Session] = {}
        self._handshaking: dict[str, Session] = {}
        self._said_goodbye: dict[str, bool] = {}  # ids of sessions, the last to end last
        self._rooms: dict[str, MediaRoom] = {}
        self._other_host_at: dict[
            str, float
        ] = {}  # room → when a host that is no standby last sent
        self._rejected: Counter[str] = Counter()
        self._strangers: Counter[str] = Counter()  # datagrams of this second, by address
        self._counted: Counter[str] = Counter()
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
        plane._loop.add_reader(plane._sock, plane._readable)
        plane._timer = plane._loop.call_later(TICK_S, plane._tick)
        return plane

    async def close(self) -> None:
        """Say goodbye to everybody and close the socket; idempotent."""
        if self._closed:
            return
        self._closed = True
        if self._timer:
            self._timer.cancel()
        for session in list(self._sessions.values()):
            self._drop(session)
        self._rooms.clear()
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
        now = monotonic()
        self._admit()
        room = self._rooms.get(room_id)
        if not takeover and (wait_s := self._others_turn_s(room_id, room, now)) > 0:
            raise Busy(round(wait_s) or 1)
        session = self._new(Role.PUBLISH, room_id, parsed, now)
        session.standby = not takeover
        if room is not None and not _same_codecs(room, chosen):
            self._end_viewers(room)
            room.streams = {}
        if room is None:
            room = self._rooms[room_id] = MediaRoom(room_id, {}, counted=self._counted)
        previous, room.publisher = room.publisher, session
        if previous is not None:
            for track in room.tracks():
                track.lose_source()
            self._drop(previous)
        self._set_streams(room, chosen)
        room.uplink = Uplink(
            room.streams,
            {sending.codec.payload_type: kind for kind, sending in chosen.items()},
            chosen["video"].section.extensions,
            self._counted,
        )
        return self._answer(session, parsed, list(chosen.values()))

    async def play(self, room_id: str, offer: str) -> SessionInfo:
        """Answer a viewer's offer.

        Raises:
            BadOffer: The offer cannot be answered, or does not play the live's codec.
            NotLive: Nobody publishes.
            Full: Too many sessions, or too busy to serve one more as well as the others.
        """
        parsed = sdp.parse_offer(offer, "play")
        room = self._rooms.get(room_id)
        if room is None or not (room.live or room.lost_at is not None):
            raise NotLive(RETRY_AFTER_S)
        self._admit()
        if not self.load.takes_viewers:
            raise Full(RETRY_AFTER_S)
        codecs = {kind: stream.codec for kind, stream in room.streams.items()}
        ssrcs = {kind: stream.ssrc for kind, stream in room.streams.items()}
        sendings = sdp.choose_played(parsed, codecs, ssrcs)
        session = self._new(Role.PLAY, room_id, parsed, monotonic())
        for sending in sendings:
            if sending.section.kind in room.streams:
                session.downlinks[sending.section.kind] = _downlink(sending)
        room.viewers[session.id] = session
        return self._answer(session, parsed, sendings)

    async def close_session(self, session_id: str, room_id: str, role: Role) -> None:
        """End one session, as its owner asked.

        Raises:
            NoSuchSession: It is over, or never was.
        """
        if self._said_goodbye.pop(session_id, False):
            return  # many close their connection first
        session = self.session(session_id, room_id, role)
        self._drop(session)

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
        for ufrag in list(session.credentials)[1:]:  # a restart that was never used
            self._forget_credentials(session, ufrag)
        session.new_credentials()
        self._by_ufrag[session.ufrag] = session
        answer = sdp.answer_restart(self._local(session), session.first_section)
        return SessionInfo(session.id, answer, session.ufrag)

    def _forget_credentials(self, session: Session, ufrag: str) -> None:
        session.credentials.pop(ufrag, None)
        self._by_ufrag.pop(ufrag, None)

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
        room = self._rooms.get(room_id)
        if room is not None:
            self._end_room(room)

    def live_stats(self, room_id: str) -> LiveStats | None:
        """Return the figures of a live on this worker; None if there is none."""
        room = self._rooms.get(room_id)
        return stats_of(room, now=monotonic()) if room else None

    def layers(self, session: Session) -> Layers:
        """Return the layers that a viewer may get, and which one it gets."""
        return layers_of(self._rooms[session.room_id], session, now=monotonic())

    def wish(self, session: Session, rid: str | None, lines_max: int | None) -> None:
        """A viewer says which layer it wants, None: the best; and how many lines it shows.

        Raises:
            NoSuchLayer: The live has none of that rid.
        """
        room, now = self._rooms[session.room_id], monotonic()
        if rid is not None and not any(layer.rid == rid for layer in room.tracks()):
            raise NoSuchLayer
        session.line.wish(rid, lines_max)
        self._forwarder.choose(room, session, now=now)

    @property
    def closed(self) -> bool:
        """Whether the plane is closed, or about to be."""
        return self._closed

    def is_live(self, room_id: str) -> bool:
        """Whether a host's media flows in the room."""
        room = self._rooms.get(room_id)
        return room is not None and room.live

    def viewers(self, room_id: str) -> int:
        """How many watch the room through this worker."""
        room = self._rooms.get(room_id)
        return len(room.viewers) if room else 0

    def media_time(self, room_id: str) -> int | None:
        """Return the RTP time (90 kHz, 32 bits) of the newest video frame."""
        clock = self.media_clock(room_id)
        return clock[0] if clock else None

    def media_clock(self, room_id: str) -> tuple[int, float] | None:
        """Return the RTP time of the newest video frame, and how many seconds ago it came.

        With it a time of the room becomes a frame, and a frame a time.
        """
        room, now = self._rooms.get(room_id), monotonic()
        if room is None or not room.live:
            return None
        newest = max(room.streams["video"].layers, key=lambda layer: layer.newest_at)
        return newest.timestamp, max(0.0, now - newest.newest_at)

    def stats(self) -> PlaneStats:
        """Return the worker's figures."""
        sessions = list(self._sessions.values())
        tracks = [track for room in self._rooms.values() for track in room.tracks()]
        fanout = self._fanout
        return PlaneStats(
            rooms_live=sum(room.live for room in self._rooms.values()),
            sessions_publish=sum(session.role is Role.PUBLISH for session in sessions),
            sessions_play=sum(session.role is Role.PLAY for session in sessions),
            packets_in=self._counted["in"],
            packets_out=fanout.packets,
            octets_out=fanout.octets,
            packets_lost_in=sum(track.lost for track in tracks),
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
            rejected=dict(self._rejected),
        )

    def _admit(self) -> None:
        full = len(self._sessions) >= SESSIONS_MAX or len(self._handshaking) >= HANDSHAKES_MAX
        if full or self._closed:
            raise Full(RETRY_AFTER_S)

    def _others_turn_s(self, room_id: str, room: MediaRoom | None, now: float) -> float:
        """Return how long a standby host has to wait for another host."""
        publisher = room.publisher if room else None
        if publisher is not None and not publisher.standby:
            return RETRY_AFTER_S * 5
        return self._other_host_at.get(room_id, -1e9) + STANDBY_S - now

    def _new(self, role: Role, room_id: str, offer: sdp.Offer, now: float) -> Session:
        session = Session(role, room_id, offer, self._identity, self._send, now=now)
        self._sessions[session.id] = session
        self._by_ufrag[session.ufrag] = session
        self._handshaking[session.id] = session
        return session

    def _set_streams(self, room: MediaRoom, chosen: dict[str, sdp.Sending]) -> None:
        """Make what the host will send, keeping of each stream the layers that stay."""
        for kind, sending in chosen.items():
            rids = sending.section.rids or ("",)
            stream = room.streams.get(kind)
            if stream is None:
                ssrc = secrets.randbelow(0xFFFFFFF0) + 2
                timeline = Timeline(sending.codec.clock_hz)
                layers = [_track(kind, sending.codec, rid, timeline) for rid in rids]
                room.streams[kind] = Stream(kind, sending.codec, ssrc, layers)
                continue
            kept = {layer.rid: layer for layer in stream.layers}
            layers = [
                kept.get(rid) or _track(kind, stream.codec, rid, stream.timeline) for rid in rids
            ]
            self._forwarder.replace_layers(room, stream, layers)

    def _answer(
        self, session: Session, offer: sdp.Offer, sendings: list[sdp.Sending]
    ) -> SessionInfo:
        local = self._local(session)
        direction: sdp.Direction = "publish" if session.role is Role.PUBLISH else "play"
        text = sdp.answer(offer, local, sendings, direction)
        return SessionInfo(session.id, text, session.ufrag)

    def _local(self, session: Session) -> sdp.Local:
        addresses = candidate_addresses(self.config.addresses)
        candidates = [(address, self.port) for address in addresses]
        return sdp.Local(session.ufrag, session.password, self._identity.fingerprint, candidates)

    def _drop(self, session: Session) -> None:
        """Forget a session everywhere; the peer is told."""
        if self._sessions.pop(session.id, None) is None:
            return
        session.handshake.close()
        for ufrag in session.credentials:
            self._by_ufrag.pop(ufrag, None)
        self._handshaking.pop(session.id, None)
        for address in session.addresses:
            if self._by_address.get(address) is session:
                del self._by_address[address]
        room = self._rooms.get(session.room_id)
        if room is None:
            return
        if session.role is Role.PLAY:
            room.viewers.pop(session.id, None)
            self._forwarder.end(room, session)
        elif room.publisher is session:
            room.publisher = room.uplink = None
            self._lose(room)

    def _lose(self, room: MediaRoom) -> None:
        """The host's media broke off."""
        for track in room.tracks():
            track.lose_source()
        if room.live:
            room.live = False
            room.lost_at = monotonic()
            self.listener(PublisherLost(room.id))
        elif room.lost_at is None:
            # It never began: nobody can have watched.
            self._rooms.pop(room.id, None)

    def _end_viewers(self, room: MediaRoom) -> None:
        for viewer in list(room.viewers.values()):
            self._drop(viewer)

    def _end_room(self, room: MediaRoom) -> None:
        self._rooms.pop(room.id, None)
        self._end_viewers(room)
        for viewer in list(room.viewers.values()):
            self._drop(viewer)
        if room.publisher is not None:
            self._drop(room.publisher)
        self.listener(PublisherGone(room.id))

    # Datagrams

    def _send(self, datagram: bytes, address: Address) -> None:
        try:
            self._sock.sendto(datagram, address)
        except BlockingIOError:
            self._counted["blocked"] += 1
        except OSError:
            self._counted["unsendable"] += 1

    def _readable(self) -> None:
        receive, now = self._sock.recvfrom, monotonic()
        for _ in range(READS_MAX):
            try:
                datagram, address = receive(DATAGRAM_BYTES_MAX)
            except (BlockingIOError, InterruptedError):
                return
            except OSError:
                self._counted["unreceivable"] += 1
                return
            kind = kind_of(datagram)
            session = self._by_address.get(address)
            if session is None:
                if len(self._strangers) > SESSIONS_MAX:
                    self._strangers.clear()
                self._strangers[address[0]] += 1
                if self._strangers[address[0]] > STRANGERS_PER_S_MAX:
                    self._rejected["flood"] += 1
                    continue
            if kind is Kind.STUN:
                self._take_stun(datagram, address, now)
            elif session is None or kind is Kind.UNKNOWN:
                self._rejected["unknown"] += 1
            elif kind is Kind.RTP:
                self._take_rtp(session, datagram, now)
            elif kind is Kind.RTCP:
                self._take_rtcp(session, datagram, now)
            else:
                self._take_dtls(session, datagram, address, now)

    def _take_stun(self, datagram: bytes, address: Address, now: float) -> None:
        try:
            request = stun.parse_request(datagram)
        except Malformed:
            self._rejected["stun"] += 1
            return
        session = self._by_ufrag.get(request.ufrag)
        key = session.credentials[request.ufrag] if session else b""
        if session is None or not request.authentic(key):
            self._rejected["stun-integrity"] += 1
            return
        session.last_heard = now
        self._send(stun.binding_success(request.transaction_id, address, key), address)
        if len(session.credentials) > 1 and request.ufrag == session.ufrag:
            # The peer uses what the restart gave it: the ICE session before is over.
            for ufrag in list(session.credentials)[:-1]:
                self._forget_credentials(session, ufrag)
        if self._by_address.get(address) is not session:
            self._learn(session, address)
        session.nominated |= request.use_candidate
        if session.address != address and (request.use_candidate or session.address is None):
            session.move_to(address)
        try:
            session.handshake.start()
        except DtlsFailed:
            self._rejected["dtls"] += 1
            self._drop(session)

    def _learn(self, session: Session, address: Address) -> None:
        """A checked request came from a new address of the session's peer."""
        self._by_address[address] = session
        session.addresses.append(address)
        if len(session.addresses) > ADDRESSES_MAX:
            old = next(known for known in session.addresses if known != session.address)
            session.addresses.remove(old)
            if self._by_address.get(old) is session:
                del self._by_address[old]

    def _take_dtls(self, session: Session, datagram: bytes, address: Address, now: float) -> None:
        session.last_heard = now
        if not session.nominated and session.address != address:
            # Browsers shake hands on the first pair that works, before they name the best one, and
            # hear nothing on the others.
            session.move_to(address)
        try:
            if session.handshake.receive(datagram):
                self._connected(session)
            elif session.handshake.closed:
                self._said_goodbye[session.id] = True
                if len(self._said_goodbye) > GOODBYES_KEPT:
                    del self._said_goodbye[next(iter(self._said_goodbye))]
                self._drop(session)
        except DtlsFailed as error:
            self._rejected["dtls"] += 1
            log.info("a handshake failed", role=str(session.role), why=str(error))
            self._drop(session)

    def _connected(self, session: Session) -> None:
        self._handshaking.pop(session.id, None)
        session.take_keys()
        room = self._rooms.get(session.room_id)
        if session.role is Role.PUBLISH or room is None:
            return
        for kind, downlink in session.downlinks.items():
            stream = room.streams[kind]
            session.connect_leg(downlink.leg, stream.ssrc)
            if downlink.repair is not None:
                session.connect_leg(downlink.repair, stream.repair_ssrc)
        self._forwarder.begin(room, session, now=monotonic())

    def _take_rtp(self, session: Session, datagram: bytes, now: float) -> None:
        if session.inbound is None or session.role is not Role.PUBLISH:
            self._rejected["unknown"] += 1
            return
        try:
            clear = session.inbound.unprotect(datagram)
            packet = rtp.parse(clear)
        except pylibsrtp.Error:
            self._rejected["srtp"] += 1
            return
        except Malformed:
            self._rejected["rtp"] += 1
            return
        session.last_heard = session.last_media = now
        self._counted["in"] += 1
        room = self._rooms.get(session.room_id)
        if room is None or room.uplink is None or room.publisher is not session:
            return
        track = room.uplink.track_of(packet, clear, now=now)
        if track is None:
            return
        track.pairs = len(room.viewers) >= PAIRS_FROM_VIEWERS
        track.receive(packet, now=now)
        self._forward(room, track, now)

    def _forward(self, room: MediaRoom, track: Track, now: float) -> None:
        stream = room.streams[track.kind]
        began = self._forwarder.forward(room, stream, track, now=now)
        if began and not room.live and (track.kind == "video" or "video" not in room.streams):
            self._media_came(room)

    def _media_came(self, room: MediaRoom) -> None:
        returned, room.live, room.lost_at = room.lost_at is not None, True, None
        self.listener(PublisherUp(room.id, returned))

    def _take_rtcp(self, session: Session, datagram: bytes, now: float) -> None:
        if session.inbound is None:
            self._rejected["unknown"] += 1
            return
        try:
            packets = rtcp.parse(session.inbound.unprotect_rtcp(datagram))
        except pylibsrtp.Error:
            self._rejected["srtp"] += 1
            return
        except Malformed:
            self._rejected["rtcp"] += 1
            return
        session.last_heard = now
        room = self._rooms.get(session.room_id)
        if room is None:
            return
        for packet in packets:
            if session.role is Role.PLAY:
                self._take_feedback(room, session, packet, now)
            elif isinstance(packet, RtcpSrPacket):
                for stream in room.streams.values():
                    for track in stream.layers:
                        self._forwarder.pass_sender_report(room, stream, track, packet, now=now)
        if session.role is Role.PLAY:
            self._forwarder.choose(room, session, now=now)

    def _take_feedback(
        self, room: MediaRoom, session: Session, packet: AnyRtcpPacket, now: float
    ) -> None:
        for block in rtcp.report_blocks(packet):
            self._forwarder.hear_report(room, session, block, now=now)
        estimate = rtcp.estimate(packet)
        if estimate is not None:
            session.line.hear_estimate(estimate, now=now)
            return
        if rtcp.is_key_frame_request(packet):
            if "video" in session.downlinks:
                self._forwarder.want_key(room, session, room.streams["video"], now=now)
                self._ask_host(room, now)
            return
        lost = rtcp.lost_packets(packet)
        for kind in session.downlinks if lost else ():
            if room.streams[kind].ssrc == getattr(packet, "media_ssrc", 0):
                self._forwarder.repeat(room, session, room.streams[kind], lost, now=now)

    # Time

    def _tick(self) -> None:
        busy = self._rooms or self._handshaking
        self._timer = self._loop.call_later(TICK_S if busy else IDLE_TICK_S, self._tick)
        now = monotonic()
        for room in list(self._rooms.values()):
            if room.publisher is not None and room.publisher.up:
                for track in room.tracks():
                    self._forward(room, track, now)
                self._ask_host(room, now)
            self._forwarder.tick(room)
        for session in list(self._handshaking.values()):
            self._push_handshake(session, now)
        if now - self._second_at >= SECOND_S:
            self._second_at = now
            self._strangers.clear()
            self.load.measure(now=now, busy_s=thread_time())
            self._every_second(now)

    def _ask_host(self, room: MediaRoom, now: float) -> None:
        """Ask for lost packets and for key frames, and tell when packets came, as is due."""
        if room.uplink is not None and room.publisher is not None:
            for text in room.uplink.repairs(now=now):
                self._feedback(room.publisher, text)

    def _feedback(self, host: Session, text: bytes) -> None:
        if host.outbound is not None:
            host.send(host.outbound.protect_rtcp(text))

    def _push_handshake(self, session: Session, now: float) -> None:
        if now - session.created > HANDSHAKE_TIMEOUT_S:
            self._drop(session)
            return
        try:
            session.handshake.handle_timeout()
        except DtlsFailed:
            self._rejected["dtls"] += 1
            self._drop(session)

    def _every_second(self, now: float) -> None:
        for session in list(self._sessions.values()):
            if now - session.last_heard > SESSION_TIMEOUT_S:
                self._drop(session)
        for room in list(self._rooms.values()):
            for stream in room.streams.values():
                for track in stream.layers:
                    track.count_second(now=now)
                stream.order()
            for viewer in list(room.viewers.values()):
                self._forwarder.choose(room, viewer, now=now)
                layers = [downlink.layer for downlink in viewer.downlinks.values()]
                per_s = sum(layer.packets_per_s for layer in layers if layer)
                viewer.repeats.per_s = max(REPEATS_PER_S_MIN, per_s * REPEATS_SHARE)
            host = room.publisher
            if host is not None and host.up and host.last_media:
                if not host.standby:
                    self._other_host_at[room.id] = host.last_media
                self._report(room, host, now)
                if room.live and now - host.last_media > MEDIA_TIMEOUT_S:
                    self._lose(room)
            if room.lost_at is not None and now - room.lost_at > self.config.grace_s:
                self._end_room(room)

    def _report(self, room: MediaRoom, host: Session, now: float) -> None:
        """Tell the host how its streams arrive; its browser adapts to that."""
        text = room.uplink.report(now=now) if room.uplink is not None else None
        if text is not None:
            self._feedback(host, text)


def _track(kind: str, codec: sdp.Codec, rid: str, timeline: Timeline) -> Track:
    return Track(kind, codec, secrets.randbelow(SEQUENCE_START_MAX), rid, timeline)


def _downlink(sending: sdp.Sending) -> Downlink:
    stamp_id = sending.section.extensions.get(sdp.SEND_TIME_URI, SEND_TIME_ID)
    leg = Leg(sending.codec.payload_type, stamp_id)
    repair = Leg(sending.repair.payload_type, stamp_id) if sending.repair else None
    return Downlink(leg, repair, sending.codec.clock_hz)


def _same_codecs(room: MediaRoom, chosen: dict[str, sdp.Sending]) -> bool:
    """Whether viewers of the room can decode what the new host will send."""
    return {kind: stream.codec.name.upper() for kind, stream in room.streams.items()} == {
        kind: sending.codec.name.upper() for kind, sending in chosen.items()
    }
