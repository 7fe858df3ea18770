"""Rows of workers in Redis: written, read by `linli top`, and gone with their worker."""

import io
import json
import signal
from dataclasses import replace
from pathlib import Path

import httpx
import pytest
from redis.asyncio import Redis
from rich.console import Console

from server.app import build
from server.cli.top import view
from server.ops.heartbeat import ROW_TTL_S, Beat, Heart, Heartbeats, this_version
from server.ops.maintenance import load
from server.settings import Settings
from tests.support.running import PASSWORD, SHOP
from tests.support.waiting import wait_until

BEAT = Beat("node-a", "w1", "1", 7, 8_080, 61, 0.25, 3.0, 12, 40, {"demo": 12})


async def test_rows_of_all_workers_are_read_in_order_and_expire(redis_url: str) -> None:
    async with Redis.from_url(redis_url) as redis:
        beats = Heartbeats(redis)
        assert await beats.read() == []
        other = replace(BEAT, node="node-b", worker="w0")
        for beat in (other, BEAT, BEAT):
            await beats.write(beat)
        assert await beats.read() == [BEAT, other]
        for key in await redis.keys():
            assert 0 < await redis.ttl(key) <= ROW_TTL_S
        await beats.remove("w1")
        assert await beats.read() == [other]


async def test_row_of_a_newer_version_is_read_as_far_as_it_is_known(redis_url: str) -> None:
    async with Redis.from_url(redis_url) as redis:
        beats = Heartbeats(redis)
        await beats.write(BEAT)
        await redis.set("{linli}:worker:w1", json.dumps(BEAT.as_dict() | {"newer": 1}))
        assert await beats.read() == [BEAT]


async def test_row_of_an_older_version_is_read_without_what_it_lacks(redis_url: str) -> None:
    async with Redis.from_url(redis_url) as redis:
        beats = Heartbeats(redis)
        await beats.write(BEAT)
        older = BEAT.as_dict()
        del older["draining"]
        await redis.set("{linli}:worker:w1", json.dumps(older))
        assert await beats.read() == [BEAT]


async def test_a_worker_learns_with_its_row_that_it_is_to_drain(redis_url: str) -> None:
    async with Redis.from_url(redis_url) as redis:
        beats = Heartbeats(redis)
        assert not await beats.write(BEAT)
        await beats.request_drain("w1")
        assert await beats.write(BEAT)
        assert not await beats.write(replace(BEAT, worker="w2"))
        assert await redis.ttl("{linli}:drain:w1") > 0


async def test_worker_that_was_drained_and_started_again_does_not_drain_again(
    redis_url: str,
) -> None:
    async with Redis.from_url(redis_url) as redis:
        beats = Heartbeats(redis)
        await beats.request_drain("w1")
        assert await beats.write(BEAT)
        await beats.remove("w1")
        assert not await beats.write(BEAT)


async def test_server_writes_its_row_drains_when_asked_and_takes_it_away(
    tmp_path: Path, redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[signal.Signals] = []
    monkeypatch.setattr(signal, "raise_signal", asked.append)
    settings = Settings(
        host="127.0.0.1",
        port=0,
        ice_port=0,
        rtmp_port=None,
        data_dir=tmp_path / "var",
        redis_url=redis_url,
    )
    await load(settings, SHOP, PASSWORD)
    async with Redis.from_url(redis_url) as redis:
        beats = Heartbeats(redis)
        async with build(settings) as program:
            found: list[Beat] = []

            async def written() -> bool:
                found[:] = await beats.read()
                return bool(found)

            await wait_until(written)
            [beat] = found
            assert beat.worker == program.services.worker.id
            assert beat.version == this_version()
            transport = httpx.ASGITransport(program.app)
            async with httpx.AsyncClient(transport=transport, base_url="http://linli.test") as web:
                assert (await web.get("/readyz")).text == "ready\n"
            await beats.request_drain(beat.worker)
            await wait_until(lambda: asked)
            assert asked[0] is signal.SIGTERM
            assert Heart(program.services, lambda: None).beat().lives == {}
        assert await beats.read() == []


def test_busy_workers_and_all_lives_are_shown() -> None:
    console = Console(width=120, record=True, file=io.StringIO())
    console.print(view([BEAT, replace(BEAT, worker="w2", lives={"other": 3}, viewers=3)]))
    text = console.export_text()
    assert "1 nodes, 2 workers, 2 lives, 15 viewers" in text
    assert text.index("demo") < text.index("other")
    for word in ("node-a", "w1:8080", "25%", "3 ms", "1 min"):
        assert word in text


def test_each_node_is_shown_with_the_sums_of_its_workers_and_who_takes_no_viewers() -> None:
    console = Console(width=140, record=True, file=io.StringIO())
    beats = [
        BEAT,
        replace(BEAT, worker="w2", cpu=0.5, lag_ms=70.0, full=True),
        replace(BEAT, node="node-b", worker="w3", draining=True),
    ]
    console.print(view(beats))
    lines = [line.split() for line in console.export_text().splitlines()]
    assert ["node-a", "2", "75%", "70", "ms", "2", "24", "80"] in lines
    assert ["node-b", "1", "25%", "3", "ms", "1", "12", "40"] in lines
    states = {line[1]: line[2] for line in lines if len(line) > 2 and line[1].endswith(":8080")}
    assert states == {"w1:8080": "open", "w2:8080": "full", "w3:8080": "drains"}
