"""Light WHIP hosts: many in one process, which send the same clip without encoding it again.

A host is a socket, a DTLS client and RTP made from payloads that all hosts share. It sends a frame
at once, as cameras do, answers no NACK, and knows of nothing but its own media.
"""

import asyncio
import contextlib
import secrets
import struct
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urljoin, urlsplit

from aiortc.codecs.h264 import H264Encoder

from loadtest.clients.dtls import ClientContext, DtlsClient, HandshakeFailed
from loadtest.clients.http import PlainHttp
from loadtest.clients.ice import (
    H264_PAYLOAD_TYPE,
    OPUS_PAYLOAD_TYPE,
    Remote,
    answers,
    binding_request,
    choose_address,
    offer,
    parse_answer,
    socket_to,
)
from loadtest.errors import ClipError, NoAnswer, RequestRefused
from loadtest.sources.clip import clip_audio, clip_video

CONNECT_TIMEOUT_S = 10.0
CHECK_AGAIN_S = 0.2
KEEP_ALIVE_S = 4.0
DATAGRAM_BYTES_MAX = 2_048
AUDIO_CLOCK_HZ, VIDEO_CLOCK_HZ = 48_000, 90_000
_HEADER = struct.Struct("!BBHII")


@dataclass(frozen=True, slots=True)
class Burst:
    """What is sent at once: a frame of video, or a packet of audio."""

    due_s: float
    payload_type: int
    clock_hz: int
    payloads: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class PackedClip:
    """A clip as RTP payloads, in the order they are due; it is played in a loop of `seconds`."""

    bursts: tuple[Burst, ...]
    seconds: float


def pack_clip(path: Path) -> PackedClip:
    """Read the clip once.

    Raises:
        ClipError: It cannot be played as it is, or has no audio.
    """
    video = clip_video(path, copy=True, loop=False, bitrate_bps=0)
    audio = clip_audio(path, copy=True, loop=False)
    if audio is None:
        raise ClipError(f"{path} has no audio")
    encoder = H264Encoder()
    bursts = []
    with contextlib.closing(video), contextlib.closing(audio):
        while (due_s := video.due_s()) is not None:
            payloads, _ = encoder.pack(video.packet())
            bursts.append(Burst(due_s, H264_PAYLOAD_TYPE, VIDEO_CLOCK_HZ, tuple(payloads)))
        while (due_s := audio.due_s()) is not None:
            payload = bytes(audio.packet())
            bursts.append(Burst(due_s, OPUS_PAYLOAD_TYPE, AUDIO_CLOCK_HZ, (payload,)))
    bursts.sort(key=lambda burst: burst.due_s)
    if not bursts:
        raise ClipError(f"{path} is empty")
    return PackedClip(tuple(bursts), bursts[-1].due_s + 0.02)


class LightHost:
    """One host. `async with` publishes, until left."""

    def __init__(self, url: str, token: str, context: ClientContext, clip: PackedClip) -> None:
        """`url` is that of WHIP."""
        self.sent = 0
        self._url = url
        self._http = PlainHttp(url)
        self._headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/sdp"}
        self._context = context
        self._clip = clip
        self._location = ""
        self._numbers = dict.fromkeys((H264_PAYLOAD_TYPE, OPUS_PAYLOAD_TYPE), 0)
        self._connected = asyncio.get_running_loop().create_future()
        self._request_id = b""
        self._tasks: list[asyncio.Task[None]] = []

    async def __aenter__(self) -> "LightHost":
        await self._enter()
        try:
            await self._connect()
        except BaseException:
            await self.__aexit__()
            raise
        self._tasks.append(asyncio.create_task(self._play()))
        return self

    async def __aexit__(self, *_: object) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        asyncio.get_running_loop().remove_reader(self._sock.fileno())
        self._send(self._dtls.close_notify())
        self._sock.close()
        with contextlib.suppress(NoAnswer):
            await self._http.request("DELETE", self._location, headers=self._headers)
        await self._http.close()

    async def _enter(self) -> None:
        self._ufrag, password = secrets.token_hex(4), secrets.token_hex(16)
        text = offer(self._ufrag, password, self._context.fingerprint, uses_remb=False)
        text = text.replace("a=recvonly", "a=sendonly")
        path = urlsplit(self._url).path
        answer = await self._http.request("POST", path, text.encode(), self._headers)
        if answer.status != 201:
            raise RequestRefused(answer.status, answer.body.decode()[:200])
        location = urljoin(self._url, answer.headers.get("location", ""))
        self._location = urlsplit(location).path
        self._remote: Remote = parse_answer(answer.body.decode())
        self._dtls = DtlsClient(self._context, self._remote.fingerprint)
        at = choose_address(self._remote, urlsplit(self._url).hostname or "")
        self._sock = socket_to(at)
        self._sock.setblocking(False)
        self._sock.connect(at)

    async def _connect(self) -> None:
        asyncio.get_running_loop().add_reader(self._sock.fileno(), self._readable)
        self._tasks.append(asyncio.create_task(self._check()))
        try:
            async with asyncio.timeout(CONNECT_TIMEOUT_S):
                await self._connected
        except TimeoutError:
            raise NoAnswer("the media connection was not made in time") from None

    async def _check(self) -> None:
        """Send connectivity checks, which renew consent later (RFC 7675)."""
        tie_breaker = secrets.randbits(64)
        while True:
            request = binding_request(self._remote, self._ufrag, tie_breaker)
            self._request_id = request.transaction_id
            self._send((bytes(request),))
            if not self._connected.done():
                self._dtls.retransmit()
                self._send(self._dtls.datagrams())
            await asyncio.sleep(KEEP_ALIVE_S if self._connected.done() else CHECK_AGAIN_S)

    def _readable(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                self._take(self._sock.recv(DATAGRAM_BYTES_MAX))

    def _take(self, data: bytes) -> None:
        if data[0] < 4:
            if not self._connected.done() and answers(self._request_id, data, self._remote):
                self._dtls.start()
                self._send(self._dtls.datagrams())
            return
        if data[0] > 63 or self._dtls.closed:
            return  # RTCP
        try:
            self._dtls.receive(data)
        except HandshakeFailed as error:
            if not self._connected.done():
                self._connected.set_exception(NoAnswer(str(error)))
            return
        self._send(self._dtls.datagrams())
        if self._dtls.done and not self._connected.done():
            self._connected.set_result(None)

    async def _play(self) -> None:
        began = time.monotonic()
        while True:
            for burst in self._clip.bursts:
                await asyncio.sleep(max(0.0, began + burst.due_s - time.monotonic()))
                self._send_burst(burst, began + burst.due_s)
            began += self._clip.seconds

    def _send_burst(self, burst: Burst, at_s: float) -> None:
        protect = self._dtls.outgoing.protect if self._dtls.outgoing else None
        assert protect is not None, "it is connected"
        kind, number = burst.payload_type, self._numbers[burst.payload_type]
        timestamp = round(at_s * burst.clock_hz) & 0xFFFFFFFF
        last = len(burst.payloads) - 1
        for at, payload in enumerate(burst.payloads):
            marker = 0x80 if kind == H264_PAYLOAD_TYPE and at == last else 0
            header = _HEADER.pack(0x80, marker | kind, number + at & 0xFFFF, timestamp, kind)
            self._send((protect(header + payload),))
        self._numbers[kind] = number + len(burst.payloads)
        self.sent += len(burst.payloads)

    def _send(self, datagrams: Iterable[bytes]) -> None:
        with contextlib.suppress(OSError):
            for datagram in datagrams:
                self._sock.send(datagram)
