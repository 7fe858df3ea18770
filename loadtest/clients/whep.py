"""Light WHEP viewers: hundreds in one process, each a socket, a DTLS client and a few counters.

They cost as little as possible, so that the server is what is measured: no decoding, one `recvmsg`
for a whole frame where the kernel can give one (UDP_GRO), sockets looked at fifty times a second
instead of waking us for each packet, and one packet in many decrypted to see that it is authentic.
"""

import asyncio
import secrets
import ssl
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, TypedDict
from urllib.parse import urljoin, urlsplit

from loadtest.clients.dtls import ClientContext
from loadtest.clients.http import PlainHttp
from loadtest.clients.ice import (
    Remote,
    offer,
    parse_answer,
)
from loadtest.clients.whep_viewer import Stage, WhepViewer
from loadtest.errors import NoAnswer, RequestRefused, TryLater

DATAGRAM_BYTES_MAX = 65_535
TICK_S = 0.05
JOIN_TIMEOUT_S = 10.0
SWEEP_S = 0.02


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
    layer_changes: int = 0
    nacks: int = 0
    repaired: int = 0
    longest_pause_s: float = 0.0


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


class _How(TypedDict):
    """How `offer` is called."""

    uses_remb: bool
    uses_rtx: bool
    setup: str


class Whep:
    """WHEP (draft-ietf-wish-whep): the viewer offers, by POST; it leaves by DELETE."""

    def __init__(
        self,
        url: str,
        *,
        uses_remb: bool = True,
        uses_rtx: bool = True,
        setup: str = "actpass",
        tls: ssl.SSLContext | None = None,
        uds: Path | None = None,
    ) -> None:
        """With `uds` the server is at that Unix socket."""
        self.host = urlsplit(url).hostname or ""
        self._how: _How = {"uses_remb": uses_remb, "uses_rtx": uses_rtx, "setup": setup}
        self._url = url
        self._http = PlainHttp(url, tls=tls, uds=uds)

    async def enter(self, ufrag: str, password: str, fingerprint: str) -> tuple[Remote, str]:
        """See Signalling."""
        text = offer(ufrag, password, fingerprint, **self._how)
        answer, location = await post_offer(self._http, self._url, text)
        return parse_answer(answer), location

    async def leave(self, name: str) -> None:
        """See Signalling."""
        await self._http.request("DELETE", name)

    async def close(self) -> None:
        """See Signalling."""
        await self._http.close()


async def post_offer(http: PlainHttp, url: str, offer: str) -> tuple[str, str]:
    """Offer a session at the WHEP address `url`; return the answer and the session's path.

    Raises:
        NoAnswer, RequestRefused, TryLater: Why it may not watch.
    """
    headers = {"Content-Type": "application/sdp"}
    answer = await http.request("POST", urlsplit(url).path, offer.encode(), headers)
    if answer.status in (409, 429, 503):
        raise TryLater(answer.status, answer.body.decode()[:200], None)
    if answer.status != 201:
        raise RequestRefused(answer.status, answer.body.decode()[:200])
    return answer.body.decode(), urlsplit(urljoin(url, answer.headers.get("location", ""))).path


class Crowd:
    """All viewers of one process. `async with`; then `join`, `totals`, `leave`."""

    def __init__(
        self,
        at: str | Signalling,
        *,
        gro: bool = True,
        source: Callable[[int], str | None] = lambda number: None,
    ) -> None:
        """`at`: a WHEP address, or another way in; it is closed with the crowd.

        `source` is the local address of a viewer, by its number in the order of joins.
        """
        self._source = source
        self._joins = 0
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
        source = self._source(self._joins)
        self._joins += 1
        viewer = WhepViewer(remote, ice, host, self._context, gro=self._gro, source=source)
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
                if viewer.nacks.missing:
                    viewer.request_lost(now)
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
    totals.layer_changes += viewer.layers.changes
    totals.nacks += viewer.nacks.sent
    totals.repaired += viewer.nacks.repaired
    totals.longest_pause_s = max(totals.longest_pause_s, viewer.freezes.longest_s)
