"""`linli bench fanout`: the cost of a tick per viewer, latency of a chat line, memory."""

import asyncio
from dataclasses import dataclass

from loadtest.actors.buyers import Buyers
from loadtest.bench.bare_writes import bare_write_us
from loadtest.clients.room import RoomCrowd, RoomViewer, talk
from loadtest.measure.report import Check, Report
from loadtest.measure.rig import ROOM, Rig, rig
from loadtest.measure.stats import Figure, percentile

TALKERS = 25
WARM_UP_VIEWERS = 20
SETTLE_S = 2.0
# The goal of 8 µs was set where a bare write took 6 µs.
BARE_WRITE_RATIO_MAX = 1.33


@dataclass(frozen=True, slots=True)
class FanoutPlan:
    """How much to measure."""

    viewers: int
    runs: int
    seconds: float
    lines_per_s: float


async def bench_fanout(report: Report, plan: FanoutPlan) -> None:
    """Fill `report`.

    Raises:
        LoadError: The server did not start, or refused a viewer.
    """
    async with (
        rig() as server,
        Buyers(server.base_url, ROOM) as guests,
        RoomCrowd(server.base_url, ROOM) as crowd,
    ):
        await guests.arrive(TALKERS)
        talkers = await crowd.join(TALKERS, tokens=guests.tokens)
        await crowd.join(WARM_UP_VIEWERS)
        await talk(talkers, plan.lines_per_s, SETTLE_S)
        report.figures.append(await _memory(server, crowd, plan.viewers))
        report.counts["server's core while nobody talks, %"] = await _idle_percent(server)
        await talk(talkers, plan.lines_per_s, SETTLE_S)
        await _runs(report, server, crowd, talkers, plan)
        totals = crowd.totals()
    report.counts |= {
        "viewers": totals.viewers,
        "decoding viewers": totals.audited,
        "lines rejected": totals.rejected_lines,
    }
    report.checks += [
        Check("nobody was thrown out", totals.lost == 0, f"{totals.lost} lost"),
        Check("no gap in the numbered events", totals.gaps == 0, f"{totals.gaps} gaps"),
        Check("no event twice", totals.duplicates == 0, f"{totals.duplicates} twice"),
    ]
    report.finish()


async def _memory(server: Rig, crowd: RoomCrowd, viewers: int) -> Figure:
    before = server.rss_bytes()
    await crowd.join(viewers)
    await asyncio.sleep(SETTLE_S)
    grown = (server.rss_bytes() - before) / viewers / 1_024
    return Figure("memory per idle viewer", "KiB", (grown,), target=16.0)


async def _idle_percent(server: Rig) -> float:
    cpu = server.cpu()
    await asyncio.sleep(SETTLE_S)
    used = server.cpu().since(cpu)
    return round(used.server_s / used.at * 100, 1)


async def _runs(
    report: Report,
    server: Rig,
    crowd: RoomCrowd,
    talkers: list[RoomViewer],
    plan: FanoutPlan,
) -> None:
    per_frame, bare, p50, p99, worst, delivered = [], [], [], [], [], []
    viewers = crowd.totals().viewers
    for _ in range(plan.runs):
        crowd.measure()
        frames, received, cpu = crowd.frames, crowd.bytes, server.cpu()
        sent = await talk(talkers, plan.lines_per_s, plan.seconds)
        used = server.cpu().since(cpu)
        frames = max(1, crowd.frames - frames)
        per_frame.append(used.server_s / frames * 1e6)
        await asyncio.sleep(SETTLE_S)  # lines in flight count, too
        delays_ms = [delay_us / 1e3 for delay_us in crowd.latencies_us]
        p50.append(percentile(delays_ms, 50))
        p99.append(percentile(delays_ms, 99))
        worst.append(max(delays_ms, default=0.0))
        delivered.append(len(delays_ms) / (sent * viewers) * 100)
        report.tester(used)
        size = (crowd.bytes - received) // frames
        bare.append(await bare_write_us(viewers, size, plan.seconds / 2))
    report.figures += [
        Figure("CPU per viewer and tick", "µs", tuple(per_frame), target=8.0),
        Figure("a bare write of as much", "µs", tuple(bare)),
        Figure(
            "ratio to it",
            "",
            tuple(ours / least for ours, least in zip(per_frame, bare, strict=True)),
            target=BARE_WRITE_RATIO_MAX,
        ),
        Figure("publish → viewer, p50", "ms", tuple(p50)),
        Figure("publish → viewer, p99", "ms", tuple(p99), target=300.0),
        Figure("publish → viewer, worst", "ms", tuple(worst)),
        Figure("lines delivered", "%", tuple(delivered)),
    ]
    report.notes.append(
        "A bare write is what a process that does nothing else needs for as many bytes to as many "
        "sockets, measured after each run on the same core."
    )
    report.notes.append(
        "A line waits for its tick, up to 100 ms where lines come fast, before it is sent."
    )
