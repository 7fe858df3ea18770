"""A child is waited for however it is ended: one that is left behind stays as a zombie."""

import asyncio
from typing import Any

import pytest

from media.io.fed_child import FedChild
from media.io.restream.road import CHILD
from tests.support.waiting import wait_until

Processes = list[asyncio.subprocess.Process]


@pytest.fixture
def processes(monkeypatch: pytest.MonkeyPatch) -> Processes:
    """The processes that the test started."""
    found: Processes = []
    start = asyncio.create_subprocess_exec

    async def started(*arguments: Any, **options: Any) -> asyncio.subprocess.Process:
        process = await start(*arguments, **options)
        found.append(process)
        return process

    monkeypatch.setattr(asyncio, "create_subprocess_exec", started)
    return found


async def test_a_child_that_is_ended_while_it_starts_is_waited_for(processes: Processes) -> None:
    began = asyncio.Event()
    child = FedChild(CHILD, b"", lambda data: None, on_start=began.set)
    await began.wait()
    await child.close()
    assert [process.returncode is None for process in processes] == [False]


async def test_a_child_that_is_ended_twice_is_waited_for(processes: Processes) -> None:
    child = FedChild(CHILD, b"", lambda data: None)
    await wait_until(lambda: processes)
    closing = asyncio.create_task(child.close())
    await asyncio.sleep(0)
    await child.close()
    await closing
    assert [process.returncode is None for process in processes] == [False]
