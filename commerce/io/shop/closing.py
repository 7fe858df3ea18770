"""A store closes before its hours end: it takes no more orders, and what it has not begun ends."""

from dataclasses import dataclass

from sqlalchemy import select, update

from commerce.errors import InvalidField
from commerce.io.record.locks import lock_order
from commerce.io.record.order_postings import cancel_orders
from commerce.io.record.postings import Topic, enqueue
from commerce.io.record.schema import orders, stores
from commerce.io.shop.context import ShopContext
from commerce.io.shop.fulfilment import give_up_seat
from commerce.io.shop.slots import SlotKeeping
from commerce.orders.promise import HORIZON_MS, window_of
from commerce.orders.states import OrderState

REASON = "closed-early"


@dataclass(frozen=True, slots=True)
class Closed:
    """Until when a store is closed, and the orders whose buyers are paid back."""

    store_id: str
    closed_until_ms: int
    refunded: tuple[str, ...]


class Closing:
    """Closes stores. Again, it ends what came in between; each order in a transaction."""

    def __init__(self, shop: ShopContext, slots: SlotKeeping) -> None:
        self._shop = shop
        self._slots = slots

    async def close(self, store_id: str, until_ms: int, closed_by: str) -> Closed:
        """Take no orders for windows that begin before `until_ms`, and refund those not begun.

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
        refunded = await self._end(store_id, until_ms, closed_by) if until_ms > at_ms else ()
        self._shop.on_commit()
        return Closed(store_id, until_ms, refunded)

    async def _end(self, store_id: str, until_ms: int, closed_by: str) -> tuple[str, ...]:
        here = select(orders.c.id, orders.c.slot).where(
            orders.c.store_id == store_id, orders.c.state == OrderState.NEW.value
        )
        async with self._shop.record.read() as connection:
            rows = (await connection.execute(here.order_by(orders.c.created_at_ms))).all()
        due = [id for id, slot in rows if not slot or window_of(slot).from_ms < until_ms]
        return tuple([id for id in due if await self._refund(id, closed_by)])

    async def _refund(self, order_id: str, closed_by: str) -> bool:
        """Cancel an order that is still new; its units, slot and payment go back."""
        at_ms = self._shop.clock()
        async with self._shop.record.write() as connection:
            order = await connection.run_sync(lock_order, order_id, group=True, stock=True)
            if order.state is not OrderState.NEW:  # a packer was faster
                return False
            await connection.run_sync(cancel_orders, [order], REASON, closed_by, at_ms)
            await connection.run_sync(give_up_seat, order, at_ms)
            before, after = (
                {"state": state.value} for state in (order.state, OrderState.CANCELLED)
            )
            await self._shop.audit(
                connection,
                closed_by,
                "order.move",
                order.id,
                before,
                {**after, "reason": REASON},
                at_ms,
                brand_id=self._shop.catalogue.brand_id("store", order.store_id),
            )
        return True
