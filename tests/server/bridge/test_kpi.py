"""Boards of key figures: read once for all who ask for one at a time, and kept for five minutes."""

import asyncio
import threading
from pathlib import Path

import pytest

from insight.io.kpi import KpiBoard, Plan
from insight.io.lake import Lake
from server.bridge import kpi
from server.bridge.kpi import FRESH_S, KpiReader
from tests.support.lake_facts import AT_MS
from tests.support.waiting import wait_until


async def test_many_who_ask_for_a_board_cost_one_reading(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[str] = []
    may_end = threading.Event()

    def read_board(lake: Lake, brand: str, month: str, *_: object, now_ms: int) -> KpiBoard:
        read.append(month)
        assert may_end.wait(60)
        return KpiBoard(month, now_ms, False, (), ())

    monkeypatch.setattr(kpi, "read_board", read_board)
    now = 100.0
    reader = KpiReader(Lake(str(tmp_path)), lambda: AT_MS, lambda: now)

    async def ask(month: str) -> KpiBoard | None:
        return await reader.board("b", month, Plan(), {})

    async with asyncio.TaskGroup() as tasks:
        asked = [tasks.create_task(ask("2026-09")) for _ in range(20)]
        await wait_until(lambda: read)
        asked[0].cancel()  # a page that is closed
        may_end.set()
    boards = {task.result() for task in asked[1:]}
    assert read == ["2026-09"] and len(boards) == 1 and None not in boards
    await ask("2026-09")
    await ask("2026-08")
    assert read == ["2026-09", "2026-08"]
    now += FRESH_S
    await ask("2026-09")
    assert read == ["2026-09", "2026-08", "2026-09"]
    reader.close()
