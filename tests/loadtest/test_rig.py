"""What the benches read of the program that they measure, and how they tell what failed."""

import asyncio
import itertools
import os
import sys
from pathlib import Path

from loadtest.errors import ClipError, NoAnswer, first_of
from loadtest.rig import SERVER_CORE, Rig, program

TICK_S = 1 / os.sysconf("SC_CLK_TCK")
# Works for less than a tick now and then, in a thread, as programs written in C do.
SMALL_LOAD = """
import threading, time

def work():
    while True:
        until = time.thread_time() + 0.002
        while time.thread_time() < until:
            pass
        time.sleep(0.05)

threading.Thread(target=work).start()
"""


async def test_cpu_is_counted_in_less_than_the_kernels_ticks(tmp_path: Path) -> None:
    command = [sys.executable, "-c", SMALL_LOAD]
    async with program(command, os.environ, SERVER_CORE, tmp_path / "log") as running:
        server = Rig(tmp_path, running, port=1)
        used = []
        for _ in range(40):
            used.append(server.cpu().server_s)
            await asyncio.sleep(0.05)
    steps = [after - before for before, after in itertools.pairwise(used)]
    assert min(steps) >= 0
    assert any(0 < step < TICK_S / 2 for step in steps)


def test_the_first_failure_is_found_in_nested_groups() -> None:
    failure = NoAnswer("nobody there")
    nested = ExceptionGroup("in", [ValueError(), ExceptionGroup("inner", [failure])])
    assert first_of(ExceptionGroup("out", [nested, ClipError("later")])) is failure
    assert first_of(ExceptionGroup("out", [ValueError()])) is None
