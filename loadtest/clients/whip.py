"""A WHIP publisher (RFC 9725) over aiortc: offer, answer, session, its end."""

import asyncio
import contextlib
import functools
import ipaddress
import ssl
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextvars import ContextVar
from urllib.parse import urljoin, urlsplit

import aioice.ice
import httpx
from aiortc import (
    RTCConfiguration,
    RTCDtlsTransport,
    RTCPeerConnection,
    RTCRtpSender,
    RTCRtpTransceiver,
    RTCSessionDescription,
)
from aiortc.rtp import RtcpByePacket, RtcpPacket

from loadtest.clients.proxies import uses_proxy
from loadtest.clients.receive_watchdog import ReceiveWatchdog
from loadtest.errors import NoAnswer, RequestRefused, TakenOver, TryLater
from loadtest.sources.encoded import EncodedSource
from loadtest.sources.tracks import Pace, PacedTrack

HTTP_TIMEOUT_S = 10.0
CONNECT_TIMEOUT_S = 15.0
# Interval of GET on the session's URL.
PROBE_EVERY_S = 3.0
WATCH_EVERY_S = 0.25
DELETE_TIMEOUT_S = 2.0  # of a server that may be gone
# What our own server answers there once the session is over (docs/http.md).
PROBLEM_PREFIX = "urn:linli:problem:"
NO_SUCH_SESSION = "no-such-session"
TAKEN_OVER = "taken-over"
_LATER = (409, 429, 503)


@functools.cache
def tls_context() -> ssl.SSLContext:
    """Return what https needs, read from disk once and not for each session."""
    return httpx.create_ssl_context()


class WhipSession:
    """One connection of a host. `async with` publishes; `lost()` returns when it has ended.

    Both raise TakenOver when another host publishes in our place.
    """

    def __init__(self, url: str, token: str, video: EncodedSource, audio: EncodedSource) -> None:
        self._url = url
        self._headers = {"Authorization": f"Bearer {token}"} if token else {}
        self._sources = (video, audio)
        self._pools = [ThreadPoolExecutor(1), ThreadPoolExecutor(1)]
        self._peer = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        self._http = httpx.AsyncClient(
            timeout=HTTP_TIMEOUT_S,
            follow_redirects=True,
            trust_env=uses_proxy(url),
            verify=tls_context(),
        )
        self._location: str | None = None
        self._state = asyncio.Event()
        self._bye = asyncio.Event()
        self._watchdog = ReceiveWatchdog()
        self._tracks: list[PacedTrack] = []

    async def __aenter__(self) -> "WhipSession":
        try:
            await self._connect()
        except BaseException:
            await self.close()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def lost(self) -> str:
        """Return why the session ended, once it has: media, network or the server ended it.

        The server ends it by its own clear word at the session's URL, by closing DTLS, by giving
        no more consent (RFC 7675) or by an RTCP BYE. One that is gone sends no more RTCP.

        Raises:
            TakenOver: Another host publishes in our place.
        """
        media = asyncio.create_task(self._tracks[0].ended_by_itself.wait())
        state = asyncio.create_task(self._disconnected())
        probe = asyncio.create_task(self._server_ended())
        bye = asyncio.create_task(self._bye.wait())
        silence = asyncio.create_task(self._silent())
        reasons = {
            media: "the clip is over",
            state: "disconnected",
            probe: "ended by the server",
            bye: "ended by the server (BYE)",
            silence: "the server sends nothing any more",
        }
        try:
            done, _ = await asyncio.wait(reasons, return_when=asyncio.FIRST_COMPLETED)
            reason = next(reason for task, reason in reasons.items() if task in done)
            if media not in done and await self._taken_over():
                raise TakenOver
            return reason
        finally:
            for task in reasons:
                task.cancel()
            await asyncio.gather(*reasons, return_exceptions=True)

    @property
    def over(self) -> bool:
        """Whether the source itself has come to its end."""
        return bool(self._tracks) and self._tracks[0].ended_by_itself.is_set()

    async def close(self) -> None:
        """DELETE the session and let go of everything. Idempotent."""
        if self._location:
            location, self._location = self._location, None
            with contextlib.suppress(httpx.HTTPError):
                await self._http.delete(location, headers=self._headers, timeout=DELETE_TIMEOUT_S)
        await self._peer.close()
        await self._http.aclose()
        for pool, source in zip(self._pools, self._sources, strict=True):
            pool.shutdown(wait=True)
            source.close()

    async def _connect(self) -> None:
        pace = Pace()
        for kind, source, pool in zip(("video", "audio"), self._sources, self._pools, strict=True):
            track = PacedTrack(kind, source, pace, pool)
            self._tracks.append(track)
            transceiver = self._peer.addTransceiver(track, direction="sendonly")
            only(transceiver, "video/H264" if kind == "video" else "audio/opus")
            # aiortc forwards PLIs to its own encoder; ours is the source.
            transceiver.sender._send_keyframe = source.request_key_frame  # type: ignore[method-assign]
        self._peer.on("connectionstatechange", self._state.set)
        with loopback_candidates(self._url):
            await self._peer.setLocalDescription(await self._peer.createOffer())
        answer = await self._post(self._peer.localDescription.sdp)
        try:
            await self._peer.setRemoteDescription(RTCSessionDescription(answer, "answer"))
        except ValueError as error:
            raise NoAnswer(f"the answer was not understood: {error}") from None
        self._watch_rtcp()
        try:
            await self._connected()
        except NoAnswer:
            if await self._taken_over():
                raise TakenOver from None
            raise

    async def _post(self, offer: str) -> str:
        headers = self._headers | {"Content-Type": "application/sdp"}
        try:
            response = await self._http.post(self._url, content=offer, headers=headers)
        except httpx.InvalidURL as error:
            raise RequestRefused(0, f"{self._url} is no address: {error}") from None
        except httpx.HTTPError as error:
            raise NoAnswer(f"no answer from {self._url} ({type(error).__name__})") from None
        raise_for(response)
        if "Location" in response.headers:
            self._location = urljoin(str(response.url), response.headers["Location"])
        return response.text

    async def _connected(self) -> None:
        try:
            async with asyncio.timeout(CONNECT_TIMEOUT_S):
                while self._peer.connectionState != "connected":
                    if self._peer.connectionState in ("failed", "closed"):
                        raise NoAnswer("the media connection failed (is UDP blocked?)")
                    self._state.clear()
                    await self._state.wait()
        except TimeoutError:
            raise NoAnswer("the media connection was not made in time (is UDP blocked?)") from None

    async def _disconnected(self) -> None:
        while self._peer.connectionState == "connected":
            self._state.clear()
            await self._state.wait()

    async def _server_ended(self) -> None:
        """Return once our own server says that the session is over.

        RFC 9725 gives GET no meaning: 404, 405 or 501 of another server say nothing, and are not
        asked for again.
        """
        while self._location is not None:
            await asyncio.sleep(PROBE_EVERY_S)
            try:
                response = await self._http.get(self._location, headers=self._headers)
            except httpx.HTTPError:
                continue
            if word_of(response):
                return
            if response.is_client_error or response.status_code == 501:
                break
        await asyncio.Event().wait()

    async def _taken_over(self) -> bool:
        """Whether our own server says that another host publishes."""
        if self._location is None:
            return False
        try:
            response = await self._http.get(self._location, headers=self._headers)
        except httpx.HTTPError:
            return False
        return word_of(response) == TAKEN_OVER

    async def _silent(self) -> None:
        loop = asyncio.get_running_loop()
        looks = 0  # two in a row: on a busy machine packets may wait beside this task
        while looks < 2:
            await asyncio.sleep(WATCH_EVERY_S)
            looks = looks + 1 if self._watchdog.is_silent(loop.time()) else 0

    def _watch_rtcp(self) -> None:
        """Note RTCP, and a BYE (RFC 3550 §6.6), which aiortc leaves to nobody in particular."""
        loop = asyncio.get_running_loop()

        def watch(transport: RTCDtlsTransport) -> None:
            handle = transport._handle_rtcp_data

            async def handle_and_note(data: bytes) -> None:
                self._watchdog.received(loop.time())
                with contextlib.suppress(ValueError):
                    packets = RtcpPacket.parse(data)
                    if any(isinstance(packet, RtcpByePacket) for packet in packets):
                        self._bye.set()
                await handle(data)

            transport._handle_rtcp_data = handle_and_note  # type: ignore[method-assign]

        for transport in {sender.transport for sender in self._peer.getSenders()}:
            watch(transport)


def word_of(response: httpx.Response) -> str:
    """Return why a session is over, as our own server says it; "" from any other server."""
    if response.headers.get("Content-Type", "").startswith("application/problem+json"):
        with contextlib.suppress(ValueError, AttributeError):
            kind = str(response.json().get("type", "")).removeprefix(PROBLEM_PREFIX)
            if kind in (NO_SUCH_SESSION, TAKEN_OVER):
                return kind
    return ""


def raise_for(response: httpx.Response) -> None:
    """Raise what the status of a WHIP or WHEP answer means; return for 201.

    Raises:
        TryLater: 409, 429, 503.
        RequestRefused: Other 4xx.
        NoAnswer: Anything else that is not 201.
    """
    if response.status_code == 201:
        return
    detail = problem_text(response)
    if response.status_code in _LATER:
        after = response.headers.get("Retry-After", "")
        raise TryLater(response.status_code, detail, float(after) if after.isdigit() else None)
    if 400 <= response.status_code < 500:
        raise RequestRefused(response.status_code, detail)
    raise NoAnswer(f"the server answered {response.status_code}: {detail}")


def problem_text(response: httpx.Response) -> str:
    """Return the text of a problem document, or the start of another body."""
    with contextlib.suppress(ValueError, AttributeError):
        problem = response.json()
        return " ".join(str(problem[key]) for key in ("title", "detail") if problem.get(key))
    return response.text[:200]


def only(transceiver: RTCRtpTransceiver, mime_type: str) -> None:
    """Offer one codec and, for video, its retransmissions."""
    capabilities = RTCRtpSender.getCapabilities(transceiver.kind)
    assert capabilities is not None
    transceiver.setCodecPreferences(
        [codec for codec in capabilities.codecs if codec.mimeType in (mime_type, "video/rtx")]
    )


@contextlib.contextmanager
def loopback_candidates(url: str) -> Iterator[None]:
    """Offer loopback addresses, too, while gathering for a server on this machine.

    aioice leaves them out, and a machine may have no other.
    """
    host = urlsplit(url).hostname or ""
    token = _loopback.set(("::1" if ":" in host else "127.0.0.1") if is_loopback(host) else "")
    try:
        yield
    finally:
        _loopback.reset(token)


def _host_addresses(use_ipv4: bool, use_ipv6: bool) -> list[str]:
    if loopback := _loopback.get():
        return [loopback, *_original_host_addresses(use_ipv4, False)]
    return _original_host_addresses(use_ipv4, use_ipv6)


_loopback = ContextVar("loopback", default="")
_original_host_addresses = aioice.ice.get_host_addresses
aioice.ice.get_host_addresses = _host_addresses


def is_loopback(host: str) -> bool:
    """Whether `host` of a URL is this machine itself."""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
