"""`linli bench glass`: latency from drawing a frame to its decoding by a viewer."""

import asyncio
from dataclasses import dataclass

from loadtest.bench.relay import wait_until_on_air
from loadtest.measure.glass_to_glass import glass_viewer
from loadtest.measure.report import Check, Report
from loadtest.measure.rig import ROOM, rig
from loadtest.measure.stats import Figure, percentile

WARM_UP_S = 2.0


@dataclass(frozen=True, slots=True)
class GlassPlan:
    """How much to measure."""

    runs: int
    seconds: float


async def bench_glass(report: Report, plan: GlassPlan) -> None:
    """Fill `report`.

    Raises:
        LoadError: The server or its host did not start.
    """
    p50, p95 = [], []
    async with rig() as server, server.host(None):
        url = f"{server.base_url}/live/{ROOM}/whep"
        await wait_until_on_air(url, server)
        async with glass_viewer(url) as viewer:
            await asyncio.sleep(WARM_UP_S)
            for _ in range(plan.runs):
                viewer.delays_ms.clear()
                cpu = server.cpu()
                await asyncio.sleep(plan.seconds)
                report.tester(server.cpu().since(cpu))
                p50.append(percentile(viewer.delays_ms, 50))
                p95.append(percentile(viewer.delays_ms, 95))
            read = len(viewer.delays_ms)
    report.figures = [
        Figure("frame drawn → decoded, p50", "ms", tuple(p50)),
        Figure("frame drawn → decoded, p95", "ms", tuple(p95), target=300.0),
    ]
    report.counts = {"clocks read in the last run": read, "not readable": viewer.unreadable}
    report.checks.append(Check("clocks were read", read > 0, f"{read} frames"))
    report.notes.append(
        "Encoder and decoder included, camera and screen not. The viewer is aiortc, which gives a "
        "frame out when the next one begins, 40 ms later than a browser does."
    )
    report.finish()
