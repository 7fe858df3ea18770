"""Keeps the windows of stores open: as many slots in each as its packers can do."""

import structlog
from redis.exceptions import RedisError
from sqlalchemy import Connection, select
from sqlalchemy.exc import DBAPIError, IntegrityError

from commerce.io.gate import keys
from commerce.io.gate.gates import Gates
from commerce.io.record.order_postings import set_slots
from commerce.io.record.schema_slots import slots
from commerce.io.record.slots import SlotPlan
from commerce.io.shop.context import ShopContext
from commerce.io.shop.routes import packing_store
from commerce.orders.promise import HOUR_MS, WAVE, open_windows, slot_item, slot_name

FORGET_AFTER_MS = 2 * HOUR_MS  # longer than slots are compared, see gate/snapshot.py
FORGET_FOR_MS = 4 * HOUR_MS
FORGET_EVERY_MS = 60_000

log = structlog.get_logger()


class SlotKeeping:
    """Opens windows up to the horizon, and closes those that a store is not open in any more."""

    def __init__(self, shop: ShopContext, gates: Gates) -> None:
        self._shop = shop
        self._gates = gates
        self._forget_at_ms = 0

    async def step(self) -> None:
        """Open windows and forget those that are over; what is unavailable is tried next time."""
        try:
            await self.open_windows()
            if self._shop.clock() >= self._forget_at_ms:
                await self._forget()
        except (DBAPIError, RedisError) as error:
            log.warning("windows not opened", error=type(error).__name__)

    async def open_windows(self) -> int:
        """Set the capacity of all windows from now on; return how many changed."""
        at_ms = self._shop.clock()
        wanted = self._wanted(at_ms)
        counted = {
            id for id, store in self._shop.catalogue.stores.items() if store.packers is not None
        }
        if not counted:
            return 0

        def plans(connection: Connection) -> list[SlotPlan]:
            rows = connection.execute(
                select(slots.c.store_id, slots.c.name, slots.c.from_ms, slots.c.until_ms)
                .add_columns(slots.c.capacity)
                .where(
                    slots.c.store_id.in_(counted),
                    slots.c.until_ms > at_ms,
                    slots.c.name.not_like(f"{WAVE}%"),
                )
            )
            there = {(row.store_id, row.name): SlotPlan(*row) for row in rows}
            shut = [
                SlotPlan(old.store_id, old.name, old.from_ms, old.until_ms, 0)
                for here, old in there.items()
                if here not in wanted and old.capacity
            ]
            return shut + [plan for here, plan in wanted.items() if there.get(here) != plan]

        changed = await self._shop.record.query(plans)
        if not changed:
            return 0
        try:
            count = await self._shop.record.transact(
                lambda connection: set_slots(connection, changed, at_ms)
            )
        except IntegrityError:  # another worker was first
            return 0
        if count:
            self._shop.on_commit()
        return count

    def _wanted(self, at_ms: int) -> dict[tuple[str, str], SlotPlan]:
        wanted = {}
        for store in map(packing_store, self._shop.catalogue.stores.values()):
            if store.capacity is None:
                continue
            for window in open_windows(store, now_ms=at_ms):
                name = slot_name(window.from_ms)
                span = window.from_ms, window.until_ms
                wanted[store.id, name] = SlotPlan(store.id, name, *span, store.capacity)
        return wanted

    async def _forget(self) -> None:
        at_ms = self._shop.clock()
        over = select(slots.c.name, slots.c.store_id).where(
            slots.c.until_ms <= at_ms - FORGET_AFTER_MS,
            slots.c.until_ms > at_ms - FORGET_FOR_MS,
        )
        rows: dict[str, list[str]] = {}
        for name, store_id in await self._shop.record.query(
            lambda connection: connection.execute(over).all()
        ):
            brand_id = self._shop.catalogue.brand_id("store", store_id)
            rows.setdefault(brand_id, []).append(keys.row(slot_item(name), store_id))
        for brand_id, found in rows.items():
            await self._gates.of(brand_id).forget(found)
        self._forget_at_ms = at_ms + FORGET_EVERY_MS
