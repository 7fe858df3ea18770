"""CPU that the rig reads of a program, and the first error of a task group."""

import os
import signal
import sys
from pathlib import Path

from loadtest.errors import ClipError, NoAnswer, first_of
from loadtest.measure.rig import SERVER_CORE, Rig, program
from tests.support.waiting import wait_until

TICK_S = 1 / os.sysconf("SC_CLK_TCK")
WORK_S = 0.002
# Works for less than a tick, in a thread, as programs written in C do. SIGUSR1 starts it.
SMALL_LOAD = f"""
import signal, threading, time

def work():
    until = time.thread_time() + {WORK_S}
    while time.thread_time() < until:
        pass

signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR1])
print("ready", flush=True)
signal.sigwait([signal.SIGUSR1])
thread = threading.Thread(target=work)
thread.start()
thread.join()
print("worked", flush=True)
signal.sigwait([signal.SIGUSR1])
"""


async def test_cpu_is_counted_in_less_than_the_kernels_ticks(tmp_path: Path) -> None:
    log = tmp_path / "log"
    command = [sys.executable, "-c", SMALL_LOAD]
    async with program(command, os.environ, SERVER_CORE, log) as running:
        server = Rig(tmp_path, running, port=1)
        await wait_until(lambda: "ready" in log.read_text())
        before = server.cpu()
        running.send_signal(signal.SIGUSR1)
        await wait_until(lambda: "worked" in log.read_text())
        used = server.cpu().since(before)
    assert used.server_s >= WORK_S
    assert used.server_s % TICK_S > 0


def test_the_first_failure_is_found_in_nested_groups() -> None:
    failure = NoAnswer("nobody there")
    nested = ExceptionGroup("in", [ValueError(), ExceptionGroup("inner", [failure])])
    assert first_of(ExceptionGroup("out", [nested, ClipError("later")])) is failure
    assert first_of(ExceptionGroup("out", [ValueError()])) is None
