"""`linli bench relay --workers 2`: what a packet costs that an edge sends, beside the origin's own.

The same viewers watch in turns at the worker with the live and at another one, which receives it
from there. All workers run on one core, so that only their CPU counts.
"""

import asyncio
from dataclasses import dataclass

import psutil

from loadtest.bench.clip import make_clip
from loadtest.bench.relay import RelayPlan, fill, wait_until_on_air
from loadtest.clients.whep import Crowd, Whep
from loadtest.errors import LoadError
from loadtest.measure.report import Check, Report
from loadtest.measure.rig import ROOM, Rig, RigFailed, cpu_s, rig
from loadtest.measure.stats import Figure

EDGE_COST_MAX = 1.15  # in packets of the origin
HOP_MS_MAX = 5.0
ON_AIR_TIMEOUT_S = 30.0


@dataclass(frozen=True, slots=True)
class _Turn:
    """One run: CPU seconds of the worker with the viewers and of all workers, per packet in µs."""

    own_us: float
    all_us: float
    missing: int
    forged: int
    freezes: int


class _Node:
    """The workers of a running node."""

    def __init__(self, server: Rig, count: int) -> None:
        self.server = server
        self.count = count

    def whep(self, number: int) -> Whep:
        """Return the way in at one worker."""
        url = f"{self.server.base_url}/live/{ROOM}/whep"
        return Whep(
            url, uses_rtx=False, uds=self.server.folder / "data" / "workers" / f"{number}.sock"
        )

    def cpu_s(self) -> list[float]:
        """Return what each worker has used."""
        used = dict.fromkeys(range(self.count), 0.0)
        for child in self.server.children():
            try:
                parts = child.environ().get("LINLI_WORKER", "").split()
            except psutil.Error:
                continue
            if parts:
                used[int(parts[1])] = cpu_s(child)
        return list(used.values())

    async def origin(self) -> int:
        """Return the number of the worker with the live."""
        for number in range(self.count):
            name = f'linli_media_rooms_live{{worker="{number}"}}'
            if await self.server.metric(name):
                return number
        raise RigFailed(f"no worker has the live:\n{self.server.log_tail()}")


async def bench_edges(report: Report, plan: RelayPlan) -> None:
    """Fill `report`.

    Raises:
        LoadError: The server or its host did not start.
    """
    report.notes.append(
        "The same viewers watch in turns at the worker with the live and at one that receives it."
    )
    settings = {"LINLI_WORKERS": str(plan.workers), "LINLI_CASCADE": "always"}
    async with rig(**settings) as server:
        clip = plan.clip or server.folder / "clip.mkv"
        if plan.clip is None:
            await asyncio.to_thread(make_clip, clip)
        async with server.host(clip):
            await wait_until_on_air(f"{server.base_url}/live/{ROOM}/whep", server)
            node = _Node(server, plan.workers)
            await _measure(report, node, plan)
    report.finish()


async def _measure(report: Report, node: _Node, plan: RelayPlan) -> None:
    origin = await node.origin()
    edge = (origin + 1) % plan.workers
    local, remote, hops_ms = [], [], []
    for _ in range(plan.runs):
        turn, _ = await _turn(node, origin, plan)
        local.append(turn)
        turn, round_trips_ms = await _turn(node, edge, plan)
        remote.append(turn)
        hops_ms.append(min(round_trips_ms) / 2)
    pairs = list(zip(local, remote, strict=True))
    ratios = tuple(there.all_us / here.all_us for here, there in pairs)
    report.figures += [
        Figure("CPU per packet of the worker with the live", "µs", tuple(t.own_us for t in local)),
        Figure("CPU per packet of an edge", "µs", tuple(t.own_us for t in remote)),
        Figure("all workers' CPU per packet, viewers at the origin", "µs",
               tuple(turn.all_us for turn in local)),
        Figure("all workers' CPU per packet, viewers at an edge", "µs",
               tuple(turn.all_us for turn in remote)),
        Figure("a packet of an edge, in packets of its origin", "",
               tuple(there.own_us / here.own_us for here, there in pairs), target=EDGE_COST_MAX),
        Figure("the same, with what the origin does for it", "", ratios),
        Figure("half of the hop's least round trip", "ms", tuple(hops_ms), target=HOP_MS_MAX),
    ]  # fmt: skip
    turns = [*local, *remote]
    for name in ("missing", "forged", "freezes"):
        count = sum(getattr(turn, name) for turn in turns)
        report.checks.append(
            Check(f"packets {name}" if name != "freezes" else name, not count, f"{count}")
        )


async def _turn(node: _Node, number: int, plan: RelayPlan) -> tuple[_Turn, list[float]]:
    """Return a run with the viewers at one worker, and the round trips (ms) of its hop."""
    round_trips_ms = []
    async with Crowd(node.whep(number), gro=plan.gro) as crowd:
        await _first(crowd, node)
        await fill(crowd, plan.viewers - 1)
        before, used_before = crowd.totals(), node.cpu_s()
        for _ in range(max(1, round(plan.seconds))):
            await asyncio.sleep(1)
            name = f'linli_cascade_round_trip_ms{{worker="{number}"}}'
            round_trips_ms.append(await node.server.metric(name))
        totals, used = crowd.totals(), node.cpu_s()
        await crowd.leave_all()
    packets = max(1, totals.packets - before.packets)
    spent = [after - then for after, then in zip(used, used_before, strict=True)]
    turn = _Turn(
        spent[number] / packets * 1e6,
        sum(spent) / packets * 1e6,
        totals.missing - before.missing,
        totals.forged,
        totals.freezes - before.freezes,
    )
    return turn, round_trips_ms


async def _first(crowd: Crowd, node: _Node) -> None:
    try:
        async with asyncio.timeout(ON_AIR_TIMEOUT_S):
            while True:
                try:
                    await crowd.join()
                    return
                except LoadError:
                    await asyncio.sleep(0.2)
    except TimeoutError:
        raise RigFailed(f"nobody can watch:\n{node.server.log_tail()}") from None
