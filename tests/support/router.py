"""A router whose kernel has `tc netem`, where this machine's may not: Linux in user mode.

A Linux kernel that is a program (Debian's `user-mode-linux`) with two network cards, which are the
file ends of two TAP devices here. What comes in at one goes out at the other, through a netem that
loses and delays as configured. It reads this machine's files and writes none.
"""

import asyncio
import json
import os
import shutil
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from math import ceil
from pathlib import Path

from media.emulator import Conditions, Jitter

KERNEL = "linux.uml"
MEMORY = "64M"
START_S = 30.0
ANSWER_S = 10.0
PACKET_BYTES = 1_200  # of the packets that a queue is counted in
LIMIT = 10_000  # packets in flight, where there is no rate
IN_ORDER_BPS = 1_000_000_000  # netem keeps packets in their order where there is a rate
_INIT = Path(__file__).with_suffix(".sh")
_CARDS = ("vec0", "vec1")


def missing() -> str | None:
    """Return what keeps us from having one, None if nothing does."""
    needed = (KERNEL, "insmod", "tc")
    absent = [program for program in needed if shutil.which(program) is None]
    return f"there is no {', '.join(absent)}" if absent else None


@dataclass(frozen=True, slots=True)
class Passed:
    """What became of the packets of one direction."""

    packets: int  # came out
    dropped: int


class Router:
    """One that runs; `up` is from the second card to the first, `down` the other way."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process
        self.log: list[str] = []

    async def impair(self, up: Conditions, down: Conditions) -> None:
        """Lose, delay and queue like this from now on."""
        for card, conditions in zip(_CARDS, (up, down), strict=True):
            await self.run(f"tc qdisc replace dev {card} root netem {netem(conditions)}")

    async def passed(self) -> tuple[Passed, Passed]:
        """What became of the packets up and down since they were first impaired."""
        up, down = [await self._passed(card) for card in _CARDS]
        return up, down

    async def run(self, command: str) -> str:
        """Run a shell command in the router; return what it printed."""
        assert self.process.stdin is not None
        self.process.stdin.write(f"{command}\n".encode())
        return await self.answer(command, ANSWER_S)

    async def answer(self, command: str, within_s: float) -> str:
        """Return what the router prints until the command has ended."""
        assert self.process.stdout is not None
        printed: list[str] = []
        async with asyncio.timeout(within_s):
            while True:
                line = (await self.process.stdout.readline()).decode(errors="replace")
                self.log.append(line)
                if line.startswith("== "):
                    break
                assert line, f"the router has ended: {''.join(self.log)}"
                printed.append(line)
        assert line.split()[1] == "0", f"{command}: {''.join(printed)}"
        return "".join(printed)

    async def close(self) -> None:
        """Switch it off, by force if it does not answer."""
        assert self.process.stdin is not None
        try:
            self.process.stdin.write(b"exit\n")
            async with asyncio.timeout(ANSWER_S):
                await self.process.communicate()
        except (TimeoutError, ConnectionError):
            os.killpg(self.process.pid, signal.SIGKILL)
            await self.process.wait()

    async def _passed(self, card: str) -> Passed:
        said = json.loads(await self.run(f"tc -s -j qdisc show dev {card} root"))
        return Passed(said[0]["packets"], said[0]["drops"])


@asynccontextmanager
async def router(here: int, there: int, folder: Path) -> AsyncIterator[Router]:
    """Switch a router on between the file ends of two TAP devices; `folder` is for its sockets."""
    cards = zip(_CARDS, (here, there), strict=True)
    process = await asyncio.create_subprocess_exec(
        KERNEL, f"mem={MEMORY}", "quiet", "rootfstype=hostfs", "rootflags=/", "ro",
        f'init="{_INIT}"', f"uml_dir={folder}", "con=null", "con0=fd:0,fd:1",
        *(f"{card}:transport=fd,fd={fd},vec=0" for card, fd in cards),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        pass_fds=(here, there),
        start_new_session=True,
    )  # fmt: skip
    made = Router(process)
    try:
        await made.answer("start", START_S)
        yield made
    finally:
        await made.close()


def netem(conditions: Conditions) -> str:
    """Return conditions in the words of `tc netem`; see tc-netem(8)."""
    assert isinstance(conditions.loss, float) and conditions.jitter is Jitter.UNIFORM
    words = f"delay {conditions.delay_s}s {conditions.jitter_s}s loss {conditions.loss:%}"
    if conditions.rate_bps is not None:
        waits_s = conditions.queue_s + conditions.delay_s + conditions.jitter_s
        limit = ceil(conditions.rate_bps * waits_s / 8 / PACKET_BYTES)
        return f"{words} rate {conditions.rate_bps:.0f}bit limit {limit}"
    order = "" if conditions.reorders else f" rate {IN_ORDER_BPS}bit"
    return f"{words}{order} limit {LIMIT}"
