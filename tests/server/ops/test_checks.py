"""The rules of `linli doctor` about the machine, Redis, PostgreSQL and the nodes."""

from dataclasses import replace
from pathlib import Path

import pytest
from redis.asyncio import Redis
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from commerce.io.record.engine import close_engine, open_engine
from media.io.webrtc.udp import BUFFER_BYTES
from server.ops.checks import (
    CLOCK_OFF_S_MAX,
    CheckResult,
    address_result,
    buffer_result,
    clock_result,
    kernel_results,
    memory_results,
    node_results,
    record_clock,
    redis_results,
    running_results,
    version_result,
)
from server.ops.heartbeat import Beat, Heartbeats, this_version
from tests.support.serving import serving
from tests.support.waiting import free_port

SOUND = {"maxmemory_policy": "noeviction", "maxmemory": 0, "used_memory": 1 << 20, "aof_enabled": 1}
ROOM = {"maxmemory": 100 << 20}


def beat(node: str, version: str) -> Beat:
    """A worker's row."""
    return Beat(node, f"w-{node}", version, 1, 8_080, 0, 0.0, 0.0, 0, 0, {})


@pytest.mark.parametrize(
    ("urls", "silent", "wrong"),
    [
        ({"a": "http://10.0.0.1:8080", "b": "http://10.0.0.2:8080"}, [], ""),
        ({"a": "http://10.0.0.1:8080", "b": "http://127.0.0.1:8080"}, [], "b at http://127.0.0.1"),
        ({"a": "http://10.0.0.1:8080", "b": "http://[::1]:8080"}, [], "b at http://[::1]"),
        ({"a": "http://10.0.0.1:8080", "b": "http://10.0.0.2:8080"}, ["a"], "a at http://10.0.0.1"),
    ],
)
def test_node_that_others_do_not_reach_is_found(
    urls: dict[str, str], silent: list[str], wrong: str
) -> None:
    found = address_result(urls, silent)
    assert found.ok == (not wrong)
    assert wrong in found.advice


async def test_nodes_are_asked_where_they_say_unless_there_is_one() -> None:
    async def healthz(request: Request) -> Response:
        return Response("ok")

    gone = replace(beat("b", "1"), url=f"http://127.0.0.2:{free_port()}")
    assert await node_results([gone]) == []
    async with serving(Starlette(routes=[Route("/healthz", healthz)])) as url:
        [found] = await node_results([replace(beat("a", "1"), url=url), gone])
    assert not found.ok and gone.url in found.advice


def test_a_small_udp_buffer_is_found_with_its_kernel_setting() -> None:
    found = buffer_result("receives", "net.core.rmem_max", 212_992)
    assert not found.ok
    assert f"net.core.rmem_max={BUFFER_BYTES}" in found.advice
    assert buffer_result("receives", "net.core.rmem_max", BUFFER_BYTES).advice == ""


@pytest.mark.parametrize(
    ("offset_s", "round_trip_s", "said"),
    [
        (0.0, 0.0, ""),
        (CLOCK_OFF_S_MAX, 0.0, ""),
        (2.0, 4.0, ""),
        (2.0, 0.1, "2.0 s behind"),
        (-7.0, 0.1, "7.0 s ahead of"),
    ],
)
def test_a_clock_that_is_off_by_more_than_can_be_seen_is_found(
    offset_s: float, round_trip_s: float, said: str
) -> None:
    found = clock_result("Redis", offset_s, round_trip_s)
    assert found.ok == (not said)
    assert said in found.advice


@pytest.mark.parametrize(
    ("info", "wrong"),
    [
        ({}, []),
        ({"maxmemory_policy": "allkeys-lru"}, ["redis evicts nothing"]),
        ({"aof_enabled": 0}, ["redis keeps an append-only file"]),
        (ROOM | {"used_memory": 79 << 20}, []),
        (ROOM | {"used_memory": 81 << 20}, ["redis has memory left"]),
    ],
)
def test_a_redis_that_loses_what_it_was_given_is_found(
    info: dict[str, object], wrong: list[str]
) -> None:
    found = memory_results(SOUND | info)
    assert [each.name for each in found if not each.ok] == wrong
    assert [each.name for each in found if each.advice] == wrong


def test_nodes_of_different_versions_are_named() -> None:
    assert version_result([], "2").ok
    assert version_result([beat("a", "2"), beat("b", "2")], "2").ok
    found = version_result([beat("a", "1"), beat("b", "2")], "2")
    assert not found.ok
    assert "1: a; 2: b, this command" in found.advice


def test_the_kernel_is_asked() -> None:
    found = kernel_results()
    assert len(found) == 4
    assert all(each.ok or each.advice for each in found)


async def test_a_redis_of_tests_has_our_clock_and_no_file(redis_url: str) -> None:
    async with Redis.from_url(redis_url) as redis:
        await Heartbeats(redis).write(beat("a", this_version()))
        found = {each.name: each for each in await redis_results(redis)}
        assert found["clock agrees with Redis"].ok
        assert found["workers are of one version"].ok
        assert not found["redis keeps an append-only file"].ok
        await Heartbeats(redis).write(beat("b", "of yesterday"))
        [*_, versions] = await redis_results(redis)
        assert "of yesterday: b" in versions.advice


async def test_the_records_clock_is_compared_where_it_has_one(database_url: str) -> None:
    engine = open_engine(database_url)
    try:
        found = await record_clock(engine)
    finally:
        await close_engine(engine)
    has_one = database_url.startswith("postgresql")
    assert found == ([CheckResult("clock agrees with PostgreSQL", True)] if has_one else [])


async def test_nothing_is_said_of_a_server_that_does_not_run(tmp_path: Path) -> None:
    assert await running_results(f"unix://{tmp_path}/none.sock") == []
