"""`linli bench insight`: what relay and orders cost a server with the role insight, and without.

Two servers share a core. Viewers watch at both at once; buyers tap at one and the other in turns,
first at the one in even runs and at the other in odd ones. CPU is that of the server's own process,
so that neither the load of the machine nor that of the other server counts. The role runs in its
process of its own, whose CPU is reported beside.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import psutil

from loadtest.actors.buyers import Buyers
from loadtest.bench.clip import make_clip
from loadtest.bench.relay import fill, wait_until_on_air
from loadtest.clients.whep import Crowd, Whep
from loadtest.measure.report import Check, Report
from loadtest.measure.rig import ROOM, Rig, cpu_s, rig
from loadtest.measure.stats import Better, Figure

WARM_UP_S = 2.0
RATIO_MIN = 0.97  # of the orders and packets that a second of CPU is enough for
ROLES = {"with": "edge,insight", "without": "edge"}


@dataclass(frozen=True, slots=True)
class InsightPlan:
    """How much to measure; `viewers` and `guests` of each server."""

    runs: int
    seconds: float
    viewers: int
    buyers: int
    guests: int


@dataclass(slots=True)
class _Side:
    """One of the two servers, and what it cost a unit of work: µs of its own CPU."""

    server: Rig
    buyers: Buyers
    crowd: Crowd
    packet_us: list[float] = field(default_factory=list)
    order_us: list[float] = field(default_factory=list)

    def insight_cpu_s(self) -> float:
        """CPU of its process for insight so far; 0 without one."""
        return sum(cpu_s(child) for child in self.server.children() if _is_insight(child))


async def bench_insight(report: Report, plan: InsightPlan) -> None:
    """Fill `report`.

    Raises:
        LoadError: A server or its host did not start.
    """
    async with _open("with", plan) as one, _open("without", plan) as other:
        sides = (one, other)
        insight_s, orders = one.insight_cpu_s(), 0
        for run in range(plan.runs):
            await _watch(sides, plan.seconds)
            for side in sides if run % 2 == 0 else reversed(sides):
                placed = await _tap(side, plan)
                orders += placed if side is one else 0
        # What was ordered last is still to come into the lake.
        await asyncio.sleep(WARM_UP_S)
        insight_s = one.insight_cpu_s() - insight_s
        report.checks += [
            *await one.buyers.check(),
            *await other.buyers.check(),
            Check("insight had work", insight_s > 0, f"{insight_s:.2f} s of CPU"),
            Check("the other had none", other.insight_cpu_s() == 0, ""),
        ]
    for what, name in (("packet", "packet_us"), ("order", "order_us")):
        costs: list[list[float]] = [getattr(side, name) for side in sides]
        for kind, cost in zip(ROLES, costs, strict=True):
            report.figures.append(Figure(f"CPU per {what}, {kind} insight", "µs", tuple(cost)))
        ratios = tuple(without / with_ for with_, without in zip(*costs, strict=True))
        name = f"{what}s a second of CPU with insight, as a ratio to without"
        report.figures.append(Figure(name, "", ratios, Better.HIGHER, RATIO_MIN))
    report.figures.append(Figure("CPU of insight per order", "µs", (insight_s * 1e6 / orders,)))
    report.notes.append("At the server's process alone; insight has its own, at low priority.")
    report.finish()


@contextlib.asynccontextmanager
async def _open(kind: str, plan: InsightPlan) -> AsyncIterator[_Side]:
    """A server with viewers who watch and guests who are about to buy."""
    settings = {"LINLI_ROLES": ROLES[kind], "LINLI_INSIGHT_PROCESS": "own"}
    async with rig(**settings) as server, Buyers(server.base_url, ROOM) as buyers:
        clip = server.folder / "clip.mkv"
        await asyncio.to_thread(make_clip, clip)
        async with server.host(clip):
            url = f"{server.base_url}/live/{ROOM}/whep"
            await wait_until_on_air(url, server)
            async with Crowd(Whep(url, uses_remb=True, uses_rtx=False), gro=True) as crowd:
                await fill(crowd, plan.viewers)
                await buyers.arrive(plan.guests)
                await buyers.flat_out(plan.buyers, WARM_UP_S)
                yield _Side(server, buyers, crowd)
                await crowd.leave_all()


async def _watch(sides: tuple[_Side, _Side], seconds: float) -> None:
    """Have all viewers watch for a while; note what a packet cost."""
    before = [(side.server.cpu(), side.crowd.totals().packets) for side in sides]
    await asyncio.sleep(seconds)
    for side, (cpu, packets) in zip(sides, before, strict=True):
        used = side.server.cpu().since(cpu)
        received = max(1, side.crowd.totals().packets - packets)
        side.packet_us.append(used.server_s * 1e6 / received)


async def _tap(side: _Side, plan: InsightPlan) -> int:
    """Have buyers tap for a while; note what an order cost, and return how many there were."""
    cpu, packets = side.server.cpu(), side.crowd.totals().packets
    tapped = await side.buyers.flat_out(plan.buyers, plan.seconds)
    used = side.server.cpu().since(cpu)
    # Viewers watch meanwhile: their packets cost what they did just now.
    watching_s = (side.crowd.totals().packets - packets) * side.packet_us[-1] / 1e6
    orders = max(1, tapped.confirmed)
    side.order_us.append((used.server_s - watching_s) * 1e6 / orders)
    return orders


def _is_insight(process: psutil.Process) -> bool:
    try:
        return bool(process.environ().get("LINLI_ROLES") == "insight")
    except psutil.Error:
        return False  # it has just ended
