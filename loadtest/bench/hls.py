"""`linli bench hls`: what a viewer of LL-HLS costs who reloads playlists and takes every part."""

import asyncio
from dataclasses import dataclass

from loadtest.bench.clip import make_clip
from loadtest.bench.relay import wait_until_on_air
from loadtest.clients.hls import HlsCrowd, HlsTotals
from loadtest.measure.report import Check, Report
from loadtest.measure.rig import ROOM, rig
from loadtest.measure.stats import Better, Figure, percentile

SETTLE_S = 4.0
# Players hold so much of a stream: a part that comes later than that is missed.
HOLD_BACK_S = 1.02
CORE_MAX = 0.5  # for `VIEWERS_OF_THE_GOAL`
VIEWERS_OF_THE_GOAL = 2_000


@dataclass(frozen=True, slots=True)
class HlsPlan:
    """How much to measure."""

    viewers: int
    runs: int
    seconds: float


async def bench_hls(report: Report, plan: HlsPlan) -> None:
    """Fill `report`.

    Raises:
        LoadError: The server or its host did not start.
    """
    report.notes.append(
        "A viewer is one kept-alive connection. A part's delay is from when any viewer's playlist "
        "first mentions it to its last byte at the viewer."
    )
    async with rig(LINLI_CONNECTIONS_PER_ADDRESS_MAX=str(plan.viewers + 100)) as server:
        clip = server.folder / "clip.mkv"
        await asyncio.to_thread(make_clip, clip)
        async with server.host(clip):
            await wait_until_on_air(f"{server.base_url}/live/{ROOM}/whep", server)
            crowd = HlsCrowd(server.base_url, ROOM)
            await crowd.join(plan.viewers)
            await asyncio.sleep(SETTLE_S)
            cores, requests_us, rates, p50, p99 = [], [], [], [], []
            for _ in range(plan.runs):
                totals = crowd.totals
                totals.delays_s.clear()
                before, octets = totals.playlists + totals.parts, totals.octets
                cpu = server.cpu()
                await asyncio.sleep(plan.seconds)
                used = server.cpu().since(cpu)
                requests = max(1, totals.playlists + totals.parts - before)
                cores.append(used.server_s / used.at)
                requests_us.append(used.server_s / requests * 1e6)
                rates.append((totals.octets - octets) * 8 / used.at / plan.viewers / 1e6)
                p50.append(percentile(totals.delays_s, 50) * 1e3)
                p99.append(percentile(totals.delays_s, 99) * 1e3)
                report.tester(used)
            crowd.close()
    goal = CORE_MAX if plan.viewers == VIEWERS_OF_THE_GOAL else None
    per_core = tuple(plan.viewers / core for core in cores)
    report.figures += [
        Figure("of a core", "", tuple(cores), target=goal),
        Figure("CPU per request", "µs", tuple(requests_us)),
        Figure("viewers per core", "", per_core, Better.HIGHER),
        Figure("received per viewer", "Mbit/s", tuple(rates)),
        Figure("a part is complete after, p50", "ms", tuple(p50)),
        Figure("a part is complete after, p99", "ms", tuple(p99), target=HOLD_BACK_S * 1e3),
    ]
    _check(report, crowd.totals)
    report.finish()


def _check(report: Report, totals: HlsTotals) -> None:
    report.counts = {
        "playlists": totals.playlists,
        "parts": totals.parts,
        "connections lost": totals.lost,
    }
    missed = totals.skipped + totals.refused + totals.lost
    report.checks += [
        Check("every viewer got every part", not missed, f"{missed} times not"),
        Check("parts came", totals.parts > 0, f"{totals.parts} parts"),
    ]
