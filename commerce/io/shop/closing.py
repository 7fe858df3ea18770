"""A store closes before its hours end: others take the orders that it has not begun."""

from dataclasses import dataclass

from sqlalchemy import select, update

from commerce.errors import IllegalMove, InvalidField
from commerce.io.record.postings import Topic, enqueue
from commerce.io.record.schema import orders, stores
from commerce.io.shop.context import ShopContext
from commerce.io.shop.rerouting import Rerouting
from commerce.io.shop.slots import SlotKeeping
from commerce.orders.promise import HORIZON_MS, window_of
from commerce.orders.rerouting import RerouteReason
from commerce.orders.states import OrderState


@dataclass(frozen=True, slots=True)
class Closed:
    """Until when a store is closed, the orders that other stores take, and those paid back."""

    store_id: str
    closed_until_ms: int
    moved: tuple[str, ...]
    refunded: tuple[str, ...]


class Closing:
    """Closes stores. Again, it ends what came in between; each order in a transaction."""

    def __init__(self, shop: ShopContext, slots: SlotKeeping, rerouting: Rerouting) -> None:
        self._shop = shop
        self._rerouting = rerouting
        self._slots = slots

    async def close(self, store_id: str, until_ms: int, closed_by: str) -> Closed:
        """Take no orders for windows that begin before `until_ms`; others take those not begun.

        An order that no other store can do is paid back.

        A time that has passed opens the store again.

        Raises:
            NotFound: There is no such store.
            InvalidField: `until_ms` is beyond the horizon.
        """
        store = self._shop.catalogue.store(store_id)
        at_ms = self._shop.clock()
        if until_ms > at_ms + HORIZON_MS:
            raise InvalidField("until_ms", f"At most {HORIZON_MS} ms ahead.")
        brand_id = self._shop.catalogue.brand_id("store", store_id)
        async with self._shop.record.write() as connection:
            closed = update(stores).where(stores.c.id == store_id)
            await connection.execute(closed.values(closed_until_ms=until_ms))
            await connection.run_sync(enqueue, Topic.PLACE, [brand_id], at_ms)
            before, after = ({"closed_until_ms": at} for at in (store.closed_until_ms, until_ms))
            await self._shop.audit(
                connection,
                closed_by,
                "store.close",
                store_id,
                before,
                after,
                at_ms,
                brand_id=brand_id,
            )
        await self._shop.cache.refresh()
        await self._slots.open_windows()
        ended = await self._end(store_id, until_ms, closed_by) if until_ms > at_ms else {}
        self._shop.on_commit()
        moved = tuple(id for id, to in ended.items() if to is not None)
        refunded = tuple(id for id, to in ended.items() if to is None)
        return Closed(store_id, until_ms, moved, refunded)

    async def _end(self, store_id: str, until_ms: int, closed_by: str) -> dict[str, str | None]:
        """Give orders away; return the store that has each now, None of those paid back."""
        here = select(orders.c.id, orders.c.slot).where(
            orders.c.store_id == store_id, orders.c.state == OrderState.NEW.value
        )
        async with self._shop.record.read() as connection:
            rows = (await connection.execute(here.order_by(orders.c.created_at_ms))).all()
        ended: dict[str, str | None] = {}
        for id, slot in rows:
            if slot and window_of(slot).from_ms >= until_ms:
                continue
            try:
                ended[id] = await self._rerouting.reroute(id, RerouteReason.CLOSED, closed_by)
            except IllegalMove:  # a packer was faster
                continue
        return ended
