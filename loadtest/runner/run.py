"""A whole run: what the target has, the shares that play, and the result.

The coordinator adds up what the shares measure, watches that the target lives, and judges.
"""

import asyncio
import contextlib
import dataclasses
import datetime
import functools
import secrets
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass

from loadtest.clients.http import PlainHttp
from loadtest.errors import LoadError, RequestRefused
from loadtest.measure.stats import Machine
from loadtest.report.progress import Progress
from loadtest.report.result import (
    Health,
    Result,
    Span,
    curves_of,
    verdict_of,
)
from loadtest.runner.agents import Agent, check_secret, joined_agents, parse_endpoint
from loadtest.runner.audit import Books
from loadtest.runner.consent import check_consent
from loadtest.runner.remote import RemoteShare, worker_process
from loadtest.runner.share import Setup, Share, ShareEnd
from loadtest.runner.target import Address, Found, check_sources, look
from loadtest.scenario.model import Scenario
from loadtest.scenario.thresholds import Threshold

START_S = 0.05
TARGET_LOOK_S = 2.0
TARGET_GONE_S = 15.0
STOCK_SETTLE_S = 5.0
OTHERS_CORES_NOTED = 0.1
CLOCK_UNCERTAINTY_MS_MAX = 20.0


@dataclass(frozen=True, slots=True)
class Request:
    """What the operator asks for."""

    scenario: Scenario
    name: str
    url: str
    room: str
    host_token: str = ""
    loadtest_token: str = ""
    factor: float = 1.0
    seed: int | None = None
    workers: int = 1
    agents: int = 0
    listen: str = ""
    secret: str = ""
    notes: tuple[str, ...] = ()
    # Of a shop that was made for the run; by default all that the room lists.
    goods: tuple[str, ...] = ()
    # Addresses of another server's WHEP and WHIP: then media is all there is.
    whep: str = ""
    whip: str = ""
    # Addresses of this machine from which viewers come.
    sources: tuple[str, ...] = ()
    # Of the server, if it was started for this run.
    server_pid: int = 0
    target_gone_s: float = TARGET_GONE_S
    stock_settle_s: float = STOCK_SETTLE_S


class Run:
    """One run. `progress` may be looked at meanwhile; `stop` ends it in order."""

    def __init__(self, request: Request) -> None:
        self.request = request
        self._setup = Setup(
            request.scenario,
            request.url,
            request.room,
            Found((), (), {}),
            secrets.token_hex(3),
            request.factor,
            request.seed,
            host_token=request.host_token,
            whep=request.whep,
            whip=request.whip,
            sources=request.sources,
            server_pid=request.server_pid,
        )
        thresholds = tuple(Threshold.parse(text) for text in request.scenario.thresholds)
        title = request.scenario.title.model_dump()
        self.progress = Progress(title, request.url, self._setup.plan(), thresholds)
        self.interrupted = False
        self._stopped = asyncio.Event()
        self._shares: list[Share | RemoteShare] = []
        self._notes: list[str] = []
        self._objections: list[str] = []

    def interrupt(self) -> None:
        """The operator ends the run."""
        self.interrupted = True
        self.stop(f"interrupted after {self.progress.played_s:.0f} s")

    def stop(self, why: str) -> None:
        """End the run early; the result says why."""
        self.progress.why_ended = self.progress.why_ended or why
        self._stopped.set()
        for share in self._shares:
            share.stop(target_gone=self.progress.target_gone)

    async def play(self) -> Result:
        """Play the whole scenario.

        Raises:
            LoadError: It could not begin.
            ExceptionGroup: The same, of one or more processes.
        """
        check_sources(self.request.sources)
        address = Address.parse(self.request.url, self.request.sources)
        http = address.http()
        try:
            await check_consent(address, http, self.request.loadtest_token)
            before = await self._found(http)
            started_at = datetime.datetime.now(datetime.UTC)
            setup = dataclasses.replace(self._setup, found=before)
            async with self._open_shares(setup):
                try:
                    async with self._watching(http):
                        end = await self._play_shares()
                    await self._judge_books(http, before, end.books)
                finally:
                    gone = self.progress.target_gone
                    tidied = await asyncio.gather(*(share.tidy(gone) for share in self._shares))
        finally:
            await http.close()
        return self._result(end, sum(tidied), started_at)

    async def _found(self, http: PlainHttp) -> Found:
        """Return what there is in the room: of another server's video, nothing to buy."""
        if self.request.whep:
            await http.connectable()
            return Found((), (), {})
        before = await look(http, self.request.room)
        if not before.estates or not before.products:
            raise RequestRefused(404, f"room {self.request.room!r} has no estates or no goods")
        return before.only(self.request.goods) if self.request.goods else before

    @contextlib.asynccontextmanager
    async def _open_shares(self, setup: Setup) -> AsyncIterator[None]:
        """Play one share here, the others in processes of their own and on other machines."""
        request, workers = self.request, self.request.workers + self.request.agents
        async with contextlib.AsyncExitStack() as stack:
            agents: list[Agent] = []
            if request.agents:
                self.progress.phase = f"waiting for {request.agents} agents"
                check_secret(request.secret)
                joining = joined_agents(
                    request.agents,
                    *parse_endpoint(request.listen),
                    request.secret,
                    stopped=self._stopped,
                )
                agents = await stack.enter_async_context(joining)
                self._note_clocks(agents)
            self._shares.append(
                Share(dataclasses.replace(setup, workers=workers), self.progress.add)
            )
            links = [(agent.link, agent.offset_ns) for agent in agents]
            links += [
                (await stack.enter_async_context(worker_process()), 0)
                for _ in range(1, request.workers)
            ]
            for number, (link, offset_ns) in enumerate(links, 1):
                theirs = dataclasses.replace(
                    setup,
                    worker=number,
                    workers=workers,
                    host_token="",
                    server_pid=0,
                    clock_offset_ns=offset_ns,
                )
                self._shares.append(RemoteShare(theirs, link, self.progress.add))
            yield

    def _note_clocks(self, agents: list[Agent]) -> None:
        """Say how well the agents' clocks are known; object if that is not well enough."""
        worst_ms = max(agent.uncertainty_ns for agent in agents) / 1e6
        self._notes.append(f"The agents' clocks are known to ±{worst_ms:.2f} ms.")
        if worst_ms > CLOCK_UNCERTAINTY_MS_MAX:
            self._objections.append(f"an agent's clock is known to ±{worst_ms:.0f} ms only")

    async def _play_shares(self) -> ShareEnd:
        if self.progress.why_ended:
            self.stop(self.progress.why_ended)
        async with asyncio.TaskGroup() as tasks:
            for share in self._shares:
                tasks.create_task(share.prepare())
        self.progress.start_ns = start_ns = time.monotonic_ns() + int(START_S * 1e9)
        self.progress.phase = "running"
        ends = await asyncio.gather(*(share.play(start_ns) for share in self._shares))
        return functools.reduce(ShareEnd.add, ends)

    @contextlib.asynccontextmanager
    async def _watching(self, http: PlainHttp) -> AsyncIterator[None]:
        task = asyncio.create_task(self._watch_target(http))
        try:
            yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def _watch_target(self, http: PlainHttp) -> None:
        """End the run when the target has not answered for a while."""
        answered = time.monotonic()
        look_s = min(TARGET_LOOK_S, self.request.target_gone_s / 3)
        while True:
            await asyncio.sleep(look_s)
            try:
                async with asyncio.timeout(self.request.target_gone_s):
                    if self.request.whep:
                        await http.connectable()
                    else:
                        await http.request("GET", f"/api/rooms/{self.request.room}")
                answered = time.monotonic()
            except (LoadError, TimeoutError):
                if time.monotonic() - answered > self.request.target_gone_s:
                    self.progress.target_gone = True
                    played_s = self.progress.played_s - self.request.target_gone_s
                    self.stop(f"the target stopped answering after about {max(0, played_s):.0f} s")
                    return

    async def _judge_books(self, http: PlainHttp, before: Found, books: Books) -> None:
        """Compare the orders with the stock, which may need a moment to settle."""
        if self.progress.target_gone or self.request.whep:
            return
        deadline = time.monotonic() + self.request.stock_settle_s
        while True:
            try:
                after = (await look(http, self.request.room)).left
            except LoadError as error:
                self.progress.total.errors[f"audit: {error}"] += 1
                self.stop("the stock could not be read after the run")
                return
            counts = books.judge(before, after)
            if not counts["orders.counter_difference"] or time.monotonic() > deadline:
                self.progress.total.counts.update(counts)
                return
            await asyncio.sleep(self.request.stock_settle_s / 10)

    def _result(self, end: ShareEnd, orders_left: int, started_at: datetime.datetime) -> Result:
        request, progress = self.request, self.progress
        seconds = progress.all_seconds()
        measures = progress.total.measured()
        judged = progress.judge(measures)
        objections = [progress.why_ended] if progress.why_ended else []
        objections += self._objections + end.check.objections()
        objections += [
            f"nothing was measured for {one.threshold}" for one in judged if one.holds is None
        ]
        objections += progress.doubts(measures)
        if end.deaths:
            objections.append(f"{end.deaths} of the tester's {len(self._shares)} processes died")
        if end.books.unread:
            objections.append(f"the orders of {end.books.unread} guests could not be read")
        return Result(
            scenario=request.name,
            title=request.scenario.title.model_dump(),
            target=request.whep or request.url,
            room=request.room,
            factor=request.factor,
            seed=request.scenario.seed if request.seed is None else request.seed,
            workers=len(self._shares),
            started_at=started_at.isoformat(timespec="seconds"),
            planned_s=progress.plan.duration_s,
            played_s=round(min(progress.played_s, progress.plan.duration_s), 1),
            stages=[Span(one.name, one.begin_s, one.end_s) for one in progress.plan.stages],
            verdict=verdict_of(judged, objections),
            thresholds=judged,
            objections=objections,
            notes=[*request.notes, *self._notes] + _notes(end, orders_left, progress),
            measures=measures,
            errors=dict(progress.total.errors.most_common()),
            curves=curves_of(progress.total),
            histograms={
                name: delays.encode().decode() for name, delays in progress.total.delays.items()
            },
            seconds=seconds,
            tester=Health(**dataclasses.asdict(end.check)),
            machine=dataclasses.asdict(Machine.this()),
        )


def _notes(end: ShareEnd, orders_left: int, progress: Progress) -> list[str]:
    notes = []
    if progress.stalled:
        notes.append(
            f"The tester was held up in {progress.stalled} s of the run, for up to "
            f"{progress.total.stall_s * 1e3:.0f} ms."
        )
    if end.check.others_cores > OTHERS_CORES_NOTED:
        notes.append(
            f"The tester used {end.check.cpu_share:.2f} cores of its machine, other programs "
            f"{end.check.others_cores:.2f}."
        )
    if orders_left:
        notes.append(f"{orders_left} orders of the run stay in the target's record.")
    return notes
