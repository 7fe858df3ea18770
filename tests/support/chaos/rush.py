"""A rush of orders on both fronts by the load tester's till, and its audit afterwards."""

import asyncio
import itertools
import random
import time
from collections import Counter
from dataclasses import dataclass, field

from loadtest.errors import LoadError
from loadtest.measure.recorder import Recorder
from loadtest.runner.audit import Books, read_books
from loadtest.runner.orders import Account, Till
from loadtest.runner.target import Address, Found, look

SETTLE_S = 20.0
LOOK_S = 0.5


@dataclass(slots=True)
class Rush:
    """Guests who tap evenly at all fronts. `open`, `run`, `audit`, then `close`."""

    room: str
    fronts: dict[str, str]
    recorder: Recorder
    rng: random.Random
    products: tuple[str, ...]  # what is bought
    _tills: list[Till] = field(default_factory=list)
    _before: Found = field(default_factory=lambda: Found((), (), {}))

    async def open(self, guests: int) -> None:
        """Make the guests' accounts and look at the stock."""
        for place, url in enumerate(self.fronts.values()):
            till = Till(Address.parse(url), self.room, self.recorder)
            self._tills.append(till)
            self._before = await look(till.http(0), self.room)
            numbers = list(range(place, guests, len(self.fronts)))
            await till.open_accounts(numbers, self._before.estates)

    async def run(self, per_s: float, over: asyncio.Event) -> None:
        """Tap until it is over; return when the last tap is answered or given up."""
        loop = asyncio.get_running_loop()
        began = loop.time()
        async with asyncio.TaskGroup() as tasks:
            for number in itertools.count():
                await asyncio.sleep(max(0.0, began + number / per_s - loop.time()))
                if over.is_set():
                    return
                till = self._tills[number % len(self._tills)]
                account = self.rng.choice(till.accounts)
                product = self.rng.choice(self.products)
                tasks.create_task(self._tap(till, account, product))

    async def audit(self) -> tuple[Counter[str], int]:
        """Compare what was confirmed with what the shop says now, once that has settled.

        Returns the counts, and of how many guests nothing is known.
        """
        loop = asyncio.get_running_loop()
        deadline = loop.time() + SETTLE_S
        while True:
            counts, unread = await self._compare()
            if not (unread or +counts) or loop.time() > deadline:
                return counts, unread
            await asyncio.sleep(LOOK_S)

    async def close(self) -> None:
        """Close all connections."""
        await asyncio.gather(*(till.close() for till in self._tills))

    async def _tap(self, till: Till, account: Account, product_id: str) -> None:
        await till.tap(account, product_id, time.monotonic_ns())

    async def _compare(self) -> tuple[Counter[str], int]:
        books = Books()
        for till in self._tills:
            books.add(await read_books(till, self.recorder))
        try:
            after = await look(self._tills[0].http(0), self.room)
        except LoadError as error:
            self.recorder.errors[f"audit: {error}"] += 1
            return Counter(), books.unread + 1
        return books.judge(self._before, after.left), books.unread
