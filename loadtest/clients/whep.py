"""Light WHEP viewers: hundreds in one process, each a socket, a DTLS client and a few counters.

They cost as little as possible, so that the server is what is measured: no decoding, one `recvmsg`
for a whole frame where the kernel can give one (UDP_GRO), sockets looked at fifty times a second
instead of waking us for each packet, and one packet in many decrypted to see that it is authentic.
"""

import asyncio
import contextlib
import enum
import secrets
import socket
import struct
import sys
import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol
from urllib.parse import urljoin, urlsplit

import pylibsrtp

from loadtest.clients.audit import (
    FreezeAudit,
    SequenceAudit,
    receiver_report,
    remb,
    transport_feedback,
)
from loadtest.clients.dtls import ClientContext, DtlsClient, HandshakeFailed
from loadtest.clients.http import PlainHttp
from loadtest.clients.ice import (
    Remote,
    answer_check,
    answers,
    binding_request,
    choose_address,
    offer,
    parse_answer,
)
from loadtest.errors import NoAnswer, RequestRefused, TryLater

# Values of <linux/udp.h>, which the socket module does not have.
UDP_GRO = 104
DATAGRAM_BYTES_MAX = 65_535
RECEIVE_BUFFER_BYTES = 2 * 1024 * 1024
ANCILLARY_BYTES = socket.CMSG_SPACE(4)
TICK_S = 0.05
CHECK_AGAIN_S = 0.2
KEEP_ALIVE_S = 4.0
# As Chromium: five video receiver reports a second, each with a REMB; or transport-wide feedback
# sixteen times a second and one report. One audio report a second.
REPORT_INTERVAL_S = 0.2
REPORTS_PER_RARE_REPORT = 5
TRANSPORT_FEEDBACK_INTERVAL_S = 0.0625
REMB_BITS_PER_S = 5_000_000
JOIN_TIMEOUT_S = 10.0
SWEEP_S = 0.02
SAMPLE_EVERY = 200
_SSRC = struct.Struct("!I")


class Stage(enum.Enum):
    """State of a viewer's connection."""

    CHECKING = "checking"
    HANDSHAKING = "handshaking"
    PLAYING = "playing"
    ENDED = "ended"


@dataclass(slots=True)
class Totals:
    """Counters of a crowd."""

    viewers: int = 0
    playing: int = 0
    packets: int = 0
    bytes: int = 0
    receives: int = 0
    missing: int = 0
    late: int = 0
    sampled: int = 0
    forged: int = 0
    freezes: int = 0
    longest_pause_s: float = 0.0


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
        self.sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.sock.setblocking(False)
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER_BYTES)
        if gro:
            self.sock.setsockopt(socket.IPPROTO_UDP, UDP_GRO, 1)
        self.sock.connect(choose_address(remote, host))

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
        self._send(self.dtls.goodbye())
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
        audit = self.video if kind == self._video_type else self.audio
        first = buffer[2] << 8 | buffer[3]
        if count > 1:
            last = (count - 1) * segment
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

    def _sample(self, packet: bytes) -> None:
        self.sampled += 1
        assert self.dtls.incoming is not None
        try:
            self.dtls.incoming.unprotect(packet)
        except pylibsrtp.Error:
            self.forged += 1

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


class Signalling(Protocol):
    """How viewers join: WHEP, or the protocol of another server."""

    host: str

    async def enter(self, ufrag: str, password: str, fingerprint: str) -> tuple[Remote, str]:
        """Announce one viewer; return the server's side and the name to `leave` by.

        Raises:
            NoAnswer, RequestRefused, TryLater: Why it may not watch.
        """

    async def leave(self, name: str) -> None:
        """Take one viewer out."""

    async def close(self) -> None:
        """Let go of connections; no call may be running."""


class Whep:
    """WHEP (draft-ietf-wish-whep): the viewer offers, by POST; it leaves by DELETE."""

    def __init__(self, url: str, *, uses_remb: bool = True) -> None:
        self.host = urlsplit(url).hostname or ""
        self._uses_remb = uses_remb
        self._url = url
        self._http = PlainHttp(url)

    async def enter(self, ufrag: str, password: str, fingerprint: str) -> tuple[Remote, str]:
        """See Signalling."""
        text = offer(ufrag, password, fingerprint, uses_remb=self._uses_remb)
        headers = {"Content-Type": "application/sdp"}
        path = urlsplit(self._url).path
        answer = await self._http.request("POST", path, text.encode(), headers)
        if answer.status in (409, 429, 503):
            raise TryLater(answer.status, answer.body.decode()[:200], None)
        if answer.status != 201:
            raise RequestRefused(answer.status, answer.body.decode()[:200])
        location = urlsplit(urljoin(self._url, answer.headers.get("location", ""))).path
        return parse_answer(answer.body.decode()), location

    async def leave(self, name: str) -> None:
        """See Signalling."""
        await self._http.request("DELETE", name)

    async def close(self) -> None:
        """See Signalling."""
        await self._http.close()


class Crowd:
    """All viewers of one process. `async with`; then `join`, `totals`, `leave`."""

    def __init__(self, at: str | Signalling, *, gro: bool = True) -> None:
        """`at`: a WHEP address, or another way in; it is closed with the crowd."""
        self._signalling = Whep(at) if isinstance(at, str) else at
        self._gro = gro
        self._context = ClientContext.create()
        self._viewers: dict[WhepViewer, None] = {}
        self._gone = Totals()
        self._buffer = bytearray(DATAGRAM_BYTES_MAX)
        self._views = [memoryview(self._buffer)]
        self._tasks: list[asyncio.Task[None]] = []

    async def __aenter__(self) -> "Crowd":
        self._tasks = [asyncio.create_task(self._sweep()), asyncio.create_task(self._tick())]
        return self

    async def __aexit__(self, *_: object) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for viewer in list(self._viewers):
            self._forget(viewer, "the crowd is closed")
        await self._signalling.close()

    async def join(self) -> WhepViewer:
        """Bring in one viewer; return it once its first packet has come.

        Raises:
            NoAnswer, RequestRefused, TryLater: Why it could not watch.
        """
        ufrag, password = secrets.token_hex(4), secrets.token_hex(16)
        remote, location = await self._signalling.enter(ufrag, password, self._context.fingerprint)
        ice, host = (ufrag, password), self._signalling.host
        viewer = WhepViewer(remote, ice, host, self._context, gro=self._gro)
        viewer.location = location
        self._viewers[viewer] = None
        asyncio.get_running_loop().add_reader(viewer.sock.fileno(), self._newcomer, viewer)
        viewer.check(time.monotonic())
        try:
            async with asyncio.timeout(JOIN_TIMEOUT_S):
                await viewer.playing
        except TimeoutError:
            stage = viewer.stage.value
            self._forget(viewer, "no packet arrived")
            raise NoAnswer(f"no packet arrived, while {stage}") from None
        return viewer

    async def leave(self, viewer: WhepViewer) -> None:
        """Remove one viewer and DELETE its session."""
        self._forget(viewer, "left")
        if viewer.location:
            await self._signalling.leave(viewer.location)

    async def leave_all(self) -> None:
        """Take out everybody."""
        for viewer in list(self._viewers):
            await self.leave(viewer)

    def totals(self) -> Totals:
        """Return what everybody has received so far, those who left included."""
        sum_ = Totals(**{name: getattr(self._gone, name) for name in Totals.__slots__})
        for viewer in self._viewers:
            _add(sum_, viewer)
            sum_.viewers += 1
            sum_.playing += viewer.stage is Stage.PLAYING
        return sum_

    def _newcomer(self, viewer: WhepViewer) -> None:
        """Serve a viewer at once until its first packet has come; then the sweep has it."""
        viewer.take(self._buffer, self._views, time.monotonic())
        if viewer.first_packet_at is not None or viewer.stage is Stage.ENDED:
            asyncio.get_running_loop().remove_reader(viewer.sock.fileno())
        if viewer.stage is Stage.ENDED:
            self._forget(viewer, "")

    async def _sweep(self) -> None:
        """Look at all sockets now and then: on loopback, waking us is the sender's work."""
        buffer, views = self._buffer, self._views
        while True:
            await asyncio.sleep(SWEEP_S)
            now = time.monotonic()
            for viewer in list(self._viewers):
                if viewer.first_packet_at is None:
                    continue
                while viewer.take(buffer, views, now):
                    pass
                if viewer.stage is Stage.ENDED:
                    self._forget(viewer, "")

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(TICK_S)
            now = time.monotonic()
            for viewer in list(self._viewers):
                viewer.tick(now)

    def _forget(self, viewer: WhepViewer, why: str) -> None:
        if viewer not in self._viewers:
            return
        del self._viewers[viewer]
        _add(self._gone, viewer)
        viewer.end(why)
        asyncio.get_running_loop().remove_reader(viewer.sock.fileno())
        viewer.sock.close()


def _add(totals: Totals, viewer: WhepViewer) -> None:
    for audit in (viewer.video, viewer.audio):
        totals.packets += audit.packets
        totals.missing += audit.missing
        totals.late += audit.late
    totals.bytes += viewer.bytes
    totals.receives += viewer.receives
    totals.sampled += viewer.sampled
    totals.forged += viewer.forged
    totals.freezes += viewer.freezes.freezes
    totals.longest_pause_s = max(totals.longest_pause_s, viewer.freezes.longest_s)
