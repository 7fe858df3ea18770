"""What arrives on the socket: demultiplexed, checked, decrypted, handed on.

Nothing is trusted before it is proven: an address by a STUN check with our password, a peer by the
fingerprint of its offer, a packet by its SRTP tag.
"""

import contextlib
import socket
import struct
from collections import Counter
from collections.abc import Callable
from time import monotonic, time

import structlog

from media.congestion.load import Load
from media.errors import Malformed
from media.forwarding.lives import Lives
from media.io.webrtc.dtls import DtlsFailed
from media.io.webrtc.session import Direction, Session
from media.io.webrtc.sessions import SESSIONS_MAX, Sessions
from media.wire import rtcp, rtp, stun, transport_cc
from media.wire.address import Address
from media.wire.demux import Kind, kind_of

READS_MAX = 256  # datagrams per wake-up
FEEDBACK_PER_S_MAX = 200  # browsers send 30 to 80 reports a second
DATAGRAM_BYTES_MAX = 2_048
# Datagrams a second from an address without a session. A whole estate may share one address.
UNKNOWN_PER_S_MAX = 500
# A peer that was silent so long, and then checks from elsewhere, is there.
GONE_S = 1.5
# SSRCs of one peer, for each of which libsrtp keeps state; an encoder that starts anew takes
# another.
SOURCES_MAX = 256
_TIMESTAMP = struct.Struct("@qq")  # struct timespec
_ANCILLARY_BYTES = socket.CMSG_SPACE(_TIMESTAMP.size)

log = structlog.get_logger()


class Intake:
    """Call `readable` when the socket is, or now and then: the kernel notes when packets arrive.

    What hosts sent goes out after all that waits has been read.
    """

    def __init__(self, sock: socket.socket, sessions: Sessions, lives: Lives, load: Load) -> None:
        # By reason: stun, stun-integrity, dtls, rtp, rtcp, srtp, sources, unknown, flood,
        # unreceivable.
        self.rejected: Counter[str] = Counter()
        self.on_connected: Callable[[Session, float], None] = lambda session, now: None
        self._sock = sock
        self._sessions = sessions
        self._lives = lives
        self._load = load
        self._unknown: Counter[str | bytes] = Counter()  # datagrams of this second, by address
        self._read_at = 0.0  # nothing that is read now arrived before that

    def readable(self) -> bool:
        """Take what waits; True: more may wait."""
        receive, now = self._sock.recvmsg, monotonic()
        to_monotonic = now - time()
        more = True
        for _ in range(READS_MAX):
            try:
                datagram, ancillary, _, address = receive(DATAGRAM_BYTES_MAX, _ANCILLARY_BYTES)
            except (BlockingIOError, InterruptedError):
                more = False
                break
            except OSError:
                self.rejected["unreceivable"] += 1
                break
            arrived = now
            if ancillary:
                seconds, nanoseconds = _TIMESTAMP.unpack_from(ancillary[0][2])
                arrived = seconds + nanoseconds * 1e-9 + to_monotonic
                # Steps of the machine's clock are nobody's delay.
                arrived = min(max(arrived, self._read_at), now)
            self._take(datagram, address, arrived)
        self._read_at = now
        self._lives.deliver_received(now=monotonic())
        return more

    def count_second(self) -> None:
        """Call once a second: the limits per second begin anew."""
        self._unknown.clear()
        for session in self._sessions:
            session.rtcp_received = 0

    def _take(self, datagram: bytes, address: Address, now: float) -> None:
        kind, session = kind_of(datagram), self._sessions.at(address)
        if session is None and self._is_flood(address):
            self.rejected["flood"] += 1
        elif kind is Kind.STUN:
            self._take_stun(datagram, session, address, now)
        elif session is None or kind is Kind.UNKNOWN:
            self.rejected["unknown"] += 1
        elif kind is Kind.DTLS:
            self._take_dtls(session, datagram, address, now)
        else:
            self._take_media(session, datagram, kind, now)

    def _is_flood(self, address: Address) -> bool:
        if len(self._unknown) > SESSIONS_MAX:
            self._unknown.clear()
        key = _limited_as(address)
        self._unknown[key] += 1
        return self._unknown[key] > UNKNOWN_PER_S_MAX

    def _take_stun(
        self, datagram: bytes, known: Session | None, address: Address, now: float
    ) -> None:
        try:
            message = stun.parse(datagram)
        except Malformed:
            self.rejected["stun"] += 1
            self._answer_bad_request(datagram, address)
            return
        if not message.answer:
            self._take_check(message, address, now)
        elif known is None or not known.on_pong(message, now=now):
            self.rejected["stun-integrity"] += 1

    def _answer_bad_request(self, datagram: bytes, address: Address) -> None:
        """`linli doctor` learns from the answer that our port can be reached."""
        if answer := stun.bad_request(datagram):
            with contextlib.suppress(OSError):
                self._sock.sendto(answer, address)

    def _take_check(self, request: stun.Binding, address: Address, now: float) -> None:
        session = self._sessions.named(request.ufrag)
        key = session.credentials[request.ufrag] if session else b""
        if session is None or not request.authentic(key):
            self.rejected["stun-integrity"] += 1
            return
        gone, session.received_at = now - session.received_at > GONE_S, now
        session.send_to(stun.binding_success(request.transaction_id, address, key), address)
        self._sessions.checked(session, request.ufrag, address)
        session.nominated |= request.use_candidate
        # Browsers name a pair up to a second after they began to use it: too late for one whose
        # network is gone.
        if session.address != address and (
            request.use_candidate or session.address is None or gone
        ):
            self._move(session, address)
            if gone and session.up:
                self._lives.on_returned(session.id, now=now)
        session.ping(address, now=now)
        try:
            session.handshake.start()
        except DtlsFailed as error:
            self._failed(session, error, now)

    def _take_dtls(self, session: Session, datagram: bytes, address: Address, now: float) -> None:
        session.received_at = now
        if not session.nominated and session.address != address:
            # Browsers start the handshake on the first pair that works, before they nominate the
            # best one, and receive nothing on the others.
            self._move(session, address)
        flights, resent = session.handshake.flights, session.handshake.resent
        try:
            if session.handshake.receive(datagram):
                session.measure_handshake(now=now)
                session.take_keys()
                del self._sessions.handshaking[session.id]
                self._lives.on_connected(session.id, now=now)
                self.on_connected(session, now)
            elif session.handshake.closed:
                self._sessions.note_closed(session)
                self._lives.end_peer(session.id, now=now)
            elif session.handshake.flights != flights:
                session.flight_sent_at = now
            elif session.handshake.resent != resent and session.up:
                # Without the end of the handshake it has no keys. If it has, it was only slow.
                if not session.sources:
                    self._lives.on_handshake_resent(session.id, now=now)
        except DtlsFailed as error:
            self._failed(session, error, now)

    def push_handshake(self, session: Session, *, now: float) -> None:
        """Resend what the peer seems not to have received."""
        try:
            session.handshake.handle_timeout()
        except DtlsFailed as error:
            self._failed(session, error, now)

    def _failed(self, session: Session, error: DtlsFailed, now: float) -> None:
        self.rejected["dtls"] += 1
        log.info("a handshake failed", direction=str(session.direction), why=str(error))
        self._lives.end_peer(session.id, now=now)

    def _move(self, session: Session, address: Address) -> None:
        """The peer is to be reached at another address."""
        session.address = address
        self._lives.on_moved(session.id, address)

    def _take_media(self, session: Session, datagram: bytes, kind: Kind, now: float) -> None:
        is_rtp = kind is Kind.RTP
        if session.inbound is None or (is_rtp and session.direction is not Direction.PUBLISH):
            self.rejected["unknown"] += 1
            return
        source = datagram[8:12] if is_rtp else datagram[4:8]
        if source not in session.sources and len(session.sources) >= SOURCES_MAX:
            self.rejected["sources"] += 1
            return
        sends_transport_feedback = not is_rtp and transport_cc.is_feedback(datagram)
        if sends_transport_feedback and now < session.feedback_due_at:
            return
        if not is_rtp:
            session.rtcp_received += 1
            if session.rtcp_received > FEEDBACK_PER_S_MAX:
                self.rejected["flood"] += 1
                return
        try:
            if is_rtp:
                clear = session.inbound.unprotect(datagram)
            else:
                clear = session.inbound.unprotect_rtcp(datagram)
        except ValueError:  # forged or replayed; longer than any is
            self.rejected["srtp"] += 1
            return
        session.sources.add(source)
        session.received_at = now
        if sends_transport_feedback:
            session.feedback_due_at = now + self._load.feedback_interval_s
        try:
            if is_rtp:
                self._lives.receive_rtp(session.id, rtp.parse(clear), clear, now=now)
            else:
                self._lives.on_rtcp(session.id, rtcp.parse(clear), now=now)
        except Malformed:
            self.rejected[kind.name.lower()] += 1


def _limited_as(address: Address) -> str | bytes:
    """Return what a limit counts: an IPv4 address, or the /64 of an IPv6 one (RFC 6177)."""
    host = address[0]
    if ":" not in host or host.startswith("::ffff:"):
        return host
    return socket.inet_pton(socket.AF_INET6, host.partition("%")[0])[:8]
