"""Several processes play one run, and one that dies makes it invalid."""

import asyncio
import contextlib
import dataclasses
import socket
from collections.abc import AsyncIterator

import pytest

from loadtest.report.result import Verdict
from loadtest.runner import run as run_module
from loadtest.runner import share as share_module
from loadtest.runner.agents import (
    AgentsMissing,
    WrongSecret,
    check_secret,
    joined_agents,
    parse_endpoint,
    serve_agent,
)
from loadtest.runner.link import Link, LinkBroken
from loadtest.runner.run import Request, Run
from loadtest.runner.worker import work
from loadtest.scenario.reading import read_scenario
from tests.support.small_target import small_target
from tests.support.waiting import free_port, wait_until

SCENARIO = """
title = {{ en = "Shared", zh = "分" }}
thresholds = ["room.gaps == 0"]
[[profiles]]
kind = "buyer"
weight = 1
orders = 0
[[stages]]
seconds = 0.1
viewers = 9
[[stages]]
seconds = {seconds}
[[host]]
at_s = 0.2
do = "flash"
within_s = 0.05
"""


def request(url: str, seconds: float) -> Request:
    scenario = read_scenario(SCENARIO.format(seconds=seconds), "s")
    return Request(scenario, "s", url, "loadtest", workers=3, stock_settle_s=0.0)


class Workers:
    """Workers in this process, at the other end of socket pairs."""

    def __init__(self) -> None:
        self.tasks: list[asyncio.Task[None]] = []
        self.links: list[Link] = []

    @contextlib.asynccontextmanager
    async def open(self) -> AsyncIterator[Link]:
        ours, theirs = socket.socketpair()
        link = Link(*await asyncio.open_connection(sock=ours))
        other = Link(*await asyncio.open_connection(sock=theirs))
        task = asyncio.create_task(self._work(other))
        self.tasks.append(task)
        self.links.append(other)
        try:
            yield link
        finally:
            link.close()
            await asyncio.gather(task, return_exceptions=True)

    async def _work(self, link: Link) -> None:
        try:
            with contextlib.suppress(LinkBroken):
                await work(link)
        finally:
            link.close()


@pytest.fixture
def workers(monkeypatch: pytest.MonkeyPatch) -> Workers:
    found = Workers()
    monkeypatch.setattr(run_module, "worker_process", found.open)
    return found


async def test_shares_add_up_to_the_whole_run(workers: Workers) -> None:
    async with small_target() as (target, _):
        result = await Run(request(target.url, 0.4)).play()
    assert len(workers.tasks) == 2
    assert result.measures["viewers.joined"] == 9
    assert result.measures["orders.confirmed"] == 9
    assert result.measures["join.count"] == 9
    assert result.measures["orders.counter_difference"] == 0
    assert result.measures["host.failed"] == 0


async def test_a_process_that_dies_makes_the_run_invalid(workers: Workers) -> None:
    async with small_target() as (target, _):
        run = Run(request(target.url, 3600))
        playing = asyncio.create_task(run.play())
        await wait_until(lambda: len(target.members) == 9)
        workers.links[0].close()
        await wait_until(lambda: workers.tasks[0].done())
        run.interrupt()
        result = await playing
    assert result.verdict is Verdict.INVALID
    assert "1 of the tester's 3 processes died" in result.objections


SECRET = "a secret of the agents"


async def test_agents_join_over_a_port_and_play_their_share() -> None:
    port = free_port()
    async with small_target() as (target, _):
        wanted = dataclasses.replace(
            request(target.url, 0.4),
            workers=1,
            agents=2,
            listen=f"127.0.0.1:{port}",
            secret=SECRET,
        )
        agents = [asyncio.create_task(serve_agent("127.0.0.1", port, SECRET)) for _ in range(2)]
        result = await Run(wanted).play()
        await asyncio.gather(*agents)
    assert result.measures["viewers.joined"] == 9
    assert result.measures["orders.confirmed"] == 9
    assert result.workers == 3
    assert result.notes[0].startswith("The agents' clocks are known to ±")


async def test_a_stranger_without_the_secret_is_turned_away() -> None:
    port = free_port()

    async def coordinate() -> None:
        async with joined_agents(1, "127.0.0.1", port, SECRET):
            raise AssertionError("a stranger was let in")

    coordinating = asyncio.create_task(coordinate())
    with pytest.raises(WrongSecret, match="turned us away"):
        await serve_agent("127.0.0.1", port, "another secret")
    assert not coordinating.done()
    coordinating.cancel()
    await asyncio.gather(coordinating, return_exceptions=True)


async def test_agents_that_do_not_come_are_missed() -> None:
    with pytest.raises(AgentsMissing, match="0 of 1 agents came within 0 s"):
        async with joined_agents(1, "127.0.0.1", free_port(), SECRET, timeout_s=0.0):
            pass


async def test_a_run_that_is_interrupted_while_it_waits_for_agents_ends_at_once() -> None:
    async with small_target() as (target, _):
        listen = f"127.0.0.1:{free_port()}"
        wanted = dataclasses.replace(
            request(target.url, 0.4), agents=2, listen=listen, secret=SECRET
        )
        run = Run(wanted)
        playing = asyncio.create_task(run.play())
        await wait_until(lambda: run.progress.phase == "waiting for 2 agents")
        run.interrupt()
        with pytest.raises(AgentsMissing, match="0 of 2 agents came before the run was interr"):
            await playing
        assert target.guests == 0


async def test_a_false_coordinator_gets_no_agent() -> None:
    async def pretend(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        link = Link(reader, writer)
        link.send("challenge", nonce="n")
        await link.receive()
        link.send("welcome", proof="none")
        link.close()

    server = await asyncio.start_server(pretend, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        with pytest.raises(WrongSecret, match="coordinator does not know"):
            await serve_agent("127.0.0.1", port, SECRET)


async def test_an_agents_clock_is_known_within_half_a_round_trip() -> None:
    port = free_port()
    agent = asyncio.create_task(serve_agent("127.0.0.1", port, SECRET))
    async with joined_agents(1, "127.0.0.1", port, SECRET) as (joined,):
        # Both read the same clock here.
        assert abs(joined.offset_ns) <= joined.uncertainty_ns
    await agent


def test_an_endpoint_is_host_and_port() -> None:
    assert parse_endpoint("[::1]:80") == ("::1", 80)
    for text in ("a", ":80", "a:b", "a:70000"):
        with pytest.raises(AgentsMissing, match="HOST:PORT"):
            parse_endpoint(text)


def test_a_short_secret_is_none() -> None:
    with pytest.raises(WrongSecret, match="at least 16 characters"):
        check_secret("short")


async def test_what_is_no_message_breaks_the_link() -> None:
    for data in (b"\xff\xff\xff\xff", b"\0\0\0\1x", b"\0\0\0\2[]", b"\0\0\0\2{}", b"\0"):
        reader = asyncio.StreamReader()
        reader.feed_data(data)
        reader.feed_eof()
        ours, theirs = socket.socketpair()
        _, writer = await asyncio.open_connection(sock=ours)
        with pytest.raises(LinkBroken):
            await Link(reader, writer).receive()
        writer.close()
        theirs.close()


@pytest.mark.soak
async def test_each_second_of_a_share_is_cut_once_however_early_a_timer_ends(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with small_target() as (target, _):
        run = Run(dataclasses.replace(request(target.url, 1.0), workers=1))
        monkeypatch.setattr(share_module.Share, "_until", lambda self, at_s: until(self, at_s))

        def until(share: share_module.Share, at_s: float) -> float:
            """A moment too short, as with a timer of whole milliseconds."""
            left_s = share._start_s + at_s - asyncio.get_running_loop().time()
            return max(0.0, left_s - 0.01)

        result = await run.play()
    assert max(second.population for second in result.seconds) <= 9
