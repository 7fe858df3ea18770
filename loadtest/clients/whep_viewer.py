"""One light WHEP viewer: a socket, a DTLS client and a few counters, driven by its crowd."""

import asyncio
import contextlib
import enum
import secrets
import socket
import struct
import sys
from collections.abc import Iterable

import pylibsrtp

from loadtest.clients.audit import (
    FreezeAudit,
    SequenceAudit,
    receiver_report,
    remb,
    transport_feedback,
)
from loadtest.clients.dtls import ClientContext, DtlsClient, HandshakeFailed
from loadtest.clients.ice import (
    Remote,
    answer_check,
    answers,
    binding_request,
    choose_address,
    socket_to,
)
from loadtest.clients.parameter_sets import PACKET_BYTES_MAX, LayerAudit
from loadtest.errors import NoAnswer

# Values of <linux/udp.h>, which the socket module does not have.
UDP_GRO = 104
RECEIVE_BUFFER_BYTES = 2 * 1024 * 1024
ANCILLARY_BYTES = socket.CMSG_SPACE(4)
CHECK_AGAIN_S = 0.2
KEEP_ALIVE_S = 4.0
# As Chromium: five video receiver reports a second, each with a REMB; or transport-wide feedback
# sixteen times a second and one report. One audio report a second.
REPORT_INTERVAL_S = 0.2
REPORTS_PER_RARE_REPORT = 5
TRANSPORT_FEEDBACK_INTERVAL_S = 0.0625
REMB_BITS_PER_S = 5_000_000
SAMPLE_EVERY = 200
_SSRC = struct.Struct("!I")


class Stage(enum.Enum):
    """State of a viewer's connection."""

    CHECKING = "checking"
    HANDSHAKING = "handshaking"
    PLAYING = "playing"
    ENDED = "ended"


class WhepViewer:
    """One viewer, from the answer of its POST to its end. The crowd drives it."""

    def __init__(
        self,
        remote: Remote,
        ice: tuple[str, str],
        host: str,
        context: ClientContext,
        *,
        gro: bool,
    ) -> None:
        self.remote = remote
        self.dtls = DtlsClient(context, remote.fingerprint)
        self.stage = Stage.CHECKING
        self.playing = asyncio.get_running_loop().create_future()
        self.location = ""
        self.video, self.audio = SequenceAudit(), SequenceAudit()
        self.freezes = FreezeAudit()
        self.layers = LayerAudit()
        self.bytes = self.receives = self.sampled = self.forged = 0
        self.first_packet_at: float | None = None
        self.ended_because = ""
        self._ufrag, self._password = ice
        self._tie_breaker = secrets.randbits(64)
        self._request_id = b""
        self._again_at = self._report_at = self._feedback_at = 0.0
        self._arrivals: list[tuple[int, int, float]] = []  # runs of video packets, unreported
        self._feedbacks = self._reports = 0
        self._ssrcs: dict[int, SequenceAudit] = {}
        self._until_sample = 0
        self._video_type = remote.video_payload_type
        at = choose_address(remote, host)
        self.sock = socket_to(at)
        self.sock.setblocking(False)
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER_BYTES)
        if gro:
            self.sock.setsockopt(socket.IPPROTO_UDP, UDP_GRO, 1)
        self.sock.connect(at)

    def check(self, now: float) -> None:
        """Send a connectivity check; its answer starts DTLS, or renews consent (RFC 7675)."""
        request = binding_request(self.remote, self._ufrag, self._tie_breaker)
        self._request_id = request.transaction_id
        self._send((bytes(request),))
        self._again_at = now + (CHECK_AGAIN_S if self.stage is Stage.CHECKING else KEEP_ALIVE_S)

    def tick(self, now: float) -> None:
        """Send what is due."""
        if now >= self._again_at:
            self.check(now)
        if self.stage is Stage.HANDSHAKING:
            self.dtls.retransmit()
            self._send(self.dtls.datagrams())
        elif self.stage is Stage.PLAYING:
            self._report(now)

    def take(self, buffer: bytearray, views: list[memoryview], now: float) -> bool:
        """Take what one `recvmsg` gives, a datagram or a run of equal ones; False: nothing."""
        try:
            size, ancillary, _, _ = self.sock.recvmsg_into(views, ANCILLARY_BYTES)
        except BlockingIOError:
            return False
        except OSError as error:
            self.end(f"socket: {error.strerror}")
            return False
        if not 127 < buffer[0] < 192:
            self._control(bytes(buffer[:size]), now)
            return self.stage is not Stage.ENDED
        segment = size
        if ancillary:
            segment = int.from_bytes(ancillary[0][2][:4], sys.byteorder)
        self._media(buffer, size, segment, now)
        return True

    def end(self, why: str) -> None:
        """Leave, once and for all; the socket is the crowd's to close."""
        if self.stage is Stage.ENDED:
            return
        self._send(self.dtls.close_notify())
        self.stage = Stage.ENDED
        self.ended_because = why
        if not self.playing.done():
            self.playing.set_exception(NoAnswer(why))
            self.playing.exception()  # retrieved: asyncio logs nothing

    def _media(self, buffer: bytearray, size: int, segment: int, now: float) -> None:
        kind = buffer[1] & 0x7F
        if 64 <= kind < 96:  # RTCP (RFC 5761 §4)
            return
        self.receives += 1
        self.bytes += size
        count = -(-size // segment)
        last = (count - 1) * segment
        audit = self.video if kind == self._video_type else self.audio
        first = buffer[2] << 8 | buffer[3]
        if count > 1:
            whole = buffer[last + 1] & 0x7F == kind
            if (
                not whole
                or (buffer[last + 2] << 8 | buffer[last + 3]) != (first + count - 1) & 0xFFFF
            ):
                self._one_by_one(buffer, size, segment)
                count = 0
        if audit.expected is None:
            self._ssrcs[_SSRC.unpack_from(buffer, 8)[0]] = audit
        if count:
            audit.take(first, count)
        if audit is self.video:
            self.freezes.frame(now)
            if self.remote.wants_transport_feedback:
                self._arrivals.append((first, count or -(-size // segment), now))
        if self.first_packet_at is None:
            self._begin(now)
        if size - last < PACKET_BYTES_MAX and buffer[last + 1] == self._video_type:  # no marker
            if (packet := self._sample(bytes(buffer[last:size]))) is not None:
                self.layers.take(packet)
            if not last:
                return
        self._until_sample -= count
        if self._until_sample < 0:
            self._until_sample = SAMPLE_EVERY
            self._sample(bytes(buffer[: min(segment, size)]))

    def _one_by_one(self, buffer: bytearray, size: int, segment: int) -> None:
        for start in range(0, size, segment):
            video = buffer[start + 1] & 0x7F == self._video_type
            audit = self.video if video else self.audio
            audit.take(buffer[start + 2] << 8 | buffer[start + 3], 1)

    def _begin(self, now: float) -> None:
        self.first_packet_at = now
        if not self.playing.done():
            self.playing.set_result(self)

    def _sample(self, packet: bytes) -> bytes | None:
        """Authenticate a packet, and return it decrypted."""
        self.sampled += 1
        assert self.dtls.incoming is not None
        try:
            return bytes(self.dtls.incoming.unprotect(packet))
        except pylibsrtp.Error:
            self.forged += 1
            return None

    def _control(self, data: bytes, now: float) -> None:
        if data[0] < 4:
            if answers(self._request_id, data, self.remote) and self.stage is Stage.CHECKING:
                self.stage = Stage.HANDSHAKING
                self._again_at = now + KEEP_ALIVE_S
                self.dtls.start()
                self._send(self.dtls.datagrams())
            elif reply := answer_check(data, self._password, self.sock.getpeername()):
                self._send((reply,))
            return
        try:
            self.dtls.receive(data)
        except HandshakeFailed as error:
            self.end(str(error))
            return
        self._send(self.dtls.datagrams())
        if self.dtls.closed:
            self.end("the server sent close_notify")
        elif self.dtls.done:
            self.stage = Stage.PLAYING

    def _report(self, now: float) -> None:
        """Send the RTCP that is due."""
        assert self.dtls.outgoing is not None
        if self._arrivals and now >= self._feedback_at:
            ssrc = next(ssrc for ssrc, audit in self._ssrcs.items() if audit is self.video)
            earliest = now - TRANSPORT_FEEDBACK_INTERVAL_S
            self._feedback_at = max(self._feedback_at, earliest) + TRANSPORT_FEEDBACK_INTERVAL_S
            report = transport_feedback(1, ssrc, self._feedbacks, self._arrivals)
            self._feedbacks, self._arrivals = self._feedbacks + 1, []
            self._send((self.dtls.outgoing.protect_rtcp(report),))
        if now < self._report_at:
            return
        self._report_at = now + REPORT_INTERVAL_S
        self._reports += 1
        for ssrc, audit in self._ssrcs.items():
            report = receiver_report(1, ssrc, audit)
            if audit is self.video and not self.remote.wants_transport_feedback:
                report += remb(1, ssrc, REMB_BITS_PER_S)
            elif self._reports % REPORTS_PER_RARE_REPORT:
                continue
            self._send((self.dtls.outgoing.protect_rtcp(report),))

    def _send(self, datagrams: Iterable[bytes]) -> None:
        # A full buffer or a vanished server: what matters is resent, or the tick ends the viewer.
        with contextlib.suppress(OSError):
            for datagram in datagrams:
                self.sock.send(datagram)
