"""A server in this process, asked over its WHIP and WHEP routes."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
from pydantic import SecretStr

from media.io.webrtc.plane import MediaPlane
from server.access.policy import Principal, Role
from server.app import Program, build
from server.ops.maintenance import load
from server.settings import Settings
from tests.support.running import PASSWORD, SHOP
from tests.support.sdp_offers import OFFER

WHIP, WHEP = "/live/demo/whip", "/live/demo/whep"
SDP = {"Content-Type": "application/sdp"}
FRAGMENT = {"Content-Type": "application/trickle-ice-sdpfrag"}
PLAY_OFFER = OFFER.replace("sendonly", "recvonly")
TRICKLE = (
    "a=ice-ufrag:abcd\r\na=ice-pwd:0123456789012345678901\r\nm=audio 9 UDP/TLS/RTP/SAVPF 0\r\n"
    "a=mid:0\r\na=candidate:1 1 udp 1 nowhere.invalid 9 typ host\r\n"
    "a=candidate:2 1 quic 1 192.0.2.1 9 typ strange\r\na=end-of-candidates\r\n"
)


@dataclass
class LiveRoutes:
    """A program in this process, and a client that speaks for the host."""

    client: httpx.AsyncClient
    media: MediaPlane
    host: dict[str, str]

    async def publish(self, offer: str = OFFER) -> httpx.Response:
        answer = await self.client.post(WHIP, content=offer, headers={**self.host, **SDP})
        if answer.status_code == 201:
            self.media._lives.by_room["demo"].on_air = True  # as if its media had come
        return answer

    async def play(self) -> httpx.Response:
        await self.publish()
        return await self.client.post(WHEP, content=PLAY_OFFER, headers=SDP)

    async def patch(
        self, session: httpx.Response, body: str, if_match: str | None, **headers: str
    ) -> httpx.Response:
        sent = {**FRAGMENT, **headers} | ({"If-Match": if_match} if if_match else {})
        return await self.client.patch(session.headers["Location"], content=body, headers=sent)


def refused(answer: httpx.Response, status: int) -> None:
    """RFC 9457: a problem document, open to pages of other origins."""
    assert answer.status_code == status, answer.text
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert answer.json()["title"]


@asynccontextmanager
async def live_program(folder: Path) -> AsyncIterator[Program]:
    """A program with the story shop and ICE servers, its data in `folder`."""
    settings = Settings(
        port=0,
        ice_port=0,
        ice_addresses=("127.0.0.1",),
        data_dir=folder,
        ice_servers=("stun:stun.example.org", "turn:turn.example.org:3478?transport=tcp"),
        turn_secret=SecretStr("closed networks"),
    )
    await load(settings, SHOP, PASSWORD)
    async with build(settings) as program:
        yield program


@asynccontextmanager
async def live_routes(program: Program) -> AsyncIterator[LiveRoutes]:
    """The routes of `program` before anybody has published; its sessions end with the block."""
    services = program.services
    principal = Principal("token:host", frozenset({Role.HOST}), room_id="demo")
    host = {"Authorization": f"Bearer {services.access.issue(principal, 600)}"}
    async for key in services.redis.scan_iter("limit:*"):
        await services.redis.delete(key)
    transport = httpx.ASGITransport(program.app)
    async with httpx.AsyncClient(transport=transport, base_url="http://linli") as client:
        yield LiveRoutes(client, services.media, host)
    await services.media.end("demo")
    stats = services.media.stats()
    assert stats.sessions_publish == stats.sessions_play == 0
