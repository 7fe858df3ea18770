"""The process of the role insight, played by a small program, beside its server."""

import asyncio
import contextlib
import os
import signal
import sys
from pathlib import Path

import pytest
from pydantic import SecretStr

from server.ops.insight_process import (
    InsightChild,
    TooLarge,
    environment,
    is_apart,
    watch_memory,
)
from server.settings import InsightProcess, Settings
from server.worker import INSIGHT_NUMBER, VARIABLE, Worker
from tests.support.waiting import WAIT_S, wait_until

# Notes its pid and its place, beats, and ends in order at SIGTERM.
RUNS = f"""
import os, signal
node, number, count, listener, beats = os.environ[{VARIABLE!r}].split()
signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
os.write(int(beats), b"R")
open(f"{{os.environ['PIDS']}}/{{node}}.{{number}}.{{listener}}.{{os.getpid()}}", "w").close()
signal.pause()
"""
WORKER = Worker("0a1b2c", 0, 1, None, None)


def started(folder: Path) -> dict[int, str]:
    """Return the places of all that were started, by pid."""
    return {int(path.suffix[1:]): path.stem for path in folder.iterdir()}


async def test_insight_that_is_killed_is_started_again_in_its_place_and_ends_with_the_server(
    tmp_path: Path,
) -> None:
    child = InsightChild(WORKER, {"PIDS": str(tmp_path)}, (sys.executable, "-I", "-c", RUNS))
    task = asyncio.create_task(child.run())
    await wait_until(lambda: started(tmp_path), what="the process")
    assert child.pid is not None
    os.kill(child.pid, signal.SIGKILL)
    await wait_until(lambda: len(started(tmp_path)) == 2, what="another process")
    last = child.pid
    task.cancel()
    async with asyncio.timeout(WAIT_S):
        with contextlib.suppress(asyncio.CancelledError):
            await task
    # Its leases are its own still: the place is the same.
    assert set(started(tmp_path).values()) == {f"0a1b2c.{INSIGHT_NUMBER}.-1"}
    assert last in started(tmp_path) and child.pid is None


def test_insight_is_apart_where_there_is_a_core_for_it_and_a_setting_decides() -> None:
    cores = len(os.sched_getaffinity(0))
    assert is_apart(Settings(insight_process=InsightProcess.AUTO)) == (cores > 1)
    assert is_apart(Settings(insight_process=InsightProcess.OWN))
    assert not is_apart(Settings(insight_process=InsightProcess.SHARED))
    assert not is_apart(Settings(insight_process=InsightProcess.OWN, roles=("edge",)))


def test_the_process_knows_the_record_lake_and_redis_of_its_server(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path, lake_url=SecretStr("s3://bucket/lake"))
    given = environment(settings, "unix:///run/valkey.sock")
    names = {name.removeprefix("LINLI_").lower(): text for name, text in given.items()}
    there = Settings.model_validate({k: v for k, v in names.items() if k in Settings.model_fields})
    assert (there.roles, there.redis_url) == (("insight",), "unix:///run/valkey.sock")
    assert there.sql_url == settings.sql_url and there.lake_url == settings.lake_url


async def test_insight_ends_when_it_has_more_memory_than_it_may() -> None:
    async with asyncio.timeout(WAIT_S):
        with pytest.raises(TooLarge):
            await watch_memory(1)
