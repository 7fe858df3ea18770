"""What is answered before the application is what its routes answer."""

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from server.app import Program, build
from server.net.protocol import http_protocol
from server.ops.maintenance import load
from server.settings import Settings
from tests.support.rtmp_publisher import publishing
from tests.support.running import SHOP
from tests.support.serving import serving
from tests.support.waiting import WAIT_S, wait_until

INDEX = "/live/demo/hls/index.m3u8"


class Server:
    """A program, with direct answers and without, and where an encoder publishes."""

    def __init__(
        self, program: Program, direct: httpx.AsyncClient, routes: httpx.AsyncClient, encoder: str
    ) -> None:
        self.program, self.direct, self.routes, self.encoder = program, direct, routes, encoder
        self.taken: list[bytes] = []

    async def both(self, url: str) -> tuple[httpx.Response, httpx.Response]:
        return await self.direct.get(url), await self.routes.get(url)


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[Server]:
    settings = Settings(host="127.0.0.1", ice_port=0, rtmp_port=0, data_dir=tmp_path)
    await load(settings, SHOP, "a good password")
    async with build(settings) as program:
        rtmp = program.services.rtmp
        assert rtmp is not None
        key = await program.services.commerce.stream_keys.renew("demo")
        http = http_protocol(program.services.connections, direct=program.direct)
        transport = httpx.ASGITransport(program.app)
        async with (
            serving(program.app, http=http) as url,
            httpx.AsyncClient(base_url=url, timeout=WAIT_S) as direct,
            httpx.AsyncClient(base_url=url, transport=transport, timeout=WAIT_S) as routes,
        ):
            yield Server(program, direct, routes, f"rtmp://127.0.0.1:{rtmp.port}/live/{key.key}")


async def test_playlists_and_parts_are_those_of_the_routes(server: Server) -> None:
    async with publishing(server.encoder):
        await wait_until(lambda: server.program.services.media.is_live("demo"))
        name, *_ = [
            line for line in (await server.direct.get(INDEX)).text.splitlines() if "m3u8" in line
        ]
        base = f"/live/demo/hls/{name.partition('/')[0]}/"
        stream = server.program.services.hls.open("demo")
        msn, part = stream.segmenter.next_part
        later = await server.direct.get(f"{base}media.m3u8?_HLS_msn={msn}&_HLS_part={part}")
        assert stream.segmenter.has(msn, part)
        assert later.text.startswith("#EXTM3U") and later.headers["Date"]
        for file in (f"p{msn}.{part}.m4s", "p0.0.m4s"):
            found, expected = await server.both(base + file)
            assert found.content == expected.content
            dated = {name: value for name, value in found.headers.items() if name != "date"}
            assert dated == dict(expected.headers)
        asked = base + "media.m3u8?_HLS_msn=0&_HLS_part=0&_HLS_skip=YES"
        found, expected = await server.both(asked)
        assert {**found.headers, "date": "", "content-length": ""} == {
            **expected.headers,
            "date": "",
            "content-length": "",
        }
        for url, status in [
            (base + "media.m3u8?_HLS_msn=999999", 400),
            (base + "media.m3u8?_HLS_part=1", 400),
            (base + "p999.0.m4s", 404),
            ("/live/demo/hls/another/media.m3u8?_HLS_msn=1", 404),
            (base + "media.m3u8", 200),
        ]:
            assert (await server.direct.get(url)).status_code == status, url
        refused = await server.direct.get(asked, headers={"Authorization": "Bearer forged"})
        assert refused.status_code == 401, "who shows a token is looked at"
