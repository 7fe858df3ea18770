"""Key figures of brands for their head offices, read from the lake by one thread at low priority.

What was read is kept for five minutes, and what is being read is waited for by all who ask for it,
so that a page that is reloaded by many costs one reading.
"""

import asyncio
import contextlib
import os
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from commerce.io.record.engine import wall_clock
from insight.errors import BadQuery
from insight.io.kpi import KpiBoard, Plan, Statements, read_board
from insight.io.lake import Lake

FRESH_S = 300.0
BOARDS_MAX = 32
NICENESS = 10


class KpiReader:
    """Reads boards; `close` when nothing reads any more."""

    def __init__(
        self,
        lake: Lake,
        clock: Callable[[], int] = wall_clock,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._lake = lake
        self._clock = clock
        self._monotonic = monotonic
        self._thread: ThreadPoolExecutor | None = None
        self._kept: OrderedDict[str, tuple[float, KpiBoard]] = OrderedDict()
        self._reading: dict[str, asyncio.Future[KpiBoard | None]] = {}

    async def board(
        self, brand: str, month: str, plan: Plan, stated: Statements
    ) -> KpiBoard | None:
        """Return the figures of a month, or None while there is no lake."""
        key = repr((brand, month, plan, stated))
        kept = self._kept.get(key)
        if kept is not None and self._monotonic() - kept[0] < FRESH_S:
            return kept[1]
        reading = self._reading.get(key)
        if reading is None:
            if self._thread is None:
                self._thread = ThreadPoolExecutor(1, "kpi", initializer=_yield_to_lives)
            loop = asyncio.get_running_loop()
            reading = loop.run_in_executor(self._thread, self._read, brand, month, plan, stated)
            self._reading[key] = reading
            reading.add_done_callback(lambda done: self._done(key, done))
        # One that goes away leaves the reading to the others.
        return await asyncio.shield(reading)

    def _done(self, key: str, reading: asyncio.Future[KpiBoard | None]) -> None:
        del self._reading[key]
        board = None if reading.cancelled() or reading.exception() else reading.result()
        if board is None:
            return
        self._kept[key] = self._monotonic(), board
        while len(self._kept) > BOARDS_MAX:
            self._kept.popitem(last=False)

    def close(self) -> None:
        """Wait for what is being read."""
        if self._thread is not None:
            self._thread.shutdown(wait=True, cancel_futures=True)

    def _read(self, brand: str, month: str, plan: Plan, stated: Statements) -> KpiBoard | None:
        try:
            return read_board(self._lake, brand, month, plan, stated, now_ms=self._clock())
        except BadQuery:
            return None


def _yield_to_lives() -> None:
    with contextlib.suppress(OSError):
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), NICENESS)
