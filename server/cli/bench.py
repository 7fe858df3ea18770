"""`linli bench …`: the figures of docs/performance.md.

The server runs alone in a process pinned to one core, the load in this one on another. CPU is the
whole process's, user and system. Every figure is the median of several runs with its spread.
"""

import asyncio
import json
import shlex
import signal
import sys
from collections.abc import Coroutine
from pathlib import Path
from typing import Annotated, Any

import typer
import uvloop
from rich.console import Console

from loadtest.bench.edges import bench_edges
from loadtest.bench.fanout import FanoutPlan, bench_fanout
from loadtest.bench.glass import GlassPlan, bench_glass
from loadtest.bench.hls import HlsPlan, bench_hls
from loadtest.bench.insight import InsightPlan, bench_insight
from loadtest.bench.janus import JanusPlan, bench_janus
from loadtest.bench.lives import bench_lives
from loadtest.bench.orders import OrdersPlan, bench_orders
from loadtest.bench.relay import RelayPlan, bench_relay
from loadtest.errors import LoadError, first_of
from loadtest.measure.report import Report
from loadtest.measure.stats import Machine
from server.errors import OperatorError

VIEWERS_WHEP = 300
VIEWERS_ROOM = 1_000
VIEWERS_HLS = 2_000
EXIT_NOT_SOUND = 4
EXIT_TERMINATED = 128 + signal.SIGTERM

bench_app = typer.Typer(
    help="Measure this machine: the relay, the room fan-out, the orders, HLS, the delay, the lake.",
    no_args_is_help=True,
)

Runs = Annotated[int, typer.Option(help="How often to measure.", min=1)]
Seconds = Annotated[float, typer.Option(help="Length of one run, s.", min=1)]
AsJson = Annotated[bool, typer.Option("--json", help="Print figures as JSON.")]


@bench_app.command()
def relay(
    viewers: Annotated[int, typer.Option(help="WHEP viewers.", min=1)] = VIEWERS_WHEP,
    runs: Runs = 5,
    seconds: Seconds = 8.0,
    joins: Annotated[int, typer.Option(help="Joins in the storm; 0: none.", min=0)] = 500,
    joins_per_s: Annotated[float, typer.Option(help="Pace of the storm.", min=1)] = 100.0,
    gro: Annotated[
        bool, typer.Option("--gro/--no-gro", help="Whether receivers take whole frames.")
    ] = True,
    arrivals: Annotated[
        bool,
        typer.Option("--arrivals", help="Viewers send transport-wide feedback."),
    ] = False,
    clip: Annotated[
        Path | None, typer.Option(help="H.264 clip without B-frames. Default: 720p25, 1.4 Mbit/s.")
    ] = None,
    workers: Annotated[
        int, typer.Option(help="2 or more: viewers watch in turns at two workers.", min=1)
    ] = 1,
    lives: Annotated[
        int, typer.Option(help="So many lives of --viewers each; no storm of joins.", min=0)
    ] = 0,
    as_json: AsJson = False,
) -> None:
    """CPU per RTP packet to a viewer, viewers per core, cost and delay of a join."""
    plan = RelayPlan(viewers, runs, seconds, joins, joins_per_s, gro, arrivals, clip, workers)
    report = Report("relay", plan)
    if lives:
        _measure(bench_lives(report, plan, lives), report, as_json=as_json)
        return
    bench = bench_relay if workers == 1 else bench_edges
    _measure(bench(report, plan), report, as_json=as_json)


@bench_app.command()
def fanout(
    viewers: Annotated[int, typer.Option(help="WebSocket viewers.", min=1)] = VIEWERS_ROOM,
    runs: Runs = 5,
    seconds: Seconds = 8.0,
    lines_per_s: Annotated[float, typer.Option(help="Chat lines a second.", min=0.1)] = 18.0,
    as_json: AsJson = False,
) -> None:
    """CPU per viewer and tick, memory per idle viewer, publish → every viewer."""
    plan = FanoutPlan(viewers, runs, seconds, lines_per_s)
    report = Report("fanout", plan)
    _measure(bench_fanout(report, plan), report, as_json=as_json)


@bench_app.command()
def orders(
    runs: Runs = 3,
    seconds: Seconds = 8.0,
    buyers: Annotated[int, typer.Option(help="Buyers who tap at once.", min=1)] = 64,
    guests: Annotated[int, typer.Option(help="Guest accounts.", min=1)] = 2_000,
    groups: Annotated[
        bool, typer.Option("--groups/--no-groups", help="Whether each tap joins a group.")
    ] = True,
    sets: Annotated[
        bool, typer.Option("--sets", help="Orders of a four-part set, too, as a ratio.")
    ] = False,
    slots: Annotated[
        bool, typer.Option("--slots", help="Orders with places in windows, too, as a ratio.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """One-tap orders a second, durable in SQL, and tap → confirmed at half that load."""
    plan = OrdersPlan(runs, seconds, buyers, guests, groups, sets, slots)
    report = Report("orders", plan)
    _measure(bench_orders(report, plan), report, as_json=as_json)


@bench_app.command()
def hls(
    viewers: Annotated[int, typer.Option(help="LL-HLS viewers.", min=1)] = VIEWERS_HLS,
    runs: Runs = 3,
    seconds: Seconds = 8.0,
    as_json: AsJson = False,
) -> None:
    """CPU for LL-HLS viewers who take every part, and how late parts are complete."""
    plan = HlsPlan(viewers, runs, seconds)
    report = Report("hls", plan)
    _measure(bench_hls(report, plan), report, as_json=as_json)


@bench_app.command()
def glass(runs: Runs = 3, seconds: Seconds = 8.0, as_json: AsJson = False) -> None:
    """Latency from drawing a frame to its decoding by a WHEP viewer."""
    plan = GlassPlan(runs, seconds)
    report = Report("glass", plan)
    _measure(bench_glass(report, plan), report, as_json=as_json)


@bench_app.command()
def janus(
    viewers: Annotated[int, typer.Option(help="Viewers.", min=1)] = VIEWERS_WHEP,
    runs: Runs = 3,
    seconds: Seconds = 8.0,
    as_json: AsJson = False,
) -> None:
    """The load of `relay` on Debian's Janus (apt package janus), as a yardstick."""
    plan = JanusPlan(viewers, runs, seconds)
    report = Report("janus", plan)
    _measure(bench_janus(report, plan), report, as_json=as_json)


@bench_app.command()
def lake(
    facts: Annotated[int, typer.Option(help="Facts of a run.", min=1_000)] = 1_000_000,
    batch: Annotated[
        int, typer.Option(help="Facts of a commit; a server writes as many.", min=100)
    ] = 50_000,
    runs: Runs = 1,
    as_json: AsJson = False,
) -> None:
    """Facts a second of CPU into the lake, bytes a row, memory, a query of an hour."""
    import tempfile

    from server.ops.lake_bench import bench_lake

    report = Report("lake", {"facts": facts, "batch": batch, "runs": runs})

    async def measured() -> None:
        with tempfile.TemporaryDirectory() as folder:
            bench_lake(report, Path(folder), facts=facts, batch=batch, runs=runs)

    _measure(measured(), report, as_json=as_json)


@bench_app.command()
def insight(
    runs: Runs = 4,
    seconds: Seconds = 6.0,
    viewers: Annotated[int, typer.Option(help="WHEP viewers of each server.", min=1)] = 60,
    buyers: Annotated[int, typer.Option(help="Buyers who tap at once.", min=1)] = 32,
    guests: Annotated[int, typer.Option(help="Guest accounts of each server.", min=1)] = 500,
    as_json: AsJson = False,
) -> None:
    """Relay and orders of a server with the role insight, as ratios to one without it."""
    plan = InsightPlan(runs, seconds, viewers, buyers, guests)
    report = Report("insight", plan)
    _measure(bench_insight(report, plan), report, as_json=as_json)


def _measure(bench: Coroutine[Any, Any, None], report: Report, *, as_json: bool) -> None:
    """Run `bench`, print its report; exit with EXIT_NOT_SOUND where a check does not hold."""
    try:
        uvloop.run(_until_ended(bench))
    except asyncio.CancelledError:
        sys.exit(EXIT_TERMINATED)
    except LoadError as error:
        raise OperatorError(str(error)) from None
    except ExceptionGroup as group:
        failure = first_of(group)
        if failure is None:
            raise
        raise OperatorError(str(failure)) from None
    machine, command = Machine.this(), shlex.join(["linli", *sys.argv[1:]])
    if as_json:
        found = report.as_dict(command, machine)
        print(json.dumps(found, ensure_ascii=False, indent=2, default=str))
    else:
        report.show(Console(), command, machine)
    if not report.valid:
        sys.exit(EXIT_NOT_SOUND)


async def _until_ended(bench: Coroutine[Any, Any, None]) -> None:
    """Run `bench`; SIGTERM ends it in order, server and temporary files included."""
    task = asyncio.ensure_future(bench)
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    await task
