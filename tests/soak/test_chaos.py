"""Nodes, workers, Redis and PostgreSQL are killed at random; nothing is oversold or lost."""

import asyncio
import os
import shutil
import sys

import pytest

from tests.support.chaos.verdict import Exit

SEEDS = 10
RUN_S_MAX = 1_800.0
_missing = os.geteuid() != 0 or not all(map(shutil.which, ("unshare", "nsenter", "ip")))


@pytest.mark.timeout(RUN_S_MAX + 60.0)
@pytest.mark.skipif(_missing, reason="only root may make network namespaces, with iproute2")
async def test_nothing_is_oversold_or_lost_whatever_is_killed() -> None:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.support.chaos", "--seed", "1", "--seeds", str(SEEDS)),
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        async with asyncio.timeout(RUN_S_MAX):
            out, _ = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
    print(out.decode())
    assert process.returncode in (Exit.HELD, Exit.LATE), out.decode()
