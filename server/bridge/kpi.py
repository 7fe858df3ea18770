"""Key figures of brands for their head offices, read from the lake by one thread at low priority.

What was read is kept for five times as long as it took, five minutes at most, and what is being
read is waited for by all who ask for it: a page that is reloaded by many costs a sixth of a
core, and a small lake is seen as it is.
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

FRESH_S, FRESH_S_MIN = 300.0, 5.0  # most, least
FRESH_TIMES = 5.0  # as long as the reading took
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
        self._kept: OrderedDict[str, tuple[float, KpiBoard]] = OrderedDict()  # with its end
        self._reading: dict[str, asyncio.Future[KpiBoard | None]] = {}

    async def board(
        self, brand: str, month: str, plan: Plan, stated: Statements
    ) -> KpiBoard | None:
        """Return the figures of a month, or None while there is no lake."""
        key = repr((brand, month, plan, stated))
        kept = self._kept.get(key)
        if kept is not None and self._monotonic() < kept[0]:
            return kept[1]
        reading = self._reading.get(key)
        if reading is None:
            if self._thread is None:
                self._thread = ThreadPoolExecutor(1, "kpi", initializer=_yield_to_lives)
            loop, began_s = asyncio.get_running_loop(), self._monotonic()
            reading = loop.run_in_executor(self._thread, self._read, brand, month, plan, stated)
            self._reading[key] = reading
            reading.add_done_callback(lambda done: self._done(key, began_s, done))
        # One that goes away leaves the reading to the others.
        return await asyncio.shield(reading)

    def _done(self, key: str, began_s: float, reading: asyncio.Future[KpiBoard | None]) -> None:
        del self._reading[key]
        board = None if reading.cancelled() or reading.exception() else reading.result()
        if board is None:
            return
        now_s = self._monotonic()
        fresh_s = min(max(FRESH_TIMES * (now_s - began_s), FRESH_S_MIN), FRESH_S)
        self._kept[key] = now_s + fresh_s, board
        self._kept.move_to_end(key)
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
