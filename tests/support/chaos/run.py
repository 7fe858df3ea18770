"""One run: two nodes, Valkey, PostgreSQL, an audience, a rush of orders, faults, the audit."""

import asyncio
import contextlib
import random
import secrets
import signal
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from pathlib import Path

from loadtest.measure.recorder import Recorder
from loadtest.scenario.model import Scenario
from loadtest.scenario.shop import shop_file
from media.emulator import Conditions
from server.access.policy import Principal, Role
from server.access.tokens import Access
from tests.support.chaos.audience import Audience, be_host
from tests.support.chaos.front import Balancer, Upstream
from tests.support.chaos.machines import NETWORK, Machine, link_between, run
from tests.support.chaos.nodes import PORT, Node
from tests.support.chaos.outages import aftermaths
from tests.support.chaos.rush import Rush
from tests.support.chaos.schedule import NODES, SPACING_S, Fault, Kind, draw, length_s
from tests.support.chaos.verdict import Outcome
from tests.support.postgres import USER, Postgres
from tests.support.valkey import Valkey
from tests.support.waiting import wait_until

ROOM = "chaos"
PASSWORD = "correct horse battery"
REDIS_PORT, POSTGRES_PORT = 6_379, 5_432
TOKEN_TTL_S = 3_600
BACK_TIMEOUT_S = 90.0  # a worker that is stopped while it starts is replaced after 60
PRODUCTS = 2  # of each seed's own
# Of the taps: the rush is to sell out at its end, so that overselling would show.
STOCK_SHARE = 0.8
AFTER_S = SPACING_S[0]  # of the rush, after the last fault
START_S = NODE_BACK_S = 400.0  # of a machine that is busy with something else


@dataclass(frozen=True, slots=True)
class Plan:
    """What an operator may choose."""

    seeds: tuple[int, ...] = (1,)
    faults: int = len(Kind)
    workers: int = 2
    videos: int = 3  # viewers of the video at each node
    rooms: int = 10  # viewers of the room alone at each node
    guests: int = 80
    taps_per_s: float = 8.0
    loss: float = 0.02
    delay_s: float = 0.01
    only: tuple[Kind, ...] = ()


Tell = Callable[[str], None]


@dataclass
class Chaos:
    """Everything that runs. `async with chaos(…)`, then `play` each seed."""

    plan: Plan
    folder: Path
    tell: Tell
    valkey: Valkey
    postgres: Postgres
    nodes: dict[str, Node]
    balancer: Balancer
    fronts: dict[str, str]
    token: str
    _restarts: list[asyncio.Task[None]] = field(default_factory=list)
    _before: dict[str, str] | None = None  # what the doctor found wrong before all faults

    async def play(self, seed: int) -> Outcome:
        """People come, the rush begins, the faults come, all is looked at."""
        rng, recorder = random.Random(seed), Recorder()
        schedule = draw(seed, faults=self.plan.faults, workers=self.plan.workers)
        if self.plan.only:
            schedule = tuple(fault for fault in schedule if fault.kind in self.plan.only)
        if self._before is None:
            self._before = await self._doctor()
        products = _products(self.plan.seeds.index(seed))
        rush = Rush(ROOM, self.fronts, recorder, rng, products)
        audience = Audience(ROOM, recorder, rng)
        host = asyncio.create_task(be_host(self.fronts[rng.choice(NODES)], ROOM, self.token, rng))
        try:
            await rush.open(self.plan.guests)
            async with audience.watching(self.fronts, self.plan.videos, self.plan.rooms):
                await wait_until(audience.everybody_is_in, what="everybody watching")
                audience.forget()
                self.tell("everybody is in; the rush begins")
                over = asyncio.Event()
                buying = asyncio.create_task(rush.run(self.plan.taps_per_s, over))
                injected = await self._inject(schedule)
                await asyncio.sleep(AFTER_S)
                over.set()
                await buying
                missing = await self._all_back(audience)
                outages = audience.outages()
            counts, unread = await rush.audit()
            after = await self._doctor()
        finally:
            host.cancel()
            await asyncio.gather(host, return_exceptions=True)
            await rush.close()
        found, unexplained = aftermaths(injected, outages)
        return Outcome(
            seed=seed,
            aftermaths=found,
            unexplained=unexplained,
            orders=Counter(recorder.counts) + counts,
            unread=unread,
            doctor=[
                f"{name}: {after[name]}" for name in sorted(after.keys() - self._before.keys())
            ],
            missing=missing,
            errors=recorder.errors,
        )

    async def _inject(self, schedule: tuple[Fault, ...]) -> list[tuple[float, Fault]]:
        """Let each fault come when it is due; return when it did, in monotonic seconds.

        While a node starts, those that would hit the other one wait, and those after them.
        """
        began = time.monotonic()
        injected = []
        for fault in schedule:
            await asyncio.sleep(max(0.0, began + fault.at_s - time.monotonic()))
            waits_from = time.monotonic()
            if fault.node:
                await wait_until(self.balancer.all_ready, NODE_BACK_S, what="the other node")
            began += time.monotonic() - waits_from
            self.tell(f"{time.monotonic() - began:5.1f} s  {fault}")
            injected.append((time.monotonic(), fault))
            await self._kill(fault)
            self._restarts.append(asyncio.create_task(self._restart(fault)))
        return injected

    async def _kill(self, fault: Fault) -> None:
        match fault.kind:
            case Kind.NODE:
                await self.nodes[fault.node].kill()
            case Kind.WORKER | Kind.STOPPED:
                nodes = [self.nodes[fault.node], *self.nodes.values()]
                node = next(node for node in nodes if node.workers())
                killed = fault.kind is Kind.WORKER
                node.signal_worker(fault.worker, signal.SIGKILL if killed else signal.SIGSTOP)
            case Kind.REDIS:
                await asyncio.to_thread(self.valkey.kill)
            case Kind.POSTGRES:
                await asyncio.to_thread(self.postgres.kill)

    async def _restart(self, fault: Fault) -> None:
        await asyncio.sleep(fault.away_s)
        match fault.kind:
            case Kind.NODE:
                await self.nodes[fault.node].start()
            case Kind.REDIS:
                await asyncio.to_thread(self.valkey.start)
            case Kind.POSTGRES:
                await asyncio.to_thread(self.postgres.start)

    async def _all_back(self, audience: Audience) -> list[str]:
        """Wait until everything runs again; return what does not."""
        await asyncio.gather(*self._restarts)
        missing = []
        for what, back in (
            ("a node", self.balancer.all_ready),
            ("viewers", audience.everybody_is_in),
            ("workers", self._workers_run),
        ):
            try:
                await wait_until(back, BACK_TIMEOUT_S, what=what)
            except AssertionError:
                missing.append(what)
        return missing

    def _workers_run(self) -> bool:
        return all(len(node.answering()) == self.plan.workers for node in self.nodes.values())

    async def _doctor(self) -> dict[str, str]:
        """What is wrong: with the machine and the record, which both nodes share."""
        return await self.nodes[NODES[0]].doctor()


@contextlib.asynccontextmanager
async def chaos(plan: Plan, folder: Path, tell: Tell) -> AsyncIterator[Chaos]:
    """Everything, started and filled with a shop; logs are in `folder`."""
    secret = secrets.token_hex(32)
    async with contextlib.AsyncExitStack() as stack:
        run("ip", "link", "set", "lo", "up")
        machines = {name: Machine(name) for name in NODES}
        for machine in machines.values():
            stack.callback(machine.close)
            await machine.connect()
        conditions = Conditions(loss=plan.loss, delay_s=plan.delay_s)
        stack.enter_context(link_between(machines, conditions, random.Random(plan.seeds[0])))
        valkey, postgres = await asyncio.to_thread(_services, folder, stack)
        tell("Valkey and PostgreSQL run")
        nodes = {
            name: Node(machine, folder, _shared(machine, secret), plan.workers)
            for name, machine in machines.items()
        }
        stack.push_async_callback(_stop_all, nodes)
        first = nodes[NODES[0]]
        shop = folder / "shop.toml"
        shop.write_text(_shop(plan))
        await first.linli("db", "load", str(shop), "--password-stdin", stdin=PASSWORD)
        for node in nodes.values():
            await node.start()
        balancer = Balancer([Upstream(n.name, n.machine.address, PORT) for n in nodes.values()])
        watching = asyncio.create_task(balancer.watch())
        stack.callback(watching.cancel)
        await wait_until(balancer.all_ready, START_S, what="both nodes ready")
        tell("both nodes are ready")
        fronts = {name: await stack.enter_async_context(balancer.front(name)) for name in NODES}
        host = Principal("token:host", frozenset({Role.HOST}), room_id=ROOM)
        token = Access(secret).issue(host, TOKEN_TTL_S)
        yield Chaos(plan, folder, tell, valkey, postgres, nodes, balancer, fronts, token)


def _services(folder: Path, stack: contextlib.AsyncExitStack) -> tuple[Valkey, Postgres]:
    valkey = Valkey(folder, port=REDIS_PORT)
    stack.callback(valkey.kill)
    valkey.start()
    home = folder / "postgres"
    home.mkdir()
    postgres = Postgres(home, POSTGRES_PORT, host="*", clients=NETWORK)
    postgres.create()
    stack.callback(postgres.kill)
    postgres.start()
    return valkey, postgres


def _shared(machine: Machine, secret: str) -> dict[str, str]:
    return {
        "LINLI_REDIS_URL": f"redis://{machine.gateway}:{REDIS_PORT}",
        "LINLI_DATABASE_URL": f"postgresql+asyncpg://{USER}@{machine.gateway}:{POSTGRES_PORT}/postgres",
        "LINLI_TOKEN_SECRET": secret,
        "LINLI_CASCADE": "nodes",
    }


def _shop(plan: Plan) -> str:
    """Return a shop whose goods are nearly all sold by the rush."""
    schedules = [draw(seed, faults=plan.faults, workers=plan.workers) for seed in plan.seeds]
    rush_s = min(map(length_s, schedules))
    scenario = Scenario.model_validate(
        {
            "title": {"en": "Chaos", "zh": "故障"},
            "room": ROOM,
            "shop": {
                "products": PRODUCTS * len(plan.seeds),
                "stock": max(1, int(plan.taps_per_s * rush_s * STOCK_SHARE / PRODUCTS)),
                "group_target": 0,
            },
            "profiles": [{"kind": "lurker", "weight": 1}],
            "stages": [{"seconds": 1}],
        }
    )
    return shop_file(scenario)


def _products(place: int) -> tuple[str, ...]:
    """Return what the seed at this place sells: no seed finds what another one sold out."""
    first = PRODUCTS * place + 1
    return tuple(f"loadtest-p{number}" for number in range(first, first + PRODUCTS))


async def _stop_all(nodes: dict[str, Node]) -> None:
    await asyncio.gather(*(node.stop() for node in nodes.values()))
