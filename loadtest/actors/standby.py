"""A host of a run, in a process of its own that has everything ready before the order to go live.

It prints `ready`, reads the address from standard input, and publishes there until that closes, or
SIGTERM. Whenever its loop stood still it prints `late SECONDS`: the video may have frozen by it.
"""

import asyncio
import contextlib
import gc
import sys
import time
from pathlib import Path

import httpx

from loadtest.actors.publish import Programme, open_sources, publish, run_host
from loadtest.clients.whip import tls_context
from loadtest.measure.stalls import STALL_S

LOOK_S = 0.05
READY, LATE = "ready", "late"
# Young objects that make the collector look at them; with the default it looks all the time.
GC_YOUNG_MAX = 50_000
NOBODY = "http://127.0.0.1:9/"


def standby_command(token: str, clip: Path | None) -> int:
    """Run the host; return the exit code of `linli publish`."""
    return run_host(_stand_by(token, Programme(clip)))


async def _stand_by(token: str, programme: Programme) -> None:
    await asyncio.to_thread(_warm_up, programme)
    # httpx loads its network part with the first request.
    async with httpx.AsyncClient(verify=tls_context(), trust_env=False) as http:
        with contextlib.suppress(httpx.HTTPError):
            await http.get(NOBODY)
    gc.collect()
    gc.freeze()
    gc.set_threshold(GC_YOUNG_MAX)
    orders = await _standard_input()
    print(READY, flush=True)
    if not (to := (await orders.readline()).decode().strip()):
        return
    jobs = {
        asyncio.create_task(job)
        for job in (publish(to, token, programme), _until_closed(orders), _watch())
    }
    try:
        done, _ = await asyncio.wait(jobs, return_when=asyncio.FIRST_COMPLETED)
        for job in done:
            job.result()
    finally:
        for job in jobs:
            job.cancel()
        await asyncio.gather(*jobs, return_exceptions=True)


def _warm_up(programme: Programme) -> None:
    """Paint, open and encode once what is published later.

    Raises:
        ClipError: The clip cannot be published.
    """
    sources = open_sources(
        programme.clip,
        copy=programme.copy,
        loop=programme.loop,
        bitrate_bps=programme.bitrate_bps,
    )
    for source in sources:
        source.packet()
        source.close()


async def _standard_input() -> asyncio.StreamReader:
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), sys.stdin
    )
    return reader


async def _until_closed(orders: asyncio.StreamReader) -> None:
    while await orders.read(1_024):
        pass


async def _watch() -> None:
    while True:
        due = time.monotonic() + LOOK_S
        await asyncio.sleep(LOOK_S)
        if (late_s := time.monotonic() - due) >= STALL_S:
            print(f"{LATE} {late_s:.3f}", flush=True)
