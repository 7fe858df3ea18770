"""`linli drain` ends a worker that runs, and says so when there is none."""

import asyncio
import json
from pathlib import Path

import pytest

from tests.support.running import SHOP, Running
from tests.support.waiting import WAIT_S, wait_until


@pytest.mark.soak
async def test_a_worker_that_is_drained_ends_in_order(tmp_path: Path) -> None:
    server = Running(tmp_path)
    await server.load(SHOP)
    await server.start()
    process = server.process
    assert process is not None
    found: list[str] = []

    async def listed() -> bool:
        rows = json.loads(await server.linli("top", "--once", "--json"))["workers"]
        found[:] = [row["worker"] for row in rows if row["pid"] == process.pid]
        return bool(found)

    await wait_until(listed, poll_s_max=1.0)
    await server.linli("drain", "--worker", found[0])
    async with asyncio.timeout(WAIT_S):
        assert await process.wait() == 0
    assert "stopped" in server.log
