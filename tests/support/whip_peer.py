"""A WHIP server of aiortc parts, to test our publisher against somebody else's stack."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

from aiortc import RTCConfiguration, RTCPeerConnection, RTCSessionDescription
from aiortc.mediastreams import MediaStreamError, MediaStreamTrack
from aiortc.rtp import RtcpByePacket
from av import AudioFrame, VideoFrame
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from loadtest.clients.whip import loopback_candidates
from tests.support.serving import serving
from tests.support.waiting import free_port

FRAMES_KEPT = 200


class WhipPeer:
    """Accepts one publisher after the other and keeps what it decodes."""

    def __init__(self) -> None:
        self.url = ""
        self.tokens: list[str] = []
        self.offers: list[str] = []
        self.video_frames: list[VideoFrame] = []
        self.audio_frames: list[AudioFrame] = []
        self.deleted = 0
        self.answer_with: list[Response] = []
        self.connects = True  # False: answers offers, and no STUN check
        # What the session's URL answers to GET, and how often it was asked for.
        self.answer_get_with = Response(status_code=204)
        self.probed = 0
        self.peers: list[RTCPeerConnection] = []
        self._tasks: set[asyncio.Task[None]] = set()

    async def post(self, request: Request) -> Response:
        """Answer an offer, or return the response that the test has set."""
        self.tokens.append(request.headers.get("Authorization", ""))
        self.offers.append((await request.body()).decode())
        if self.answer_with:
            return self.answer_with.pop(0)
        peer = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        if self.connects:
            self.peers.append(peer)
            peer.on("track", self._take)
        await peer.setRemoteDescription(RTCSessionDescription(self.offers[-1], "offer"))
        with loopback_candidates(self.url):
            await peer.setLocalDescription(await peer.createAnswer())
        headers = {"Location": "/session/1"}
        answer = Response(peer.localDescription.sdp, 201, headers, "application/sdp")
        if not self.connects:
            await peer.close()
        return answer

    async def probe(self, _: Request) -> Response:
        """Answer a GET, to which RFC 9725 gives no meaning."""
        self.probed += 1
        return self.answer_get_with

    async def delete(self, _: Request) -> Response:
        """End the session."""
        self.deleted += 1
        await self.hang_up()
        return Response()

    async def hang_up(self) -> None:
        """End the media connection as a server that goes down does."""
        for peer in self.peers:
            await peer.close()
        self.peers.clear()

    async def say_bye(self) -> None:
        """Send an RTCP BYE."""
        transport = self.peers[-1].getReceivers()[0].transport
        await transport._send_rtp(bytes(RtcpByePacket(sources=[1])))

    async def vanish(self) -> None:
        """Answer no STUN check any more, without a word."""
        for peer in self.peers:
            await peer.getReceivers()[0].transport.transport._connection.close()

    async def ask_for_key_frame(self) -> None:
        """Send a PLI for the publisher's video."""
        receiver = self.peers[-1].getReceivers()[0]
        ssrc = next(iter(receiver._RTCRtpReceiver__remote_streams))  # type: ignore[attr-defined]
        await receiver._send_rtcp_pli(ssrc)

    def _take(self, track: MediaStreamTrack) -> None:
        task = asyncio.create_task(self._drain(track))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _drain(self, track: MediaStreamTrack) -> None:
        with contextlib.suppress(MediaStreamError):
            while True:
                frame = await track.recv()
                if isinstance(frame, VideoFrame):
                    self.video_frames.append(frame)
                elif isinstance(frame, AudioFrame):
                    self.audio_frames.append(frame)
                del self.video_frames[:-FRAMES_KEPT], self.audio_frames[:-FRAMES_KEPT]

    async def close(self) -> None:
        """End everything."""
        await self.hang_up()
        await asyncio.gather(*self._tasks)


def problem(status: int, title: str, kind: str = "test", **headers: str) -> Response:
    """Return a refusal as our server writes it."""
    return JSONResponse(
        {"type": f"urn:linli:problem:{kind}", "title": title, "status": status},
        status,
        {name.replace("_", "-"): value for name, value in headers.items()},
        "application/problem+json",
    )


@contextlib.asynccontextmanager
async def whip_peer() -> AsyncIterator[WhipPeer]:
    """Run a WhipPeer at a free port."""
    peer = WhipPeer()
    app = Starlette(
        routes=[
            Route("/whip", peer.post, methods=["POST"]),
            Route("/session/1", peer.probe, methods=["GET"]),
            Route("/session/1", peer.delete, methods=["DELETE"]),
        ]
    )
    port = free_port()
    peer.url = f"http://127.0.0.1:{port}/whip"
    async with serving(app, port):
        try:
            yield peer
        finally:
            await peer.close()
