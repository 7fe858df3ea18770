"""Outbox: chat, joins and purchases that this worker knows of on their way to all workers."""

import asyncio
from collections import defaultdict
from collections.abc import Callable

from rooms.io.audience import Counts
from rooms.io.timeouts import CALL_TIMEOUT_S, within
from rooms.log import Batch, LogUnavailable, RoomBus
from rooms.messages import ChatLine, Purchase
from rooms.rates import Pace
from rooms.room import JOINS_PER_TICK_MAX

OUTBOX_S = 0.05
"""Between two rounds of batches on average; the first after a quiet time leave at once."""
ROUNDS_BURST = 4
ROUND_S_MIN = 0.01
OUTBOX_LINES_MAX = 200
"""Lines of a channel that wait; beyond, the oldest are dropped."""
PURCHASES_MAX = 200
"""Purchases of a channel that are counted in one batch; beyond, the oldest are dropped."""


class Outbox:
    """One task that publishes a merged batch per channel.

    Order: lines of a channel keep their order. Delivery: at most once to other workers; when the
    bus fails, the batch still reaches the viewers of this one through `deliver`. Limits: one batch
    per channel in `OUTBOX_S` on average, of `OUTBOX_LINES_MAX` lines, `JOINS_PER_TICK_MAX` names
    and one purchase, which counts the others, of which `PURCHASES_MAX`.
    """

    def __init__(self, bus: RoomBus, counts: Counts, deliver: Callable[[str, Batch], None]) -> None:
        self._bus = bus
        self._counts = counts
        self._deliver = deliver
        self._lines: defaultdict[str, list[ChatLine]] = defaultdict(list)
        self._joins: defaultdict[str, list[str]] = defaultdict(list)
        # Per channel by order; the newest last.
        self._purchases: defaultdict[str, dict[str, Purchase]] = defaultdict(dict)
        self._changed = asyncio.Event()

    def add_line(self, channel: str, line: ChatLine) -> None:
        """Put a line into the channel's next batch."""
        lines = self._lines[channel]
        lines.append(line)
        del lines[:-OUTBOX_LINES_MAX]
        self._changed.set()

    def add_join(self, channel: str, nickname: str) -> None:
        """Put a name into the channel's next batch, unless there are enough."""
        joins = self._joins[channel]
        if len(joins) < JOINS_PER_TICK_MAX:
            joins.append(nickname)
            self._changed.set()

    def add_purchase(self, channel: str, order_id: str, purchase: Purchase) -> None:
        """Put a purchase into the channel's next batch, which shows the newest of them."""
        waiting = self._purchases[channel]
        waiting[order_id] = purchase
        if len(waiting) > PURCHASES_MAX:
            del waiting[next(iter(waiting))]
        self._changed.set()

    async def run(self) -> None:
        """Publish batches until cancelled."""
        loop, pace = asyncio.get_running_loop(), Pace(OUTBOX_S, ROUNDS_BURST, ROUND_S_MIN)
        while True:
            await self._changed.wait()
            self._changed.clear()
            lines, self._lines = self._lines, defaultdict(list)
            joins, self._joins = self._joins, defaultdict(list)
            bought, self._purchases = self._purchases, defaultdict(dict)
            batches = {
                channel: Batch(
                    tuple(lines.get(channel, ())),
                    tuple(joins.get(channel, ())),
                    next(reversed(bought.get(channel, {}).values()), None),
                    tuple(bought.get(channel, ())),
                )
                for channel in {**lines, **joins, **bought}
            }
            pace.on_sent(loop.time())
            await asyncio.gather(*(self._publish(*item) for item in batches.items()))
            await asyncio.sleep(max(0.0, pace.due_at - loop.time()))

    async def _publish(self, channel: str, batch: Batch) -> None:
        try:
            await within(CALL_TIMEOUT_S, self._bus.publish(channel, batch))
        except LogUnavailable:
            self._counts.log_failures_total += 1
            self._deliver(channel, batch)
