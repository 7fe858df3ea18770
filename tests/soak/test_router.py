"""The router with Linux' own netem: what goes through it, and what it does to it."""

import asyncio
import contextlib
import os
import socket
import subprocess
import time
from pathlib import Path

import pytest

from media.emulator import Conditions
from tests.support import namespaces, router
from tests.support.namespaces import HERE, phone_behind_router

why_not = namespaces.missing() or router.missing()
needs_router = pytest.mark.skipif(why_not is not None, reason=f"{why_not}")
PORT = 9_000
THERE = (HERE[0][:-1] + "2", PORT)
PINGS = 400
PING_BYTES = 1_000
# Sends everything back, on the phone.
_ECHO = f"""
import socket
echo = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
echo.bind({THERE!r})
print("ready", flush=True)
while True:
    echo.sendto(*echo.recvfrom(2_048))
"""


@needs_router
async def test_a_router_loses_delays_and_queues_as_configured(tmp_path: Path) -> None:
    async with phone_behind_router(tmp_path) as (device, middle):
        echo = await asyncio.create_subprocess_exec(
            device.command(tmp_path, "python3"), "-c", _ECHO, stdout=subprocess.PIPE
        )
        assert echo.stdout is not None
        try:
            assert await echo.stdout.readline() == b"ready\n"
            whole = await _pings()
            assert len(whole) == PINGS
            assert min(whole) < 0.05

            slow = Conditions(delay_s=0.1)
            await middle.impair(slow, slow)
            late = await _pings()
            assert len(late) == PINGS
            assert min(late) >= 0.2

            await middle.impair(Conditions(), Conditions(loss=0.3))
            lossy = await _pings()
            assert 0.5 * PINGS < len(lossy) < 0.9 * PINGS
            up, down = await middle.passed()
            # The system sends a packet of its own now and then, which may be lost as well.
            assert 0 <= down.dropped - (PINGS - len(lossy)) < 10
            assert up.dropped == 0

            # 400 pings in 0.8 s are 4 Mbit/s.
            await middle.impair(Conditions(), Conditions(rate_bps=1_000_000, queue_s=0.2))
            capped = await _pings()
            assert 0.2 * PINGS < len(capped) < 0.8 * PINGS
            assert max(capped) > 0.1
        finally:
            echo.kill()
            await echo.wait()


@pytest.mark.skipif(router.missing() is not None, reason=f"{router.missing()}")
async def test_a_router_reports_a_bad_command_and_ends(
    tmp_path: Path,
) -> None:
    here, there = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    with here, there, pytest.raises(AssertionError, match="no-such-command"):
        async with router.router(here.fileno(), there.fileno(), tmp_path) as middle:
            group = middle.process.pid
            await middle.run("no-such-command")
    with pytest.raises(ProcessLookupError):
        os.killpg(group, 0)


async def _pings() -> list[float]:
    """Send PINGS in 0.8 s; return how long each took that came back within a second more."""
    took_s: list[float] = []
    all_came = asyncio.Event()
    loop = asyncio.get_running_loop()
    with contextlib.closing(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as ours:
        ours.bind((HERE[0], 0))
        ours.setblocking(False)

        def came() -> None:
            sent_at, _, _ = ours.recv(2_048).partition(b" ")
            took_s.append(time.monotonic() - float(sent_at))
            if len(took_s) == PINGS:
                all_came.set()

        loop.add_reader(ours, came)
        for _ in range(PINGS):
            ours.sendto(f"{time.monotonic()} ".encode().ljust(PING_BYTES), THERE)
            await asyncio.sleep(0.002)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(1.0):
                await all_came.wait()
        loop.remove_reader(ours)
    return took_s
