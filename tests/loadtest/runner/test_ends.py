"""How a run ends that cannot begin, or not go on: one clear line, and what it made taken away."""

import asyncio
import dataclasses
import hashlib

import pytest

from loadtest.clients.ice import is_way
from loadtest.errors import NoAnswer, RequestRefused
from loadtest.report.result import Verdict
from loadtest.runner.consent import NoConsent, check_consent
from loadtest.runner.run import Request, Run
from loadtest.runner.target import Address, BadTarget
from loadtest.scenario.reading import read_scenario
from tests.support.small_target import small_target
from tests.support.waiting import wait_until

SCENARIO = read_scenario(
    """
title = { en = "Long", zh = "长" }
thresholds = ["room.gaps == 0"]
[[profiles]]
kind = "buyer"
weight = 1
think_s = 0.05
[[stages]]
seconds = 1
viewers = 10
[[stages]]
seconds = 3600
[[host]]
at_s = 0
do = "pin"
""",
    "long",
)


def request(url: str, room: str = "loadtest") -> Request:
    """A run of an hour, of which the first moments are seen."""
    return Request(SCENARIO, "long", url, room, stock_settle_s=0.0)


async def test_an_unreachable_target_is_one_line() -> None:
    async with small_target() as (target, _):
        url = target.url
    with pytest.raises(NoAnswer, match=r"127.0.0.1:\d+ cannot be reached: connection refused"):
        await Run(request(url)).play()


async def test_a_target_without_the_room_is_one_line() -> None:
    async with small_target() as (target, _):
        with pytest.raises(RequestRefused, match="GET /api/rooms/other"):
            await Run(request(target.url, "other")).play()


@pytest.mark.parametrize("url", ["ftp://a", "127.0.0.1:80", "http://a/path", "http://a:b"])
def test_what_is_no_address_is_refused(url: str) -> None:
    with pytest.raises(BadTarget):
        Address.parse(url)


async def test_an_interrupted_run_reports_and_takes_away_what_it_made() -> None:
    async with small_target() as (target, _):
        run = Run(request(target.url))
        playing = asyncio.create_task(run.play())
        await wait_until(lambda: target.orders and target.pinned)
        run.interrupt()
        result = await playing
        assert result.verdict is Verdict.INVALID
        assert result.objections[0].startswith("interrupted after")
        assert result.measures["orders.confirmed"] >= 1
        assert target.pinned == {}
        await wait_until(lambda: not target.members)


async def test_a_target_that_dies_half_way_ends_the_run() -> None:
    async with small_target() as (target, server):
        run = Run(dataclasses.replace(request(target.url), target_gone_s=0.3))
        playing = asyncio.create_task(run.play())
        await wait_until(lambda: target.orders)
        target.die(server)
        result = await playing
        assert run.progress.target_gone
        assert result.verdict is Verdict.INVALID
        assert "the target stopped answering" in result.summary()


async def consent(address: Address, carried: str, token: str) -> None:
    async with small_target() as (target, _):
        target.consent = hashlib.sha256(carried.encode()).hexdigest() if carried else ""
        http = Address.parse(target.url).http()
        try:
            await check_consent(address, http, token)
        finally:
            await http.close()


ELSEWHERE = Address("http://shop.example", "shop.example", 80, None)


@pytest.mark.parametrize(
    ("carried", "token", "words"),
    [("", "", "is not this machine"), ("", "a", "answers 404"), ("b", "a", "another token")],
)
async def test_another_machine_without_the_token_is_refused(
    carried: str, token: str, words: str
) -> None:
    with pytest.raises(NoConsent, match=words):
        await consent(ELSEWHERE, carried, token)


async def test_a_machine_that_carries_the_token_may_be_tested() -> None:
    await consent(ELSEWHERE, "a", "a")


@pytest.mark.parametrize("url", ["http://127.0.0.1:1", "http://[::1]:1", "http://localhost:1"])
async def test_this_machine_needs_no_token(url: str) -> None:
    await consent(Address.parse(url), "", "")


def test_viewers_take_turns_with_the_addresses_of_their_machine() -> None:
    here = Address.parse("http://127.0.0.1:1")
    assert len({here.source(number) for number in range(10_000)}) == 100
    assert Address.parse("https://shop.example").source(5) is None
    two = Address.parse("https://shop.example", ("192.0.2.1", "192.0.2.2"))
    assert [two.source(number) for number in range(3)] == ["192.0.2.1", "192.0.2.2", "192.0.2.1"]


@pytest.mark.parametrize(
    ("source", "host", "leads"),
    [
        ("127.0.3.1", "127.0.0.1", True),
        ("127.0.3.1", "192.0.2.1", False),
        ("192.0.2.2", "192.0.2.1", True),
        ("192.0.2.2", "2001:db8::1", False),
        ("192.0.2.2", "shop.local", False),
    ],
)
def test_an_address_is_used_where_it_leads(source: str, host: str, leads: bool) -> None:
    assert is_way(source, host) == leads


@pytest.mark.parametrize("source", ["192.0.2.1", "shop", ""])
async def test_an_address_of_another_machine_is_one_line(source: str) -> None:
    run = Run(dataclasses.replace(request("http://127.0.0.1:1"), sources=("127.0.0.1", source)))
    with pytest.raises(BadTarget, match=f"'{source}' is no address of this machine"):
        await run.play()


async def test_a_close_code_of_the_server_is_in_the_report() -> None:
    async with small_target() as (target, _):
        run = Run(request(target.url))
        playing = asyncio.create_task(run.play())
        await wait_until(lambda: target.orders and len(target.members) > 3)
        closed = list(target.members)[:3]
        for member in closed:
            member.writer.write(b"\x88\x02" + (1012).to_bytes(2))
        await wait_until(lambda: run.progress.total.counts["room.lost"] >= 3)
        run.interrupt()
        result = await playing
    assert result.errors["close 1012"] == 3
    assert result.measures["room.lost"] == 3
