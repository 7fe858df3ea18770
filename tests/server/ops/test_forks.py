"""A child of an event loop reaches exec whatever is garbage at the moment of its fork."""

import subprocess
import sys

# Collects at every chance, and says so when that is in a child.
PROGRAM = """
import asyncio, gc, os, sys
import uvloop
from server.ops.forks import collect_nothing_between_fork_and_exec

if sys.argv[1] == "guarded":
    collect_nothing_between_fork_and_exec()
parent = os.getpid()
gc.callbacks.append(lambda *_: os.getpid() == parent or os.write(1, b"collected in a child"))
gc.set_threshold(1)

async def main():
    child = await asyncio.create_subprocess_exec("true")
    await child.wait()
    assert gc.isenabled()

uvloop.run(main())
"""


def output_of(mode: str) -> str:
    command = [sys.executable, "-c", PROGRAM, mode]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def test_nothing_is_collected_between_fork_and_exec() -> None:
    assert output_of("guarded") == ""
    assert "collected in a child" in output_of("bare"), "uvloop needs no guard any more"
