"""Connections that never publish, by the hundred thousand, take nothing from one that does."""

import asyncio
import contextlib
import gc
import os
from pathlib import Path

import pytest

from media.io.rtmp.connection import PUBLISH_TIMEOUT_S
from media.io.rtmp.listener import WAITING_PER_ADDRESS_MAX, RtmpListener
from media.io.webrtc.plane import MediaPlane
from tests.support.figures import Figures
from tests.support.media_plane import ROOM, live, plane
from tests.support.rtmp_publisher import publishing
from tests.support.waiting import wait_until

__all__ = ["plane"]

CONNECTIONS = 100_000
AT_ONCE = 200
GROWTH_MIB_MAX = 20.0
# What a client may have said before it stops: nothing, a part of the handshake, something else.
BEGINNINGS = (b"", b"\3", b"\3" + bytes(700), b"\3" + bytes(1_536), b"GET / HTTP/1.1\r\n\r\n")


async def half_open(port: int, number: int) -> None:
    """Connect from one of many addresses of loopback, say something, and go without a word."""
    address = f"127.{1 + number % 200}.{number // 200 % 250}.{1 + number % 7}"
    with contextlib.suppress(OSError):
        _, writer = await asyncio.open_connection("127.0.0.1", port, local_addr=(address, 0))
        writer.write(BEGINNINGS[number % len(BEGINNINGS)])
        await asyncio.sleep(0)
        writer.transport.abort()


def rss_mib() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


@pytest.mark.timeout(1_200)
async def test_half_open_connections_leave_nothing_behind(
    plane: MediaPlane, figures: Figures
) -> None:
    async def authorize(address: str, key: str) -> str | None:
        return ROOM if key == "key" else None

    listener = await RtmpListener.open(plane.roads, authorize, "0.0.0.0", 0)
    async with publishing(f"rtmp://127.0.0.1:{listener.port}/live/key"):
        await wait_until(lambda: live(plane))
        await _flood(listener.port, CONNECTIONS // 10)  # caches are filled
        gc.collect()
        before = rss_mib()
        await _flood(listener.port, CONNECTIONS)
        await wait_until(lambda: listener.stats().connections_open == 1)
        gc.collect()
        assert live(plane) and listener.stats().publishers == 1, "the encoder publishes on"
        figures.at_most(
            "memory after 10⁵ half-open connections", rss_mib() - before, GROWTH_MIB_MAX, "MiB"
        )
        assert sum(listener.stats().ended.values()) >= CONNECTIONS
    await listener.close()


async def _flood(port: int, count: int) -> None:
    for begin in range(0, count, AT_ONCE):
        await asyncio.gather(*(half_open(port, begin + number) for number in range(AT_ONCE)))


@pytest.mark.timeout(120)
async def test_handshakes_that_are_slow_end_and_hold_up_nobody(plane: MediaPlane) -> None:
    async def authorize(address: str, key: str) -> str | None:
        return ROOM if key == "key" else None

    listener = await RtmpListener.open(plane.roads, authorize, "127.0.0.1", 0)
    slow = [
        await asyncio.open_connection("127.0.0.1", listener.port)
        for _ in range(WAITING_PER_ADDRESS_MAX - 1)
    ]
    loop = asyncio.get_running_loop()
    began = loop.time()

    async def drip(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError):
            while not reader.at_eof():
                writer.write(b"\3")
                await writer.drain()
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(0.5):
                        await reader.read(4_096)

    drips = asyncio.gather(*(drip(*each) for each in slow))
    async with publishing(f"rtmp://127.0.0.1:{listener.port}/live/key"):
        await wait_until(lambda: live(plane))
        await drips
        assert loop.time() - began >= PUBLISH_TIMEOUT_S - 0.5
        assert listener.stats().ended["no publish command"] == len(slow)
        assert live(plane)
    await listener.close()
    for _, writer in slow:
        writer.close()
