"""Hosts that are none of ours publish over WHIP: FFmpeg with a real clip, and aiortc."""

import asyncio
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from aiortc.rtcdtlstransport import RTCCertificate
from cryptography.hazmat.primitives import serialization

from tests.fuzz.test_media_parsers import OFFER
from tests.support.clips import CLIP
from tests.support.media_peers import Negotiate, host, loopback_candidates, next_frame, viewer
from tests.support.running import Running, running
from tests.support.waiting import wait_until

__all__ = ["loopback_candidates"]

SDP = {"Content-Type": "application/sdp"}
FRAMES = 10


@pytest.fixture
async def linli(tmp_path: Path) -> AsyncIterator[Running]:
    """A started server with the story shop."""
    async with running(tmp_path) as server:
        yield server


@pytest.fixture
async def client(linli: Running) -> AsyncIterator[httpx.AsyncClient]:
    """A plain HTTP client of that server."""
    async with httpx.AsyncClient(base_url=linli.url) as client:
        yield client


async def test_ffmpeg_publishes_a_clip_and_an_aiortc_viewer_sees_it(
    linli: Running, client: httpx.AsyncClient, tmp_path: Path
) -> None:
    token = (await linli.linli("token", "--role", "host", "--room", "demo")).strip()
    pem = tmp_path / "host.pem"
    pem.write_bytes(_key_and_certificate())
    ffmpeg = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "tests.support.ffmpeg_host",
        f"{linli.url}/live/demo/whip",
        token,
        str(CLIP),
        str(pem),
        cwd=Path(__file__).parents[2],
    )
    try:
        await wait_until(lambda: _state(client, "live"), what="FFmpeg's live")
        async with viewer(_playing(client)) as tracks:
            for _ in range(FRAMES):
                frame = await next_frame(tracks["video"])
            assert (frame.width, frame.height) == (640, 360)
    finally:
        ffmpeg.terminate()
        await ffmpeg.wait()


async def test_an_aiortc_host_goes_and_its_room_says_so(
    linli: Running, client: httpx.AsyncClient
) -> None:
    token = (await linli.linli("token", "--role", "host", "--room", "demo")).strip()
    async with host(_publishing(client, token)):
        await wait_until(lambda: _state(client, "live"), what="the live")
        async with viewer(_playing(client)) as tracks:
            await next_frame(tracks["video"])
    await wait_until(lambda: _state(client, "paused"), what="the pause")


async def test_a_player_hears_of_the_live_until_the_server_stops(
    linli: Running, client: httpx.AsyncClient
) -> None:
    token = (await linli.linli("token", "--role", "host", "--room", "demo")).strip()
    async with host(_publishing(client, token)):
        await wait_until(lambda: _state(client, "live"), what="the live")
        offer = OFFER.replace("sendonly", "recvonly")
        session = await client.post("/live/demo/whep", content=offer, headers=SDP)
        names = ["active", "viewercount", "reconnect"]
        chosen = await client.post(f"{session.headers['Location']}/events", json=names)
        heard: list[str] = []
        async with client.stream("GET", chosen.headers["Location"]) as events:
            assert events.headers["Content-Type"].startswith("text/event-stream")
            async for line in events.aiter_lines():
                heard.append(line)
                if line == 'data: {"viewercount": 1}':
                    assert linli.process
                    linli.process.terminate()
    assert "event: active" in heard
    assert heard[-3:-1] == ["event: reconnect", 'data: {"reconnecttime": 1000}']
    await linli.stop()


def _key_and_certificate() -> bytes:
    made = RTCCertificate.generateCertificate()
    key = made._key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    return key + made._cert.public_bytes(serialization.Encoding.PEM)


def _publishing(client: httpx.AsyncClient, token: str) -> Negotiate:
    async def negotiate(offer: str) -> str:
        headers = {**SDP, "Authorization": f"Bearer {token}"}
        answer = await client.post("/live/demo/whip", content=offer, headers=headers)
        assert answer.status_code == 201, answer.text
        return answer.text

    return negotiate


def _playing(client: httpx.AsyncClient) -> Negotiate:
    async def negotiate(offer: str) -> str:
        answer = await client.post("/live/demo/whep", content=offer, headers=SDP)
        assert answer.status_code == 201, answer.text
        return answer.text

    return negotiate


async def _state(client: httpx.AsyncClient, wanted: str) -> bool:
    return bool((await client.get("/api/rooms/demo")).json()["state"] == wanted)
