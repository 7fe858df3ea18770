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
from media.errors import BadFragment, Busy, Full, Malformed, NoSuchSession, NotLive, StaleIce
from media.events import MediaEvent, PublisherGone, PublisherLost, PublisherUp
from media.io.dtls import DtlsFailed, Identity
from media.io.fanout import Fanout, Leg
from media.io.room import MediaRoom
from media.io.session import ADDRESSES_MAX, Address, Role, Session, SessionInfo
from media.io.stats import LiveStats, stats_of
from media.io.udp import candidate_addresses, open_socket
from media.load import Load
from media.sdpfrag import parse_fragment
from media.track import Frame, Track

READS_MAX = 256  # datagrams per wake-up
DATAGRAM_BYTES_MAX = 2_048
TICK_S = 0.020
IDLE_TICK_S = 0.250  # while nobody is here
SECOND_S = 1.0
SESSIONS_MAX = 5_000
HANDSHAKES_MAX = 500
HANDSHAKE_TIMEOUT_S = 15.0
SESSION_TIMEOUT_S = 30.0
MEDIA_TIMEOUT_S = 3.0
STANDBY_S = 120.0  # how long a standby host stays away after another host's last media
RETRY_AFTER_S = 2
PAIRS_FROM_VIEWERS = 50  # in smaller rooms sound goes out at once
RESENDS_PER_NACK_MAX = 100
REPEATS_SHARE = 0.15  # of what is sent anyway
REPEATS_PER_S_MIN = 10.0
RESENT_KEPT_MAX = 2_000
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
    send_blocked: int
    send_errors: int
    frames_dropped: int
    gso: bool
    busy: float
    rejected: dict[str, int]  # by reason: stun, stun-integrity, dtls, rtp, rtcp, srtp, unknown


class MediaPlane:
    """Open with `open`, close with `close`."""

    def __init__(self, config: PlaneConfig, sock: socket.socket) -> None:
        self.config = config
        self.listener: Callable[[MediaEvent], None] = lambda event: None
        self._sock = sock
        self.port: int = sock.getsockname()[1]
        self._identity = Identity()
        self._fanout = Fanout(sock)
        self._sessions: dict[str, Session] = {}
        self._by_ufrag: dict[str, Session] = {}
        self._by_address: dict[Address, Session] = {}
        self._handshaking: dict[str, Session] = {}
        self._rooms: dict[str, MediaRoom] = {}
        self._other_host_at: dict[
            str, float
        ] = {}  # room → when a host that is no standby last sent
        self._rejected: Counter[str] = Counter()
        self._counted: Counter[str] = Counter()
        self._loop = asyncio.get_running_loop()
        self._timer: asyncio.TimerHandle | None = None
        self._second_at = 0.0
        self.load = Load(now=monotonic(), busy_s=thread_time())
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
        session.payload_types = {
            sending.codec.payload_type: kind for kind, sending in chosen.items()
        }
        codecs = {kind: sending.codec for kind, sending in chosen.items()}
        if room is not None and not _same_codecs(room, codecs):
            self._end_viewers(room)
            room.tracks = self._tracks(codecs)
        if room is None:
            room = self._rooms[room_id] = MediaRoom(room_id, self._tracks(codecs))
        previous, room.publisher = room.publisher, session
        if previous is not None:
            for track in room.tracks.values():
                track.lose_source()
            self._drop(previous)
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
        codecs = {kind: track.codec for kind, track in room.tracks.items()}
        ssrcs = {kind: track.ssrc for kind, track in room.tracks.items()}
        sendings = sdp.choose_played(parsed, codecs, ssrcs)
        session = self._new(Role.PLAY, room_id, parsed, monotonic())
        for sending in sendings:
            if sending.section.kind in room.tracks:
                session.legs[sending.section.kind] = Leg(sending.codec.payload_type)
        room.viewers[session.id] = session
        return self._answer(session, parsed, sendings)

    async def close_session(self, session_id: str, room_id: str, role: Role) -> None:
        """End one session, as its owner asked.

        Raises:
            NoSuchSession: It is over, or never was.
        """
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
        room = self._rooms.get(room_id)
        if room is None or not room.live or "video" not in room.tracks:
            return None
        return room.tracks["video"].timestamp

    def stats(self) -> PlaneStats:
        """Return the worker's figures."""
        sessions = list(self._sessions.values())
        tracks = [track for room in self._rooms.values() for track in room.tracks.values()]
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

    def _tracks(self, codecs: dict[str, sdp.Codec]) -> dict[str, Track]:
        return {
            kind: Track(
                kind,
                codec,
                ssrc=secrets.randbelow(0xFFFFFFFE) + 2,
                first_sequence=secrets.randbelow(SEQUENCE_START_MAX),
            )
            for kind, codec in codecs.items()
        }

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
            for kind, leg in session.legs.items():
                room.remove_leg(kind, leg)
        elif room.publisher is session:
            room.publisher = None
            self._lose(room)

    def _lose(self, room: MediaRoom) -> None:
        """The host's media broke off."""
        for track in room.tracks.values():
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
            if kind is Kind.STUN:
                self._take_stun(datagram, address, now)
                continue
            session = self._by_address.get(address)
            if session is None or kind is Kind.UNKNOWN:
                self._rejected["unknown"] += 1
            elif kind is Kind.RTP:
                self._take_rtp(session, datagram, now)
            elif kind is Kind.RTCP:
                self._take_rtcp(session, datagram, now)
            else:
                self._take_dtls(session, datagram, now)

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
        if session.address != address and (request.use_candidate or session.address is None):
            session.address = address
            for leg in session.legs.values():
                leg.address = address
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

    def _take_dtls(self, session: Session, datagram: bytes, now: float) -> None:
        session.last_heard = now
        try:
            if session.handshake.receive(datagram):
                self._connected(session)
            elif session.handshake.closed:
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
        for kind, leg in session.legs.items():
            track = room.tracks[kind]
            replay: Sequence[Frame] = track.replay() if kind == "video" else ()
            first = replay[0].runs[0].sequence if replay else track.next_sequence
            session.connect_leg(leg, track.ssrc, first)
            for frame in replay:
                for run in frame.runs:
                    for number in range(run.sequence, run.sequence + len(run.items)):
                        leg.replayed[number] = frame.shift
                self._fanout.send_frame(frame, track.ssrc, (leg,))
            room.add_leg(kind, leg)
            if kind == "video" and not replay:
                room.keys.want()
                self._ask_for_key(room, monotonic())

    def _take_rtp(self, session: Session, datagram: bytes, now: float) -> None:
        if session.inbound is None or session.role is not Role.PUBLISH:
            self._rejected["unknown"] += 1
            return
        try:
            packet = rtp.parse(session.inbound.unprotect(datagram))
        except pylibsrtp.Error:
            self._rejected["srtp"] += 1
            return
        except Malformed:
            self._rejected["rtp"] += 1
            return
        session.last_heard = session.last_media = now
        self._counted["in"] += 1
        room = self._rooms.get(session.room_id)
        kind = session.payload_types.get(packet.payload_type)
        if room is None or kind is None or room.publisher is not session:
            return
        track = room.tracks[kind]
        track.pairs = len(room.viewers) >= PAIRS_FROM_VIEWERS
        track.receive(packet, now=now)
        self._forward(room, track, now)

    def _forward(self, room: MediaRoom, track: Track, now: float) -> None:
        for frame in track.poll(now=now):
            if frame.key:
                room.keys.came()
            if not room.live and (frame.key or "video" not in room.tracks):
                self._media_came(room)
            self._fanout.send_frame(frame, track.ssrc, room.legs.get(track.kind, ()))
        if track.waits_for_key:
            room.keys.want()

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
                self._pass_sender_report(room, packet, now)

    def _take_feedback(
        self, room: MediaRoom, session: Session, packet: AnyRtcpPacket, now: float
    ) -> None:
        for block in rtcp.report_blocks(packet):
            for kind in session.legs:
                if room.tracks[kind].ssrc == block.ssrc:
                    session.hear_report(kind, block, room.tracks[kind], now=now)
        if rtcp.is_key_frame_request(packet):
            room.keys.want()
            self._ask_for_key(room, now)
        elif lost := rtcp.lost_packets(packet):
            for kind, leg in session.legs.items():
                track = room.tracks[kind]
                if track.ssrc == getattr(packet, "media_ssrc", 0):
                    session.nacks += 1
                    self._resend(track, session, leg, lost[:RESENDS_PER_NACK_MAX], now)

    def _resend(
        self, track: Track, session: Session, leg: Leg, lost: Sequence[int], now: float
    ) -> None:
        if not self.load.repeats:
            self._counted["repeats_refused"] += len(lost)
            return
        for sequence in lost:
            number = rtp.unwrap(sequence, track.next_sequence)
            kept = track.ring.get(number)
            if kept is None or now - leg.resent.get(number, -1e9) < session.rtt_s:
                continue
            if not session.repeats.take(now=now):
                self._counted["repeats_refused"] += 1
                return
            if len(leg.resent) > RESENT_KEPT_MAX:
                leg.resent.clear()
            leg.resent[number] = now
            shift = leg.replayed.get(number, 0)
            self._fanout.resend(number, kept.item, shift, track.ssrc, leg)
            session.resent += 1
            self._counted["resent"] += 1

    def _pass_sender_report(self, room: MediaRoom, report: RtcpSrPacket, now: float) -> None:
        """Tell viewers what the host says of its clock, in our numbers (RFC 3550 section 6.4.1)."""
        for kind, track in room.tracks.items():
            source = track.source
            if source is None or source.ssrc != report.ssrc:
                continue
            ntp_time = report.sender_info.ntp_timestamp
            source.hear_report(ntp_time, now=now)
            timestamp = source.timestamp_of(report.sender_info.rtp_timestamp)
            if timestamp is None:
                continue
            track.note_report(ntp_time >> 16 & 0xFFFFFFFF, now=now)
            text = rtcp.sender_report(
                track.ssrc,
                ntp_time=ntp_time,
                timestamp=timestamp,
                packets=track.packets_sent,
                octets=track.octets_sent,
            )
            for viewer in room.viewers.values():
                if viewer.outbound is not None and kind in viewer.legs:
                    viewer.send(viewer.outbound.protect_rtcp(text))

    # Time

    def _tick(self) -> None:
        busy = self._rooms or self._handshaking
        self._timer = self._loop.call_later(TICK_S if busy else IDLE_TICK_S, self._tick)
        now = monotonic()
        for room in list(self._rooms.values()):
            if room.publisher is not None and room.publisher.up:
                self._repair(room, room.publisher, now)
        for session in list(self._handshaking.values()):
            self._push_handshake(session, now)
        if now - self._second_at >= SECOND_S:
            self._second_at = now
            self.load.measure(now=now, busy_s=thread_time())
            self._every_second(now)

    def _repair(self, room: MediaRoom, host: Session, now: float) -> None:
        for track in room.tracks.values():
            self._forward(room, track, now)
            source = track.source
            if source is None or track.kind != "video":
                continue
            lost = track.nacks.due(track.missing(), now=now)
            if lost is None:
                room.keys.want()
            elif lost:
                self._counted["nacks"] += 1
                self._feedback(host, rtcp.negative_acknowledgement(source.ssrc, lost))
        self._ask_for_key(room, now)

    def _ask_for_key(self, room: MediaRoom, now: float) -> None:
        track, host = room.tracks.get("video"), room.publisher
        if host is None or track is None or track.source is None or not room.keys.due(now=now):
            return
        self._counted["keys"] += 1
        self._feedback(host, rtcp.picture_loss(track.source.ssrc))

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
            for track in room.tracks.values():
                track.count_second(now=now)
            per_s = sum(track.packets_per_s for track in room.tracks.values())
            for viewer in room.viewers.values():
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
        sources = [track.source for track in room.tracks.values() if track.source]
        if sources:
            blocks = [source.report(now=now) for source in sources]
            self._feedback(host, rtcp.receiver_report(blocks))


def _same_codecs(room: MediaRoom, codecs: dict[str, sdp.Codec]) -> bool:
    """Whether viewers of the room can decode what the new host will send."""
    return {kind: track.codec.name.upper() for kind, track in room.tracks.items()} == {
        kind: codec.name.upper() for kind, codec in codecs.items()
    }
