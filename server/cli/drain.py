"""`linli drain`: empty workers and end them."""

import asyncio
import time
from typing import Annotated

import typer
from redis.exceptions import RedisError

from server.cli.console import out, run
from server.cli.top import open_heartbeats
from server.errors import OperatorError
from server.ops.heartbeat import Heartbeats
from server.settings import Settings

POLL_S = 0.5


def drain(
    node: Annotated[str, typer.Option(help="All workers of this node, as linli top has it.")] = "",
    worker: Annotated[str, typer.Option(help="One worker, as linli top has it.")] = "",
    timeout: Annotated[float, typer.Option(help="Wait so long for their end, s.", min=1)] = 120.0,
) -> None:
    """Have workers take no new viewers, move those who are there, and end, as SIGTERM does."""
    settings = Settings()

    async def main() -> None:
        async with open_heartbeats(settings) as heartbeats:
            chosen = {
                (beat.worker, beat.pid)
                for beat in await heartbeats.read()
                if beat.worker == worker or (node and beat.node == node)
            }
            if not chosen:
                raise OperatorError("No such worker runs. `linli top --once` lists them.")
            for each, _ in chosen:
                await heartbeats.request_drain(each)
            out.print(f"Draining {_names(chosen)}.", highlight=False)
            ends_s = time.monotonic() + timeout
            while left := chosen & await _running(heartbeats, settings):
                if time.monotonic() > ends_s:
                    raise OperatorError(f"Still there: {_names(left)}.")
                await asyncio.sleep(POLL_S)

    if not node and not worker:
        raise OperatorError("Say which: --node or --worker.")
    run(main())


def _names(processes: set[tuple[str, int]]) -> str:
    return ", ".join(sorted(worker for worker, _ in processes))


async def _running(heartbeats: Heartbeats, settings: Settings) -> set[tuple[str, int]]:
    """Return the workers that run, and their pids: a supervisor starts another of the same id.

    An embedded Valkey ends with its only worker.
    """
    try:
        return {(beat.worker, beat.pid) for beat in await heartbeats.read()}
    except (RedisError, OSError):
        if settings.redis_url:
            raise
        return set()
