"""`linli top`: every worker and live of the installation, refreshing."""

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Annotated

import typer
from redis.exceptions import RedisError
from rich.console import Group
from rich.live import Live
from rich.table import Table

from server.cli.console import out, run
from server.errors import OperatorError
from server.ops.embedded import EmbeddedValkey
from server.ops.heartbeat import Beat, Heartbeats
from server.redis_client import open_redis
from server.settings import Settings

LIVES_SHOWN_MAX = 40
CPU_HIGH = 0.7
LAG_MS_HIGH = 50.0


def top(
    interval: Annotated[float, typer.Option(help="Refresh every so many seconds.", min=0.2)] = 2.0,
    once: Annotated[bool, typer.Option("--once", help="Print once and end.")] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print JSON, a line for each refresh.")
    ] = False,
) -> None:
    """Show every node, worker and live: viewers, CPU, lag."""

    async def main() -> None:
        async with open_heartbeats(Settings()) as heartbeats:
            if once:
                _print(await heartbeats.read(), as_json=as_json)
                return
            if as_json:
                while True:
                    _print(await heartbeats.read(), as_json=True)
                    await asyncio.sleep(interval)
            with Live(console=out, screen=True, auto_refresh=False) as screen:
                while True:
                    screen.update(view(await heartbeats.read()), refresh=True)
                    await asyncio.sleep(interval)

    run(main())


@asynccontextmanager
async def open_heartbeats(settings: Settings) -> AsyncIterator[Heartbeats]:
    """Open the rows of the installation's Redis, the embedded one included.

    Raises:
        OperatorError: It does not answer.
    """
    url = settings.redis_url or EmbeddedValkey(settings.data_dir).url
    try:
        async with open_redis(url) as redis:
            yield Heartbeats(redis)
    except (RedisError, OSError, ValueError) as error:
        where = "LINLI_REDIS_URL" if settings.redis_url else "LINLI_DATA_DIR"
        raise OperatorError(f"{where}: no server's Redis answers ({error}).") from None


def view(beats: Sequence[Beat]) -> Group:
    """Return the tables of one refresh."""
    workers = Table("node", "worker", "state", "version", "up", box=None)
    for name in ("CPU", "lag", "lives", "edges", "viewers", "sockets"):
        workers.add_column(name, justify="right")
    for beat in beats:
        workers.add_row(
            beat.node,
            f"{beat.worker}:{beat.port}",
            _state(beat),
            beat.version,
            _duration(beat.up_s),
            _high(f"{beat.cpu:.0%}", beat.cpu >= CPU_HIGH),
            _high(f"{beat.lag_ms:.0f} ms", beat.lag_ms >= LAG_MS_HIGH),
            str(len(beat.lives)),
            str(beat.edges),
            f"{beat.viewers:,}",
            f"{beat.sockets:,}",
        )
    lives = Table("live", "node", "worker", box=None)
    lives.add_column("viewers", justify="right")
    rows = sorted(
        ((viewers, room, beat) for beat in beats for room, viewers in beat.lives.items()),
        key=lambda row: (-row[0], row[1]),
    )
    for viewers, room, beat in rows[:LIVES_SHOWN_MAX]:
        lives.add_row(room, beat.node, beat.worker, f"{viewers:,}")
    more = len(rows) - LIVES_SHOWN_MAX
    total = (
        f"{len({beat.node for beat in beats})} nodes, {len(beats)} workers, {len(rows)} lives, "
        f"{sum(beat.viewers for beat in beats):,} viewers"
    )
    return Group(
        total,
        "",
        _nodes(beats),
        "",
        workers,
        "",
        lives,
        f"and {more} lives more" if more > 0 else "",
    )


def _nodes(beats: Sequence[Beat]) -> Table:
    """Return the sums of each node; the lag is the longest of its workers."""
    table = Table("node", box=None)
    for name in ("workers", "CPU", "lag", "lives", "viewers", "sockets"):
        table.add_column(name, justify="right")
    for node in sorted({beat.node for beat in beats}):
        of_node = [beat for beat in beats if beat.node == node]
        lag_ms = max(beat.lag_ms for beat in of_node)
        table.add_row(
            node,
            str(len(of_node)),
            f"{sum(beat.cpu for beat in of_node):.0%}",
            _high(f"{lag_ms:.0f} ms", lag_ms >= LAG_MS_HIGH),
            str(sum(len(beat.lives) for beat in of_node)),
            f"{sum(beat.viewers for beat in of_node):,}",
            f"{sum(beat.sockets for beat in of_node):,}",
        )
    return table


def _state(beat: Beat) -> str:
    if beat.draining:
        return "drains"
    return _high("full", high=True) if beat.full else "open"


def _print(beats: Sequence[Beat], *, as_json: bool) -> None:
    if as_json:
        print(json.dumps({"workers": [beat.as_dict() for beat in beats]}), flush=True)
    else:
        out.print(view(beats))


def _high(text: str, high: bool) -> str:
    return f"[red]{text}[/]" if high else text


def _duration(seconds: int) -> str:
    minutes, hours = seconds // 60, seconds // 3_600
    if hours >= 24:
        return f"{hours // 24} d"
    return f"{hours} h {minutes % 60} min" if hours else f"{minutes} min"
