"""Groups whose price falls: fixed at the close, settled seat by seat, resumed after a crash."""

from collections.abc import Callable

import structlog
from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from commerce.io.record.price_drops import (
    close_group,
    groups_to_close,
    settle_seats,
    unsettled_groups,
)
from commerce.io.shop.context import ShopContext

Probe = Callable[[str], None]

log = structlog.get_logger()


class PriceDrops:
    """Fixes prices at the close and has the difference go back. Any worker may do any part."""

    def __init__(self, shop: ShopContext, probe: Probe = lambda step: None) -> None:
        self._shop = shop
        self._probe = probe

    def is_due(self, connection: Connection, at_ms: int) -> bool:
        """See `Chore`."""
        return bool(groups_to_close(connection, at_ms) or unsettled_groups(connection))

    async def step(self) -> None:
        """Do what is due; an unavailable record is retried next time."""
        try:
            await self.close_due()
            await self.settle()
        except DBAPIError as error:
            log.warning("prices not settled", error=type(error).__name__)

    async def close_due(self) -> int:
        """Fix the price of groups with steps whose time is over; how many."""
        at_ms = self._shop.clock()
        async with self._shop.record.read() as connection:
            due = await connection.run_sync(groups_to_close, at_ms)
        closed = 0
        for group_id in due:
            async with self._shop.record.write() as connection:
                closed += await connection.run_sync(close_group, group_id, at_ms)
            self._probe("price-dropped")
        if closed:
            self._shop.on_commit()
        return closed

    async def settle(self) -> None:
        """Have what fell go back to all seats, a portion per transaction."""
        async with self._shop.record.read() as connection:
            groups = await connection.run_sync(unsettled_groups)
        for group_id in groups:
            more = True
            while more:
                async with self._shop.record.write() as connection:
                    more = await connection.run_sync(settle_seats, group_id, self._shop.clock())
                self._probe("seats-settled")
                self._shop.on_commit()
