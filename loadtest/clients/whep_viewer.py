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
    is_way,
    socket_to,
)
from loadtest.clients.nacks import (
    NackGenerator,
    is_ahead,
    nack,
    original_number,
    picture_loss_indication,
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
        source: str | None = None,
    ) -> None:
        self.remote = remote
        self.dtls = DtlsClient(context, remote.fingerprint)
        self.stage = Stage.CHECKING
        self.playing = asyncio.get_running_loop().create_future()
        self.location = ""
        self.video, self.audio = SequenceAudit(), SequenceAudit()
        self.freezes = FreezeAudit()
        self.layers = LayerAudit()
        self.nacks = NackGenerator()
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
        self._video_type, self._rtx_type = remote.video_payload_type, remote.rtx_payload_type
        at = choose_address(remote, host)
        self.sock = socket_to(at)
        self.sock.setblocking(False)
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER_BYTES)
        if gro:
            self.sock.setsockopt(socket.IPPROTO_UDP, UDP_GRO, 1)
        if source and is_way(source, at[0]):
            self.sock.bind((source, 0))
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
        # RTCP (RFC 5761 §4), or packets that overtook the end of the handshake.
        if 64 <= kind < 96 or self.stage is not Stage.PLAYING:
            return
        self.receives += 1
        self.bytes += size
        count = -(-size // segment)
        last = (count - 1) * segment
        if kind == self._rtx_type:
            self._one_by_one(buffer, size, segment, now)
            return
        audit = self.video if kind == self._video_type else self.audio
        first = buffer[2] << 8 | buffer[3]
        if count > 1:
            whole = buffer[last + 1] & 0x7F == kind
            if (
                not whole
                or (buffer[last + 2] << 8 | buffer[last + 3]) != (first + count - 1) & 0xFFFF
            ):
                count = 0
        if (expected := audit.expected) is None:
            self._ssrcs[_SSRC.unpack_from(buffer, 8)[0]] = audit
        if not count:
            self._one_by_one(buffer, size, segment, now)
        elif first == expected:
            audit.take(first, count)
        elif not self._out_of_order(audit, first, count, now):
            return
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

    def _out_of_order(self, audit: SequenceAudit, first: int, count: int, now: float) -> bool:
        """Take packets that do not follow the newest ones; return whether they are newer."""
        expected = audit.expected
        audit.take(first, count)
        if expected is None:
            return True
        newer = is_ahead(first, expected)
        if audit is self.video and self.remote.takes_nacks:
            if newer:
                self.nacks.on_gap(expected, (first - expected) & 0xFFFF, now=now)
            for number in () if newer else range(first, first + count):
                self.nacks.on_late(number & 0xFFFF, now=now)
        return newer

    def _one_by_one(self, buffer: bytearray, size: int, segment: int, now: float) -> None:
        """Take a run of packets that are not one stream's."""
        for start in range(0, size, segment):
            kind = buffer[start + 1] & 0x7F
            if kind == self._rtx_type:
                self._retransmitted(bytes(buffer[start : min(start + segment, size)]), now)
                continue
            audit = self.video if kind == self._video_type else self.audio
            number = buffer[start + 2] << 8 | buffer[start + 3]
            self._out_of_order(audit, number, 1, now)

    def _retransmitted(self, protected: bytes, now: float) -> None:
        """Take an RTX packet: a repair, a probe, or the last one of a frame once more."""
        if (packet := self._sample(protected)) is None:
            return
        number, expected = original_number(packet), self.video.expected
        if number is None or expected is None:
            return
        if number in self.nacks.missing or is_ahead(number, expected):
            self._out_of_order(self.video, number, 1, now)

    def request_lost(self, now: float) -> None:
        """Send a NACK for what is missing and due, or a PLI if that is too much."""
        if self.stage is not Stage.PLAYING:
            return
        assert self.dtls.outgoing is not None
        numbers = self.nacks.due(now=now)
        if numbers == []:
            return
        ssrc = self._video_ssrc()
        feedback = nack(1, ssrc, numbers) if numbers else picture_loss_indication(1, ssrc)
        self._send((self.dtls.outgoing.protect_rtcp(feedback),))

    def _video_ssrc(self) -> int:
        return next(ssrc for ssrc, audit in self._ssrcs.items() if audit is self.video)

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
        except pylibsrtp.Error as error:
            # A packet that came twice is authentic, but of no use.
            self.forged += "replay" not in str(error)
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
            ssrc = self._video_ssrc()
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
