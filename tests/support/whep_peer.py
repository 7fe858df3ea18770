"""A WHEP server of aiortc parts that shows the clock pattern, with faults on request."""

import asyncio
import contextlib
import enum
import itertools
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor

from aiortc import RTCConfiguration, RTCPeerConnection, RTCSessionDescription
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from loadtest.clients.whip import loopback_candidates
from loadtest.sources.encoded import AmbienceSource, EncodedSource, Packet, PatternSource
from loadtest.sources.tracks import Pace, PacedTrack
from tests.support.serving import serving
from tests.support.waiting import free_port

BITRATE_BPS = 800_000
FREEZE_S, DELAY_S = 1.0, 0.3
FREEZE_EVERY_FRAMES = 100


class MediaFault(enum.Enum):
    """What the server does wrong."""

    FORGE = "packets are not what was authenticated"
    FREEZE = "a frame is shown for a second longer"
    DELAY = "everything is sent 300 ms late"


class FaultyTrack(PacedTrack):
    """A track that is late now and then, or always."""

    fault: MediaFault | None = None

    def __init__(
        self, kind: str, source: EncodedSource, pace: Pace, pool: ThreadPoolExecutor
    ) -> None:
        super().__init__(kind, source, pace, pool)
        self._number = itertools.count(1)
        self._late: asyncio.Queue[tuple[float, Packet]] = asyncio.Queue()
        self._reading: asyncio.Task[None] | None = None

    async def recv(self) -> Packet:
        """Return the next packet, when the fault lets it go."""
        if self.fault is MediaFault.DELAY:
            return await self._delayed()
        packet = await super().recv()
        frozen = self.fault is MediaFault.FREEZE and not next(self._number) % FREEZE_EVERY_FRAMES
        if frozen and self.kind == "video":
            await asyncio.sleep(FREEZE_S)
        return packet

    async def _delayed(self) -> Packet:
        self._reading = self._reading or asyncio.create_task(self._read())
        due, packet = await self._late.get()
        await asyncio.sleep(due - asyncio.get_running_loop().time())
        return packet

    async def _read(self) -> None:
        while True:
            packet = await super().recv()
            self._late.put_nowait((asyncio.get_running_loop().time() + DELAY_S, packet))

    def stop(self) -> None:
        """See MediaStreamTrack."""
        super().stop()
        if self._reading:
            self._reading.cancel()


class WhepPeer:
    """Answers viewers, each with a source of its own."""

    def __init__(self, fault: MediaFault | None) -> None:
        self.url = ""
        self._fault = fault
        self._peers: dict[str, RTCPeerConnection] = {}
        self._pool = ThreadPoolExecutor(1)
        self._number = itertools.count(1)
        self.left = 0

    async def post(self, request: Request) -> Response:
        """Answer an offer."""
        peer, name = RTCPeerConnection(RTCConfiguration(iceServers=[])), f"s{next(self._number)}"
        self._peers[name] = peer
        pace = Pace()
        sources: tuple[tuple[str, EncodedSource], ...] = (
            ("video", PatternSource(BITRATE_BPS)),
            ("audio", AmbienceSource()),
        )
        await peer.setRemoteDescription(
            RTCSessionDescription((await request.body()).decode(), "offer")
        )
        for kind, source in sources:
            track = FaultyTrack(kind, source, pace, self._pool)
            track.fault = self._fault
            sender = peer.addTrack(track)
            if kind == "video":
                sender._send_keyframe = source.request_key_frame  # type: ignore[method-assign]
        with loopback_candidates(self.url):
            await peer.setLocalDescription(await peer.createAnswer())
        if self._fault is MediaFault.FORGE:
            _forge(peer)
        headers = {"Location": f"/session/{name}"}
        return Response(peer.localDescription.sdp, 201, headers, "application/sdp")

    async def delete(self, request: Request) -> Response:
        """End a session."""
        self.left += 1
        await self._peers.pop(request.path_params["name"]).close()
        return Response()

    async def close(self) -> None:
        """End everything."""
        for peer in self._peers.values():
            await peer.close()
        self._pool.shutdown()


def _forge(peer: RTCPeerConnection) -> None:
    """Change a byte of every packet of media, after it was protected."""
    ice = peer.getSenders()[0].transport.transport
    send = ice._send

    async def forge(data: bytes) -> None:
        is_media = 127 < data[0] < 192 and not 192 <= data[1] <= 223
        await send(data[:-1] + bytes((data[-1] ^ 1,)) if is_media else data)

    ice._send = forge


@contextlib.asynccontextmanager
async def whep_peer(fault: MediaFault | None = None) -> AsyncIterator[WhepPeer]:
    """Run one at a free port."""
    peer = WhepPeer(fault)
    app = Starlette(
        routes=[
            Route("/whep", peer.post, methods=["POST"]),
            Route("/session/{name}", peer.delete, methods=["DELETE"]),
        ]
    )
    port = free_port()
    peer.url = f"http://127.0.0.1:{port}/whep"
    async with serving(app, port):
        try:
            yield peer
        finally:
            await peer.close()
