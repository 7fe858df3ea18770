"""`linli bench relay`: what a packet to a viewer costs, and what a join does."""

import asyncio
import dataclasses
from collections.abc import Coroutine
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from loadtest.bench.clip import make_clip
from loadtest.clients.whep import Crowd, Totals, Whep
from loadtest.errors import LoadError
from loadtest.measure.report import Check, Report
from loadtest.measure.rig import ROOM, Cpu, Rig, RigFailed, rig
from loadtest.measure.stats import Better, Figure, percentile

JOIN_PER_S = 50.0
SETTLE_S = 2.0
ON_AIR_TIMEOUT_S = 20.0


@dataclass(frozen=True, slots=True)
class RelayPlan:
    """How much to measure. `clip` None: one is made. `gro`: receivers take whole frames.

    `arrivals`: viewers send transport-wide feedback instead of REMB.
    """

    viewers: int
    runs: int
    seconds: float
    joins: int
    joins_per_s: float
    gro: bool
    arrivals: bool
    clip: Path | None = None
    workers: int = 1


async def bench_relay(report: Report, plan: RelayPlan) -> None:
    """Fill `report`.

    Raises:
        LoadError: The server or its host did not start.
    """
    report.notes.append(
        "Receivers use UDP_GRO: on loopback a frame then stays whole, as on its way to a network "
        "card that cuts it."
        if plan.gro
        else "Receivers use no UDP_GRO: on loopback the kernel then cuts each frame into packets "
        "on the sender's CPU, which a network card would do."
    )
    report.notes.append("Receivers poll their sockets 50 times a second, so none has to be woken.")
    async with rig() as server:
        clip = plan.clip
        if clip is None:
            clip = server.folder / "clip.mkv"
            await asyncio.to_thread(make_clip, clip)
        async with server.host(clip):
            url = f"{server.base_url}/live/{ROOM}/whep"
            await wait_until_on_air(url, server)
            await _steady(report, server, url, plan)
            if plan.joins:
                await _join_storm(report, server, url, plan.joins, plan.joins_per_s)
    report.finish()


async def wait_until_on_air(url: str, server: Rig) -> None:
    """Wait until a first viewer sees a packet."""
    try:
        async with asyncio.timeout(ON_AIR_TIMEOUT_S):
            while True:
                try:
                    async with Crowd(url) as crowd:
                        await crowd.leave(await crowd.join())
                        return
                except LoadError:
                    await asyncio.sleep(0.2)
    except TimeoutError:
        raise RigFailed(f"the host did not get on air:\n{server.log_tail()}") from None


async def _steady(report: Report, server: Rig, url: str, plan: RelayPlan) -> None:
    """Measure while everybody just watches."""
    # Without RTX no packets are sent as probes: each one is the host's.
    way_in = Whep(url, uses_remb=not plan.arrivals, uses_rtx=False)
    async with Crowd(way_in, gro=plan.gro) as crowd:
        await fill(crowd, plan.viewers)
        sent = await server.metric("linli_media_packets_out_total")
        await watch(report, server, crowd, plan.runs, plan.seconds)
        sent = await server.metric("linli_media_packets_out_total") - sent
        report.counts["packets sent, as the server counts"] = sent
        await crowd.leave_all()
    per_packet, per_core, *others = report.figures
    report.figures = [
        dataclasses.replace(per_packet, target=4.5),
        dataclasses.replace(per_core, target=1_100),
        *others,
    ]


async def fill(crowd: Crowd, viewers: int, *, settle_s: float = SETTLE_S) -> None:
    """Bring in `viewers` at a steady pace and let them settle."""
    await _paced([crowd.join() for _ in range(viewers)], JOIN_PER_S)
    await asyncio.sleep(settle_s)


async def watch(report: Report, server: Rig, crowd: Crowd, runs: int, seconds: float) -> None:
    """Add to `report` what `server` uses for `crowd`, `runs` times, and the media counts."""
    per_packet, per_core, bit_rates, kernel = [], [], [], []
    before_all = crowd.totals()
    viewers = before_all.viewers
    for _ in range(runs):
        before, cpu = crowd.totals(), server.cpu()
        await asyncio.sleep(seconds)
        used, totals = server.cpu().since(cpu), crowd.totals()
        packets = totals.packets - before.packets
        per_packet.append(used.server_s / max(1, packets) * 1e6)
        per_core.append(viewers / (used.server_s / used.at))
        bit_rates.append((totals.bytes - before.bytes) * 8 / used.at / viewers / 1e6)
        # In ticks: of a small load that may be more than all there was.
        kernel.append(min(1.0, used.server_kernel_s / used.server_s) * 100)
        report.tester(used)
    report.figures += [
        Figure("CPU per RTP packet to a viewer", "µs", tuple(per_packet)),
        Figure("viewers per core", "", tuple(per_core), Better.HIGHER),
        Figure("of it in the kernel", "%", tuple(kernel)),
        Figure("received per viewer", "Mbit/s", tuple(bit_rates)),
    ]
    _count_media(report, crowd.totals(), before_all)


def _count_media(report: Report, totals: Totals, before: Totals) -> None:
    report.counts = {
        "viewers still playing": totals.playing,
        "packets received": totals.packets - before.packets,
        "packets missing": totals.missing - before.missing,
        "packets out of order or twice": totals.late - before.late,
        "packets per receive call": round(totals.packets / max(1, totals.receives), 2),
        "packets decrypted": totals.sampled,
        "packets forged": totals.forged,
        "freezes": totals.freezes - before.freezes,
        "longest pause between frames, ms": round(totals.longest_pause_s * 1e3),
    }
    missing = totals.missing - before.missing
    freezes = totals.freezes - before.freezes
    report.checks += [
        Check("no packet was lost", missing == 0, f"{missing} lost"),
        Check("the video never froze", freezes == 0, f"{freezes} freezes"),
        Check("every sampled packet is authentic", totals.forged == 0, f"{totals.sampled} opened"),
    ]


async def _join_storm(
    report: Report, server: Rig, url: str, joins: int, joins_per_s: float
) -> None:
    """Viewers come at a steady pace; each leaves by DELETE once it has its first packet."""
    delays_ms: list[float] = []
    failures: list[str] = []
    behind_s = 0.0
    loop = asyncio.get_running_loop()
    await asyncio.sleep(SETTLE_S)
    async with Crowd(url) as crowd:
        idle = server.cpu()
        await asyncio.sleep(SETTLE_S)
        idle_load = _load(server.cpu().since(idle))

        async def visit(due: float) -> None:
            nonlocal behind_s
            posted = loop.time()
            behind_s = max(behind_s, posted - due)
            try:
                viewer = await crowd.join()
                delays_ms.append((loop.time() - posted) * 1e3)
                await crowd.leave(viewer)
            except LoadError as error:
                failures.append(str(error))

        cpu, began = server.cpu(), loop.time()
        visits = [visit(began + number / joins_per_s) for number in range(joins)]
        await _paced(visits, joins_per_s)
        used = server.cpu().since(cpu)
    report.tester(used)
    report.counts["joins later than due at most, ms"] = round(behind_s * 1e3)
    per_join_ms = (used.server_s - idle_load * used.at) / max(1, len(delays_ms)) * 1e3
    report.figures += [
        Figure("CPU per join", "ms", (per_join_ms,), target=4.0),
        Figure("POST → first packet, p50", "ms", (percentile(delays_ms, 50),)),
        Figure("POST → first packet, p99", "ms", (percentile(delays_ms, 99),), target=300.0),
    ]
    report.checks.append(
        Check("every join succeeded", not failures, failures[0] if failures else f"{joins} joins")
    )
    report.notes.append("A join is POST, ICE, DTLS, the first packets and DELETE.")


async def _paced(jobs: list[Coroutine[Any, Any, Any]], per_s: float) -> None:
    """Start one job after the other at a steady pace; return when all are done."""
    loop = asyncio.get_running_loop()
    began = loop.time()
    async with asyncio.TaskGroup() as tasks:
        for number, job in enumerate(jobs):
            await asyncio.sleep(max(0.0, began + number / per_s - loop.time()))
            tasks.create_task(job)


def _load(used: Cpu) -> float:
    return used.server_s / used.at
