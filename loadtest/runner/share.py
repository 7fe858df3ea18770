"""One process's share of a run: its viewers from their arrival to the audit.

`Share.prepare`, then `play`, then `tidy`; setting `stopped` ends `play` early but in order, the
audit included.
"""

import asyncio
import contextlib
import dataclasses
import gc
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Coroutine
from dataclasses import dataclass
from typing import Any

from loadtest.errors import first_of
from loadtest.measure.recorder import Interval, Recorder
from loadtest.measure.run_queue import RunQueue
from loadtest.measure.self_check import SelfCheck, SelfWatch
from loadtest.runner.audit import Books, cancel_orders, read_books
from loadtest.runner.decoding import Decoder
from loadtest.runner.host import Host
from loadtest.runner.media import Cinema
from loadtest.runner.orders import Account, Till
from loadtest.runner.profiles import NEEDS_ACCOUNT, Buyer, Chatter, Flapper, Inviter, SlowReader
from loadtest.runner.replays import Replays
from loadtest.runner.room import ENDING_TIMEOUT_S, PinDue, Room
from loadtest.runner.target import Address, Found
from loadtest.runner.viewer import Viewer
from loadtest.scenario.model import HostDoes, Scenario, ViewerKind
from loadtest.scenario.plan import Arrival, Plan, make_plan

# What was sent as the run ends is given this long to arrive.
DRAIN_S_MIN, DRAIN_S = 0.25, 10.0
MEDIA_LEAVE_S = 10.0
LOOK_S = 0.1
# Numbers of the neighbours whom inviters bring, beyond those of all viewers.
NEIGHBOUR = 1_000_000


@dataclass(frozen=True, slots=True)
class Setup:
    """All that a process needs to know to play its share."""

    scenario: Scenario
    url: str
    room: str
    found: Found
    tag: str
    factor: float = 1.0
    seed: int | None = None
    worker: int = 0
    workers: int = 1
    host_token: str = ""
    # Of another server, see `run.Request`.
    whep: str = ""
    whip: str = ""
    # Addresses of its machine from which viewers come.
    sources: tuple[str, ...] = ()
    # Of the server, if it was started for this run.
    server_pid: int = 0
    # What is added to this machine's monotonic clock to have the coordinator's.
    clock_offset_ns: int = 0

    def plan(self) -> Plan:
        """Return the plan of the whole run."""
        return make_plan(self.scenario, self.factor, self.seed)

    def decoding_viewers(self) -> Counter[ViewerKind]:
        """Return how many viewers decode: all with the host's process, whose clock they read."""
        found: Counter[ViewerKind] = Counter()
        for profile in self.scenario.profiles if self.worker == 0 else ():
            found[profile.kind] += profile.decode
        return found

    def encode(self) -> dict[str, Any]:
        """Return it for JSON."""
        members = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        scenario = self.scenario.model_dump(mode="json", exclude_unset=True)
        return members | {"scenario": scenario, "found": dataclasses.asdict(self.found)}

    @classmethod
    def decode(cls, data: dict[str, Any]) -> "Setup":
        """Return what `encode` was given."""
        found = data["found"]
        return cls(
            **data
            | {
                "scenario": Scenario.model_validate(data["scenario"]),
                "sources": tuple(data["sources"]),
                "found": Found(
                    **found | {name: tuple(found[name]) for name in ("estates", "products")}
                ),
            }
        )


@dataclass(frozen=True, slots=True)
class ShareEnd:
    """What is known when a share is over."""

    books: Books
    check: SelfCheck
    deaths: int = 0

    @classmethod
    def died(cls) -> "ShareEnd":
        """Return what is known of a process that has died."""
        return cls(Books(), SelfCheck(), 1)

    def add(self, other: "ShareEnd") -> "ShareEnd":
        """Return both together."""
        books = Books()
        books.add(self.books)
        books.add(other.books)
        return ShareEnd(books, self.check.worse(other.check), self.deaths + other.deaths)

    def encode(self) -> dict[str, Any]:
        """Return it for JSON."""
        check = dataclasses.asdict(self.check)
        return {"books": self.books.encode(), "check": check, "deaths": self.deaths}

    @classmethod
    def decode(cls, data: dict[str, Any]) -> "ShareEnd":
        """Return what `encode` was given."""
        return cls(Books.decode(data["books"]), SelfCheck(**data["check"]), data["deaths"])


class Share:
    """The share of one process."""

    def __init__(self, setup: Setup, on_interval: Callable[[Interval], None]) -> None:
        self.setup = setup
        self.plan = setup.plan()
        self.recorder = Recorder()
        self.watch = SelfWatch()
        self._on_interval = on_interval
        address = Address.parse(setup.url, setup.sources)
        decoder = Decoder(setup.tag, setup.clock_offset_ns)
        self._room = Room(address, setup.room, decoder, self.recorder, self.watch)
        self._till = Till(address, setup.room, self.recorder)
        ends = any(step.do is HostDoes.END for step in setup.scenario.host)
        self._cinema = Cinema(
            address,
            setup.room,
            self.recorder,
            ends=ends,
            decode=setup.decoding_viewers(),
            whep=setup.whep,
            on_os_error=self.watch.on_os_error,
        )
        self._replays = Replays(address, setup.room, self.recorder)
        self._host = Host(
            address,
            setup.room,
            setup.host_token,
            self.recorder,
            setup.whip,
            on_late=lambda late_s: self.watch.stalls.note(late_s, time.monotonic()),
        )
        self._arrivals = self.plan.share(setup.worker, setup.workers)
        self._accounts: dict[int, Account] = {}
        self._viewers: dict[int, Viewer] = {}
        self._media: list[asyncio.Task[None]] = []
        self._start_s = 0.0
        self._own_errors = 0
        self._cut_s = 0.0
        self._server = RunQueue(setup.server_pid) if setup.server_pid else None
        self.stopped = asyncio.Event()
        self.target_gone = False
        self._is_tidy = False

    async def prepare(self) -> None:
        """Make the guests' accounts and the host's process, unless the run is stopped meanwhile.

        Raises:
            LoadError: The target refuses them.
        """
        opening = asyncio.create_task(self._open())
        ending = asyncio.create_task(self.stopped.wait())
        await asyncio.wait([opening, ending], return_when=asyncio.FIRST_COMPLETED)
        ending.cancel()
        if not opening.done():
            opening.cancel()
            await asyncio.gather(opening, return_exceptions=True)
            return
        try:
            opening.result()
        except ExceptionGroup as group:
            raise (first_of(group) or group) from None
        # What is there now stays: the collector need not look at it during the run.
        gc.freeze()

    async def _open(self) -> None:
        numbers = [
            viewer.number for viewer in self._arrivals if self._kind(viewer) in NEEDS_ACCOUNT
        ]
        inviters = [one.number for one in self._arrivals if self._kind(one) is ViewerKind.INVITER]
        # A neighbour lives in the inviter's estate: its number differs by a multiple of theirs.
        beyond = NEIGHBOUR * len(self.setup.found.estates)
        numbers += [number + beyond for number in inviters]
        if self.setup.worker == 0:
            await self._host.prepare(self.setup.scenario.host)
        self._accounts = await self._till.open_accounts(numbers, self.setup.found.estates)

    def stop(self, *, target_gone: bool) -> None:
        """End the share early, in order; of a target that is gone nothing more is asked."""
        self.target_gone = self.target_gone or target_gone
        self.stopped.set()

    async def play(self, start_ns: int) -> ShareEnd:
        """Play from `start_ns` of the monotonic clock to the end of the plan, then audit."""
        self._start_s = start_ns / 1e9
        self._cut_s = time.monotonic()
        self._room.pins = self._pins(start_ns)
        async with self._cinema, self.watch.running(), self._counted():
            try:
                async with asyncio.TaskGroup() as tasks:
                    ready = not self.stopped.is_set()
                    jobs = [tasks.create_task(job) for job in self._jobs(start_ns) if ready]
                    ending = asyncio.create_task(self.stopped.wait())
                    await asyncio.wait([ending], timeout=self._until(self.plan.duration_s))
                    for job in [*jobs, ending]:
                        job.cancel()
                return await self._end()
            finally:
                await self._leave()

    async def tidy(self, target_gone: bool = False) -> int:
        """Take away what the run made; return how many orders stay behind."""
        if self._is_tidy:
            return 0
        self._is_tidy = True
        gc.unfreeze()
        await self._host.tidy(target_gone=target_gone)
        left = 0 if target_gone else await cancel_orders(self._till)
        await self._till.close()
        return left

    def _jobs(self, start_ns: int) -> list[Any]:
        jobs: list[Any] = [self._arrive_all(), self._storms(), self._flashes()]
        if self.setup.worker == 0 and self.setup.scenario.host:
            products = self.setup.found.products
            jobs.append(self._host.play(self.setup.scenario.host, products, start_ns))
        return jobs

    def _until(self, at_s: float) -> float:
        return max(0.0, self._start_s + at_s - asyncio.get_running_loop().time())

    def _kind(self, arrival: Arrival) -> ViewerKind:
        return self.setup.scenario.profiles[arrival.profile].kind

    async def _arrive_all(self) -> None:
        for arrival in self._arrivals:
            if wait_s := self._until(arrival.at_s):
                await asyncio.sleep(wait_s)
            self._arrive(arrival, int((self._start_s + arrival.at_s) * 1e9))

    def _arrive(self, arrival: Arrival, due_ns: int) -> None:
        leave_s = self.plan.duration_s if arrival.leave_s is None else arrival.leave_s
        kind, until_s = self._kind(arrival), self._start_s + leave_s
        if watching := self._watching(kind, arrival.number, due_ns, until_s):
            self._media = [task for task in self._media if not task.done()]
            self._media.append(asyncio.create_task(watching))
            return
        viewer = self._viewer(arrival)
        self._viewers[arrival.number] = viewer
        viewer.arrive(due_ns)
        if arrival.leave_s is not None:
            asyncio.get_running_loop().call_later(
                self._until(leave_s), self._leaves, arrival.number
            )

    def _watching(
        self, kind: ViewerKind, number: int, due_ns: int, until_s: float
    ) -> Coroutine[Any, Any, None] | None:
        """Return the whole visit of somebody who watches and does nothing else."""
        match kind:
            case ViewerKind.WEBRTC:
                return self._cinema.watch(due_ns, until_s)
            case ViewerKind.HLS:
                return self._cinema.watch_hls(number, due_ns, until_s)
            case ViewerKind.REPLAY:
                return self._replays.watch(number, due_ns, until_s, self._cinema.over)
        return None

    def _viewer(self, arrival: Arrival) -> Viewer:
        profile = self.setup.scenario.profiles[arrival.profile]
        room, number, seed = self._room, arrival.number, arrival.seed
        account = self._accounts.get(number)
        match profile.kind:
            case ViewerKind.CHATTER:
                assert account
                return Chatter(room, number, seed, profile, account.token)
            case ViewerKind.BUYER:
                assert account
                return Buyer(room, number, seed, profile, self._till, account)
            case ViewerKind.INVITER:
                assert account
                beyond = NEIGHBOUR * len(self.setup.found.estates)
                neighbour = self._accounts[number + beyond]
                return Inviter(room, number, seed, profile, self._till, account, neighbour)
            case ViewerKind.SLOW_READER:
                return SlowReader(room, number, seed, profile, "")
            case ViewerKind.FLAPPER:
                return Flapper(room, number, seed, profile, "")
        return Viewer(room, number, seed)

    def _leaves(self, number: int) -> None:
        if viewer := self._viewers.pop(number, None):
            viewer.leave()

    async def _storms(self) -> None:
        for at_s, within_s in self.plan.reconnects:
            await asyncio.sleep(self._until(at_s))
            for viewer in self._viewers.values():
                viewer.reconnect(viewer.rng.uniform(0.0, within_s))

    async def _flashes(self) -> None:
        for pin in self._room.pins:
            if pin.flash_s is not None:
                await asyncio.sleep(self._until(pin.due_ns / 1e9 - self._start_s))
                for viewer in self._viewers.values():
                    if isinstance(viewer, Buyer):
                        viewer.flash(pin)

    def _pins(self, start_ns: int) -> tuple[PinDue, ...]:
        products = self.setup.found.products
        found: list[PinDue] = []
        for step in sorted(self.setup.scenario.host, key=lambda step: step.at_s):
            if step.do in (HostDoes.PIN, HostDoes.FLASH) and step.product <= len(products):
                flash_s = step.within_s if step.do is HostDoes.FLASH else None
                due_ns = start_ns + int(step.at_s * 1e9)
                found.append(PinDue(len(found), products[step.product - 1], due_ns, flash_s))
        return tuple(found)

    @contextlib.asynccontextmanager
    async def _counted(self) -> AsyncIterator[None]:
        """Hand out what was measured once a second, and the rest at the end."""
        counting = asyncio.create_task(self._count())
        try:
            yield
        finally:
            counting.cancel()
            await asyncio.gather(counting, return_exceptions=True)
            self._cut()

    async def _count(self) -> None:
        second = 0
        while True:
            # A timer may end a moment early: each second is cut once all the same.
            second = max(second, int(asyncio.get_running_loop().time() - self._start_s)) + 1
            await asyncio.sleep(self._until(second))
            self._cut(second - 1)

    def _cut(self, second: int | None = None) -> None:
        if second is None:
            second = int(asyncio.get_running_loop().time() - self._start_s)
        self._cinema.count()
        self.recorder.counts["tester.errors"] = self.watch.own_errors - self._own_errors
        self._own_errors = self.watch.own_errors
        since_s, self._cut_s = self._cut_s, time.monotonic()
        if self._server:
            self.watch.stalls.note(self._server.waited_s(), self._cut_s)
        stall_s = self.watch.stalls.longest_s(since_s, self._cut_s)
        self._on_interval(self.recorder.cut(max(0, second), stall_s))

    async def _end(self) -> ShareEnd:
        check = self.watch.result()
        self.recorder.counts["room.behind"] += await self._caught_up()
        await self._leave()
        await self._room.settle(0.0 if self.target_gone else ENDING_TIMEOUT_S)
        if self.target_gone:
            return ShareEnd(Books(), check)
        return ShareEnd(await read_books(self._till, self.recorder), check)

    async def _caught_up(self) -> int:
        """Wait until all are in and where the foremost is now; return who is behind after that."""
        here = [viewer for viewer in self._viewers.values() if viewer.is_in]
        here = [viewer for viewer in here if viewer.times_delivery]
        foremost: dict[str | None, int] = {}
        for viewer in here:
            epoch = viewer.position.epoch
            foremost[epoch] = max(foremost.get(epoch, 0), viewer.position.offset)
        deadline = time.monotonic() + DRAIN_S
        await asyncio.sleep(DRAIN_S_MIN)
        while True:
            behind = sum(
                viewer.position.offset < foremost.get(viewer.position.epoch, 0)
                for viewer in here
                if viewer.is_in
            )
            if self.target_gone:
                return 0
            coming = any(not viewer.joined for viewer in self._viewers.values())
            if not (behind or coming) or time.monotonic() > deadline:
                return behind
            await asyncio.sleep(LOOK_S)

    async def _leave(self) -> None:
        for number in list(self._viewers):
            self._leaves(number)
        self._cinema.over.set()
        if self._media:
            await asyncio.wait(self._media, timeout=MEDIA_LEAVE_S)
        for task in self._media:
            task.cancel()
        await asyncio.gather(*self._media, return_exceptions=True)
        self._media.clear()
