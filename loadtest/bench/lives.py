"""`linli bench relay --lives`: what a live with few viewers costs, as most shops have them.

CPU is the whole server's, the first second after each change left out: at rest, with the hosts
alone, and with their viewers. So what a packet from a host costs shows apart from what goes out.
"""

import asyncio
import contextlib

from loadtest.bench.clip import make_clip
from loadtest.bench.relay import RelayPlan, fill, wait_until_on_air
from loadtest.clients.dtls import ClientContext
from loadtest.clients.light_host import LightHost, pack_clip
from loadtest.clients.whep import Crowd, Whep
from loadtest.measure.report import Check, Report
from loadtest.measure.rig import Rig, rig, shop_toml
from loadtest.measure.stats import Figure

REST_SETTLE_S = 8.0
# Of the core, by the viewers of a live: with as many or fewer it is to cost no more.
TARGETS = {1: 1.3, 25: 3.3}


async def bench_lives(report: Report, plan: RelayPlan, lives: int) -> None:
    """Fill `report` for `lives` lives of `plan.viewers` viewers each.

    Raises:
        LoadError: The server or a host did not start.
    """
    rooms = [f"bench{number}" for number in range(lives)]
    async with (
        rig(shop_toml(rooms=rooms), rooms[0]) as server,
        contextlib.AsyncExitStack() as stack,
    ):
        clip = plan.clip
        if clip is None:
            clip = server.folder / "clip.mkv"
            await asyncio.to_thread(make_clip, clip)
        packed = await asyncio.to_thread(pack_clip, clip)
        await asyncio.sleep(REST_SETTLE_S)
        rest = await _percents(report, server, plan)
        token, context = await server.token("admin"), ClientContext.create()
        hosts = []
        for room in rooms:
            url = f"{server.base_url}/live/{room}/whip"
            hosts.append(await stack.enter_async_context(LightHost(url, token, context, packed)))
            # Not all of them send their frames in the same moment.
            await asyncio.sleep(1 / 25 + 1 / 25 / lives)
        ways = [f"{server.base_url}/live/{room}/whep" for room in rooms]
        for way in ways:
            await wait_until_on_air(way, server)
        sent = sum(host.sent for host in hosts)
        alone = await _percents(report, server, plan)
        packets = sum(host.sent for host in hosts) - sent
        watched = await _watched(report, server, plan, ways)
    _figures(report, plan, lives, rest, alone, watched, packets)
    report.finish()


async def _percents(report: Report, server: Rig, plan: RelayPlan) -> list[float]:
    """Return what the server used, in percent of a core, over each run."""
    found = []
    await asyncio.sleep(1)
    for _ in range(plan.runs):
        before = server.cpu()
        await asyncio.sleep(plan.seconds)
        used = server.cpu().since(before)
        report.tester(used)
        found.append(used.server_s / used.at * 100)
    return found


async def _watched(report: Report, server: Rig, plan: RelayPlan, ways: list[str]) -> list[float]:
    async with contextlib.AsyncExitStack() as stack:
        crowds = []
        for way in ways:
            signalling = Whep(way, uses_remb=not plan.arrivals, uses_rtx=False)
            crowd = await stack.enter_async_context(Crowd(signalling, gro=plan.gro))
            await fill(crowd, plan.viewers, settle_s=0)
            crowds.append(crowd)
        await asyncio.sleep(1)
        before = [crowd.totals() for crowd in crowds]
        found = await _percents(report, server, plan)
        after = [crowd.totals() for crowd in crowds]
        for crowd in crowds:
            await crowd.leave_all()
    gained = {
        name: sum(getattr(total, name) for total in after)
        - sum(getattr(total, name) for total in before)
        for name in ("packets", "missing", "freezes", "forged")
    }
    report.counts = {
        "viewers": sum(total.viewers for total in after),
        "packets received": gained["packets"],
    }
    report.checks += [
        Check("no packet was lost", not gained["missing"], f"{gained['missing']} lost"),
        Check("the video never froze", not gained["freezes"], f"{gained['freezes']} freezes"),
        Check("every sampled packet is authentic", not gained["forged"], ""),
    ]
    return found


def _figures(
    report: Report,
    plan: RelayPlan,
    lives: int,
    rest: list[float],
    alone: list[float],
    watched: list[float],
    packets: int,
) -> None:
    at_rest = sorted(rest)[len(rest) // 2]
    target = min((part for most, part in TARGETS.items() if plan.viewers <= most), default=None)
    per_s = packets / (plan.seconds * plan.runs)
    report.figures += [
        Figure("at rest, of a core", "%", tuple(rest), target=0.3),
        Figure("hosts alone, of a core", "%", tuple(alone)),
        Figure("CPU per packet of a host", "µs",
               tuple((used - at_rest) / 100 / per_s * 1e6 for used in alone)),
        Figure("all of it, of a core", "%", tuple(watched)),
        Figure("a live, what is used at rest shared", "%",
               tuple(used / lives for used in watched), target=target),
    ]  # fmt: skip
    report.notes.append("Hosts send each frame at once and negotiate no transport-wide feedback.")
