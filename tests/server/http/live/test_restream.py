"""A host sets where its lives are pushed; the key is never shown again."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from commerce.io.shop.sealing import Sealer
from server.access.policy import Principal, Role
from server.app import Program, build
from server.ops.maintenance import load
from server.settings import Settings
from tests.support.running import SHOP

URL = "/api/rooms/demo/restream"
KEY = "secret-of-the-platform-1234"


class Linli:
    """A server in this process, and a client that speaks for the host."""

    def __init__(self, program: Program, client: httpx.AsyncClient) -> None:
        self.program, self.client = program, client
        host = Principal("token:host", frozenset({Role.HOST}), room_id="demo")
        token = program.services.access.issue(host, 600)
        self.host = {"Authorization": f"Bearer {token}"}

    async def put(self, address: str, key: str = KEY) -> httpx.Response:
        body = {"address": address, "key": key}
        return await self.client.put(URL, json=body, headers=self.host)

    async def shown(self) -> Any:
        return (await self.client.get(URL, headers=self.host)).json()


@pytest.fixture
async def linli(tmp_path: Path) -> AsyncIterator[Linli]:
    settings = Settings(host="127.0.0.1", port=0, ice_port=0, rtmp_port=None, data_dir=tmp_path)
    await load(settings, SHOP, "a good password")
    async with build(settings) as program:
        transport = httpx.ASGITransport(program.app)
        async with httpx.AsyncClient(transport=transport, base_url="http://linli") as client:
            yield Linli(program, client)


def files_with_the_key(folder: Path) -> list[Path]:
    files = [file for file in folder.rglob("*") if file.is_file()]
    return [file for file in files if KEY.encode() in file.read_bytes()]


async def test_the_target_is_shown_without_its_key(linli: Linli, tmp_path: Path) -> None:
    assert await linli.shown() == {"address": None, "key_end": None, "state": "off"}
    answer = await linli.put("rtmp://live.example.com/app/")
    shown = {"address": "rtmp://live.example.com/app", "key_end": "1234", "state": "idle"}
    assert answer.status_code == 200 and answer.json() == shown == await linli.shown()
    assert (await linli.put("rtmps://other.example.com/app", "short")).json()["key_end"] == ""
    assert (await linli.put("rtmp://live.example.com/app")).status_code == 200
    assert not await asyncio.to_thread(files_with_the_key, tmp_path)
    assert (await linli.client.delete(URL, headers=linli.host)).status_code == 204
    assert (await linli.shown())["state"] == "off"
    for address in ("http://x/app", "rtmp://127.0.0.1/app", "rtmp://[::1]:1935/app"):
        refused = await linli.put(address)
        assert refused.status_code == 422 and refused.json()["type"].endswith("bad-target")
    for method in ("GET", "PUT", "DELETE"):
        assert (await linli.client.request(method, URL)).status_code in (401, 403)


def test_what_is_sealed_opens_for_its_owner_only() -> None:
    sealer = Sealer("s" * 40, "restream")
    sealed = sealer.seal(KEY, "demo")
    assert sealer.open(sealed, "demo") == KEY and KEY not in sealed
    assert sealer.open(sealed, "other") is None
    assert Sealer("t" * 40, "restream").open(sealed, "demo") is None
    assert Sealer("s" * 40, "another").open(sealed, "demo") is None
    assert sealer.open("broken", "demo") is None
    assert sealer.seal(KEY, "demo") != sealed
