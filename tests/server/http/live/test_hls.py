"""LL-HLS by HTTP: a player that follows the playlists gets media that FFmpeg decodes."""

import asyncio
import io
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import av
import httpx
import pytest

from media.io.webrtc.plane import MediaPlane
from server.app import build
from server.ops.maintenance import load
from server.settings import Settings
from tests.support.hls_playlists import (
    Playlist,
    PlaylistChecker,
    attributes,
    parse_multivariant,
)
from tests.support.media_peers import host, loopback_candidates
from tests.support.running import SHOP
from tests.support.waiting import WAIT_S, wait_until

__all__ = ["loopback_candidates"]

HLS = "/live/demo/hls/"
INDEX = HLS + "index.m3u8"


@dataclass
class Server:
    """A server in this process, and a viewer's client."""

    client: httpx.AsyncClient
    media: MediaPlane
    token: str

    async def negotiate(self, offer: str) -> str:
        headers = {"Content-Type": "application/sdp", "Authorization": f"Bearer {self.token}"}
        answer = await self.client.post("/live/demo/whip", content=offer, headers=headers)
        return answer.text

    async def watch(self) -> "Player":
        await wait_until(lambda: self.media.is_live("demo"))
        index = await self.client.get(INDEX)
        assert index.status_code == 200, index.text
        assert index.headers["Content-Type"] == "application/vnd.apple.mpegurl"
        assert index.headers["Access-Control-Allow-Origin"] == "*"
        [_, _, variant, uri, *sound] = index.text.splitlines()
        assert len(parse_multivariant(index.text)) == 1 + len(sound) // 2
        return Player(self.client, attributes(variant.partition(":")[2]), HLS + uri)


class Player:
    """Loads the media playlist by blocking reloads."""

    def __init__(self, client: httpx.AsyncClient, variant: dict[str, str], url: str) -> None:
        self.client, self.variant, self.url = client, variant, url
        self.checker = PlaylistChecker(complete=False)

    async def get(self, name: str) -> httpx.Response:
        return await self.client.get(self.url.replace("media.m3u8", name))

    async def reload(self, **directives: int | str) -> Playlist:
        params = {f"_HLS_{name}": str(value) for name, value in directives.items()}
        answer = await self.client.get(self.url, params=params)
        assert answer.status_code == 200, answer.text
        return self.checker.check(answer.text)

    async def until(self, segments: int) -> Playlist:
        playlist = await self.reload()
        async with asyncio.timeout(WAIT_S):
            while len(playlist.complete) < segments:
                last = playlist.segments[-1]
                at = (last.msn + 1, 0) if last.uri else (last.msn, len(last.parts))
                playlist = await self.reload(msn=at[0], part=at[1], skip="YES")
        return playlist


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[Server]:
    settings = Settings(
        port=0, ice_port=0, ice_addresses=("127.0.0.1",), data_dir=tmp_path, rtmp_port=None
    )
    await load(settings, SHOP, "a good password")
    async with build(settings) as program:
        transport = httpx.ASGITransport(program.app)
        async with httpx.AsyncClient(transport=transport, base_url="http://linli") as client:
            made = {"username": "chunjiang", "password": "a good password"}
            token = (await client.post("/api/login", json=made)).json()["token"]
            yield Server(client, program.services.media, token)


async def test_segments_and_parts_are_the_same_media_and_are_decoded(server: Server) -> None:
    async with host(server.negotiate):
        player = await server.watch()
        playlist = await player.until(segments=2)
        assert player.variant["RESOLUTION"] == "160x120"
        assert player.variant["CODECS"].startswith("avc1.42")
        assert player.variant["CODECS"].endswith(",mp4a.40.2")
        assert int(player.variant["BANDWIDTH"]) > 10_000
        init = await player.get(playlist.segments[0].init)
        assert init.headers["Content-Type"] == "video/mp4"
        data = init.content
        for segment in playlist.complete:
            assert segment.uri
            answer = await player.get(segment.uri)
            assert "immutable" in answer.headers["Cache-Control"]
            assert answer.headers["Access-Control-Allow-Origin"] == "*"
            parts = [(await player.get(part.uri)).content for part in segment.parts]
            assert answer.content == b"".join(parts)
            data += answer.content
    with av.open(io.BytesIO(data), "r") as container:
        kinds = [type(frame).__name__ for frame in container.decode()]
    # A busy host sends few frames a second.
    assert kinds.count("VideoFrame") > 5 and kinds.count("AudioFrame") > 5


async def test_a_reload_and_the_hinted_part_wait_for_what_comes(server: Server) -> None:
    async with host(server.negotiate):
        player = await server.watch()
        before = await player.reload()
        assert before.hint
        last = before.segments[-1]
        msn, part = (last.msn + 1, 0) if last.uri else (last.msn, len(last.parts))
        hinted, after = await asyncio.gather(
            player.get(before.hint), player.reload(msn=msn, part=part)
        )
        assert hinted.status_code == 200 and hinted.content[4:8] in (b"moof", b"styp")
        assert any(each.uri == before.hint for s in after.segments for each in s.parts)
        next_segment = await player.reload(msn=after.segments[-1].msn + 1)
        assert next_segment.segments[-1].parts, "without _HLS_part it waits for part 0"


async def test_directives_beyond_the_end_are_refused(server: Server) -> None:
    async with host(server.negotiate):
        player = await server.watch()
        newest = (await player.reload()).segments[-1]
        for query in (
            f"_HLS_msn={newest.msn + 3}",
            f"_HLS_msn={newest.msn + 1}&_HLS_part=99",
            "_HLS_part=1",
            "_HLS_msn=-1",
            "_HLS_msn=one",
        ):
            answer = await server.client.get(f"{player.url}?{query}")
            assert answer.status_code == 400, query


async def test_what_is_not_there_is_404_and_what_is_not_live_409(server: Server) -> None:
    answer = await server.client.get(INDEX)
    assert answer.status_code == 409 and answer.headers["Retry-After"]
    assert (await server.client.get("/live/nowhere/hls/index.m3u8")).status_code == 404
    assert (await server.client.get(HLS + "unknown/media.m3u8")).status_code == 404
    async with host(server.negotiate):
        player = await server.watch()
        for name in ("s999.m4s", "p0.99.m4s", "i9.mp4", "i0.mp4", "p0.m4s", "s0.1.m4s", "x.mp4"):
            answer = await player.get(name)
            assert answer.status_code == 404, name
            assert answer.headers["Cache-Control"] == "no-store"


async def test_pages_of_other_origins_may_play(server: Server) -> None:
    answer = await server.client.options(INDEX)
    assert answer.status_code == 200
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
