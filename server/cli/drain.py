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
                beat.worker
                for beat in await heartbeats.read()
                if beat.worker == worker or (node and beat.node == node)
            }
            if not chosen:
                raise OperatorError("No such worker runs. `linli top --once` lists them.")
            for each in chosen:
                await heartbeats.request_drain(each)
            out.print(f"Draining {', '.join(sorted(chosen))}.", highlight=False)
            ends_s = time.monotonic() + timeout
            while left := chosen & await _running(heartbeats, settings):
                if time.monotonic() > ends_s:
                    raise OperatorError(f"Still there: {', '.join(sorted(left))}.")
                await asyncio.sleep(POLL_S)

    if not node and not worker:
        raise OperatorError("Say which: --node or --worker.")
    run(main())


async def _running(heartbeats: Heartbeats, settings: Settings) -> set[str]:
    """Return the workers that run; an embedded Valkey ends with its only one."""
    try:
        return {beat.worker for beat in await heartbeats.read()}
    except (RedisError, OSError):
        if settings.redis_url:
            raise
        return set()
