"""A host makes a stream key, an encoder publishes with it, and a revoked one is refused."""

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from media.errors import PublishRefused
from server.access.policy import Principal, Role
from server.app import Program, build
from server.limits import RATES, LimitKind
from server.ops.maintenance import load
from server.settings import Settings
from tests.support.rtmp_client import rtmp_client
from tests.support.rtmp_publisher import publishing
from tests.support.running import PASSWORD, SHOP
from tests.support.waiting import wait_until

URL = "/api/rooms/demo/stream-key"


class Linli:
    """A server in this process, and a client that speaks for the host."""

    def __init__(self, program: Program, client: httpx.AsyncClient) -> None:
        self.program = program
        self.client = client
        host = Principal("token:host", frozenset({Role.HOST}), room_id="demo")
        token = program.services.access.issue(host, 600)
        self.host = {"Authorization": f"Bearer {token}"}

    async def renew(self) -> str:
        answer = await self.client.post(URL, headers=self.host)
        assert answer.status_code == 201
        body = answer.json()
        assert len(body["key"]) * 4 >= 128
        assert body["qr"].startswith("<svg")
        rtmp = self.program.services.rtmp
        assert rtmp is not None and body["address"].startswith("rtmp://linli.test:")
        return f"rtmp://127.0.0.1:{rtmp.port}/live/{body['key']}"

    @property
    def live(self) -> bool:
        return self.program.services.media.is_live("demo")

    def ended(self, reason: str) -> int:
        rtmp = self.program.services.rtmp
        return rtmp.stats().ended.get(reason, 0) if rtmp else 0


@pytest.fixture
async def linli(tmp_path: Path) -> AsyncIterator[Linli]:
    settings = Settings(
        host="127.0.0.1", port=0, ice_port=0, rtmp_port=0, data_dir=tmp_path / "var"
    )
    await load(settings, SHOP, PASSWORD)
    async with build(settings) as program:
        transport = httpx.ASGITransport(program.app)
        async with httpx.AsyncClient(transport=transport, base_url="http://linli.test") as client:
            yield Linli(program, client)


async def test_an_encoder_publishes_with_the_newest_key(linli: Linli) -> None:
    old = await linli.renew()
    new = await linli.renew()
    async with publishing(old) as encoder:
        await encoder.wait()
    assert linli.ended("wrong key") == 1
    async with publishing(new):
        await wait_until(lambda: linli.live)
        record = (await linli.client.get("/api/rooms/demo")).json()
        assert record["id"] == "demo"
        metrics = (await linli.client.get("/metrics")).text
        assert "linli_rtmp_publishers 1.0" in metrics


async def test_a_revoked_key_is_refused(linli: Linli) -> None:
    url = await linli.renew()
    assert (await linli.client.delete(URL, headers=linli.host)).status_code == 204
    async with publishing(url) as encoder:
        await encoder.wait()
    assert linli.ended("wrong key") == 1
    shown = (await linli.client.get(URL, headers=linli.host)).json()
    assert shown["made_at_ms"] is None and "key" not in shown


async def test_attempts_with_wrong_keys_are_limited(linli: Linli) -> None:
    await linli.renew()
    rtmp = linli.program.services.rtmp
    assert rtmp is not None
    codes = []
    for _ in range(RATES[LimitKind.PUBLISH].burst + 5):
        async with rtmp_client(rtmp.port, "guessed") as client:
            with pytest.raises(PublishRefused) as refused:
                await client.publish()
            codes.append(refused.value.code)
    burst = RATES[LimitKind.PUBLISH].burst
    assert codes[:burst] == ["NetStream.Publish.BadName"] * burst
    assert "NetStream.Publish.Denied" in codes[burst:]
    await wait_until(lambda: linli.ended("too many attempts") >= 1)
    metrics = (await linli.client.get("/metrics")).text
    assert 'linli_rtmp_ended_total{reason="too many attempts"}' in metrics


@pytest.mark.parametrize("method", ["POST", "DELETE"])
async def test_an_encoder_that_publishes_ends_with_its_key(linli: Linli, method: str) -> None:
    url = await linli.renew()
    async with publishing(url) as encoder:
        await wait_until(lambda: linli.live)
        answer = await linli.client.request(method, URL, headers=linli.host)
        assert answer.is_success
        await encoder.wait()
    assert linli.ended("key revoked") == 1


async def test_other_workers_end_the_encoder_of_a_revoked_key(linli: Linli, tmp_path: Path) -> None:
    services = linli.program.services
    settings = Settings(
        host="127.0.0.1", port=0, ice_port=0, rtmp_port=0, data_dir=tmp_path / "var"
    )
    async with build(settings, redis=services.redis) as other:
        rtmp = other.services.rtmp
        assert rtmp is not None
        key = (await linli.renew()).rpartition("/")[2]
        async with publishing(f"rtmp://127.0.0.1:{rtmp.port}/live/{key}") as encoder:
            await wait_until(lambda: other.services.media.is_live("demo"))
            assert (await linli.client.delete(URL, headers=linli.host)).status_code == 204
            await encoder.wait()
    assert rtmp.stats().ended["key revoked"] == 1


async def test_the_key_is_the_hosts_alone(linli: Linli) -> None:
    for method in ("GET", "POST", "DELETE"):
        answer = await linli.client.request(method, URL)
        assert answer.status_code in (401, 403)


async def test_only_the_hash_of_the_key_is_kept(linli: Linli, tmp_path: Path) -> None:
    key = (await linli.renew()).rpartition("/")[2]
    for file in (tmp_path / "var").rglob("*"):
        if file.is_file():
            assert key.encode() not in file.read_bytes(), file.name
