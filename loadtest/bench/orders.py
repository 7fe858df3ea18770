"""`linli bench orders`: durable one-tap orders a second, and tap → confirmed at half that load."""

import contextlib
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass

from loadtest.actors.buyers import Buyers, Tapped
from loadtest.measure.report import Check, Report
from loadtest.measure.rig import ROOM, Rig, rig, shop_toml
from loadtest.measure.stats import Better, Figure

WARM_UP_S = 2.0
SET_PARTS = 4
ORDER_CPU_US_MAX = 350.0
SET_RATE_MIN = 0.8  # of the rate of single items
SLOT_RATE_MIN = 0.9  # of the rate where places in windows are not counted


@dataclass(frozen=True, slots=True)
class OrdersPlan:
    """How much to measure."""

    runs: int
    seconds: float
    buyers: int
    guests: int
    groups: bool
    sets: bool = False
    slots: bool = False


async def bench_orders(report: Report, plan: OrdersPlan) -> None:
    """Fill `report`.

    Raises:
        LoadError: The server did not start, or refused the guests.
    """
    async with rig() as server, Buyers(server.base_url, ROOM) as buyers:
        await buyers.arrive(plan.guests)
        if plan.groups:
            await buyers.open_groups(await server.token())
        requests = await buyers.plain_requests(plan.buyers, WARM_UP_S)
        await buyers.flat_out(plan.buyers, WARM_UP_S)
        flat_out, *cpu_us = await _flat_out(report, server, buyers, plan)
        rate = flat_out.median / 2
        rushes = [await _rush(report, server, buyers, rate, plan) for _ in range(plan.runs)]
        report.checks += await buyers.check()
    p50 = tuple(tapped.percentile_ms(50) for tapped in rushes)
    p99 = tuple(tapped.percentile_ms(99) for tapped in rushes)
    report.figures += [
        flat_out,
        *cpu_us,
        Figure("rate of the steady taps", "/s", (rate,), Better.HIGHER),
        Figure("tap → confirmed, p50", "ms", p50),
        Figure("tap → confirmed, p99", "ms", p99, target=150.0),
        Figure("requests that do nothing", "/s", (requests,), Better.HIGHER),
    ]
    outcomes: Counter[str] = sum((tapped.outcomes for tapped in rushes), Counter())
    wanted = plan.runs * int(rate * plan.seconds)
    report.checks.append(
        Check(
            "guests did not run out of groups to join",
            outcomes.total() >= wanted,
            f"{outcomes.total()} of {wanted} steady taps",
        )
    )
    report.counts |= {f"steady taps {name}": count for name, count in outcomes.items()}
    report.counts["tester behind its schedule at most, ms"] = round(
        max(tapped.behind_s_max for tapped in rushes) * 1e3
    )
    report.notes.append(
        "Every tap joins a group." if plan.groups else "Taps buy at once, without a group."
    )
    report.notes.append(
        f"HTTP alone takes {1e3 / requests:.2f} ms of a request's "
        f"{1e3 / flat_out.median:.2f} ms; Valkey shares the server's core."
    )
    if plan.sets:
        report.figures.append(await _sets_beside_items(plan))
    if plan.slots:
        report.figures += await _with_slots_beside_without(plan)
    report.finish()


async def _sets_beside_items(plan: OrdersPlan) -> Figure:
    """Measure orders of sets and of single items in turns."""
    async with _Side.open(plan, "item") as items, _Side.open(plan, "set") as sets:
        turns = [[await side.turn() for side in (items, sets)] for _ in range(plan.runs)]
    ratios = tuple(of_sets.rate / of_items.rate for of_items, of_sets in turns)
    name = f"orders of a set of {SET_PARTS}, as a ratio to single items in turns"
    return Figure(name, "", ratios, Better.HIGHER, SET_RATE_MIN)


async def _with_slots_beside_without(plan: OrdersPlan) -> list[Figure]:
    """Measure orders that take a place in a window and such that need none, in turns."""
    async with _Side.open(plan) as without, _Side.open(plan, slots=True) as counted:
        turns = [[await side.turn() for side in (without, counted)] for _ in range(plan.runs)]
    rates = tuple(counted.rate / without.rate for without, counted in turns)
    cpu = tuple(counted.cpu_s / without.cpu_s for without, counted in turns)
    name = "orders with places in windows, as a ratio to those without in turns"
    return [
        Figure(name, "", rates, Better.HIGHER, SLOT_RATE_MIN),
        Figure("CPU of such an order, the same ratio", "", cpu, target=1 / SLOT_RATE_MIN),
    ]


@dataclass(frozen=True, slots=True)
class _Turn:
    """Orders a second, and CPU seconds of server and Valkey per order."""

    rate: float
    cpu_s: float


@dataclass(frozen=True, slots=True)
class _Side:
    """One of two servers that share the core; while one has its turn, the other is idle."""

    server: Rig
    buyers: Buyers
    plan: OrdersPlan

    @staticmethod
    @contextlib.asynccontextmanager
    async def open(
        plan: OrdersPlan, kind: str = "item", *, slots: bool = False
    ) -> AsyncIterator["_Side"]:
        """Start it and warm it up."""
        shop = shop_toml(SET_PARTS)
        async with rig(shop) as server, Buyers(server.base_url, ROOM, kind) as buyers:
            if slots:
                await server.count_slots()
            await buyers.arrive(plan.guests)
            await buyers.flat_out(plan.buyers, WARM_UP_S)
            yield _Side(server, buyers, plan)

    async def turn(self) -> _Turn:
        """Have buyers tap for a while."""
        before = self.server.cpu()
        tapped = await self.buyers.flat_out(self.plan.buyers, self.plan.seconds)
        used = self.server.cpu().since(before)
        orders = max(1, tapped.confirmed)
        return _Turn(orders / tapped.seconds, (used.server_s + used.children_s) / orders)


async def _flat_out(
    report: Report, server: Rig, buyers: Buyers, plan: OrdersPlan
) -> tuple[Figure, ...]:
    rates, cpu_us, valkey_cpu_us, outcomes = [], [], [], Counter[str]()
    server_share = children_share = 0.0
    for _ in range(plan.runs):
        cpu = server.cpu()
        tapped = await buyers.flat_out(plan.buyers, plan.seconds)
        used = server.cpu().since(cpu)
        rates.append(tapped.confirmed / tapped.seconds)
        orders = max(1, tapped.confirmed)
        cpu_us.append(used.server_s * 1e6 / orders)
        valkey_cpu_us.append(used.children_s * 1e6 / orders)
        outcomes += tapped.outcomes
        server_share += used.server_s / used.at / plan.runs
        children_share += used.children_s / used.at / plan.runs
        report.tester(used)
    report.counts = {
        "core used by the server, %": round(server_share * 100),
        "by Valkey, %": round(children_share * 100),
    }
    report.counts |= {f"fast taps {name}": count for name, count in outcomes.items()}
    return (
        Figure(
            "one-tap orders, durable in SQL, per core", "/s", tuple(rates), Better.HIGHER, 1_000
        ),
        Figure("CPU per order, server", "µs", tuple(cpu_us)),
        Figure("CPU per order, Valkey", "µs", tuple(valkey_cpu_us)),
        Figure(
            "CPU per order, server and Valkey",
            "µs",
            tuple(map(sum, zip(cpu_us, valkey_cpu_us, strict=True))),
            target=ORDER_CPU_US_MAX,
        ),
    )


async def _rush(
    report: Report, server: Rig, buyers: Buyers, rate: float, plan: OrdersPlan
) -> Tapped:
    cpu = server.cpu()
    tapped = await buyers.rush(rate, plan.seconds)
    report.tester(server.cpu().since(cpu))
    return tapped
