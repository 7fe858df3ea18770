"""The side of a process that plays a share for a coordinator elsewhere."""

import asyncio
import dataclasses
from typing import Any

from loadtest.errors import LoadError
from loadtest.measure.recorder import Interval
from loadtest.runner.link import Link, LinkBroken
from loadtest.runner.share import Setup, Share


async def work(link: Link, sources: tuple[str, ...] | None = None) -> None:
    """Play what the coordinator wants until it closes the link; what goes wrong is sent to it.

    `sources` are addresses of another machine than the coordinator's.

    Raises:
        LinkBroken: The coordinator is gone, or speaks another protocol.
    """

    def on_interval(interval: Interval) -> None:
        link.send("interval", interval=interval.encode())

    first = await link.receive()
    if first["t"] != "setup":
        raise LinkBroken(f"{first['t']!r} before the setup")
    setup = Setup.decode(first["setup"])
    if sources is not None:
        setup = dataclasses.replace(setup, sources=sources)
    share = Share(setup, on_interval)
    playing: asyncio.Task[None] | None = None
    try:
        while True:
            message = await link.receive()
            if message["t"] == "stop":
                share.stop(target_gone=message["target_gone"])
            elif playing is None or playing.done():
                playing = asyncio.create_task(_do(share, link, message))
    finally:
        # Of a coordinator that is gone, what the share made is taken away all the same.
        share.stop(target_gone=False)
        if playing:
            await asyncio.gather(playing, return_exceptions=True)
        await share.tidy()


async def _do(share: Share, link: Link, message: dict[str, Any]) -> None:
    """Do one thing that takes its time, and answer."""
    try:
        match message["t"]:
            case "prepare":
                await share.prepare()
                link.send("done")
            case "play":
                end = await share.play(message["start_ns"])
                link.send("done", end=end.encode())
            case "tidy":
                link.send("done", left=await share.tidy(message["target_gone"]))
    except LoadError as error:
        link.send("failed", text=str(error))
    await link.flush()
