"""Several processes play one run, and one that dies makes it invalid."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator

import pytest

from loadtest.report.result import Verdict
from loadtest.runner import run as run_module
from loadtest.runner.link import Link, LinkBroken
from loadtest.runner.run import Request, Run
from loadtest.runner.worker import work
from loadtest.scenario.reading import read_scenario
from tests.support.small_target import small_target
from tests.support.waiting import wait_until

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
