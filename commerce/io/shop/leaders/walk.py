"""The delivery walk: what a leader takes along to doors, and what comes back from it."""

from collections.abc import Collection

from sqlalchemy import Connection

from commerce.io.record.audit_trail import record_audit
from commerce.io.record.order_lines import orders_of
from commerce.io.record.rows import ORDERS
from commerce.io.record.schema import orders
from commerce.io.shop.advance import advance, reverse
from commerce.io.shop.context import ShopContext
from commerce.io.shop.pickup_codes import PickupCodes
from commerce.orders.order import OrderRow
from commerce.orders.promise import Fulfilment
from commerce.orders.states import OrderState

WALK_MAX = 200  # orders of one request


class DeliveryWalk:
    """Marks orders of an estate as out; they are delivered at the door (handover.py)."""

    def __init__(self, shop: ShopContext, codes: PickupCodes) -> None:
        self._shop = shop
        self._codes = codes

    async def go_out(
        self, estate_id: str, order_ids: Collection[str], staff_id: str
    ) -> tuple[str, ...]:
        """Mark these orders, or with none all that are ready for doors, as out.

        Returns:
            Those of them that are out now, whoever took them; the same again when sent again.
        """
        return await self._step(estate_id, order_ids, OrderState.OUT, staff_id)

    async def come_back(
        self, estate_id: str, order_ids: Collection[str], staff_id: str
    ) -> tuple[str, ...]:
        """Note that nobody was at home: these orders wait in the store again.

        Returns:
            Those of them that are ready now.
        """
        return await self._step(estate_id, order_ids, OrderState.READY, staff_id)

    async def _step(
        self, estate_id: str, order_ids: Collection[str], to: OrderState, staff_id: str
    ) -> tuple[str, ...]:
        at_ms = self._shop.clock()
        brand_id = self._shop.catalogue.brand_id("estate", estate_id)

        def work(connection: Connection) -> tuple[str, ...]:
            rows = _locked(connection, estate_id, order_ids)
            for row in rows:
                if row.state is to:
                    continue
                if to is OrderState.OUT:
                    advance(connection, row, to, staff_id, at_ms, self._codes)
                else:
                    reverse(connection, row, to, staff_id, at_ms)
                what = (row.id, {"state": row.state.value}, {"state": to.value}, at_ms)
                record_audit(connection, brand_id, staff_id, "order.move", *what)
            return tuple(row.id for row in rows)

        moved = await self._shop.record.transact(work)
        self._shop.on_commit()
        return moved


def _locked(connection: Connection, estate_id: str, order_ids: Collection[str]) -> list[OrderRow]:
    """Lock what is ready for doors of an estate, or out."""
    states = [OrderState.READY.value, OrderState.OUT.value]
    which = ORDERS.where(
        orders.c.estate_id == estate_id,
        orders.c.fulfilment == Fulfilment.DELIVERY.value,
        orders.c.state.in_(states),
    )
    if order_ids:
        which = which.where(orders.c.id.in_(set(order_ids)))
    rows = orders_of(connection, which.order_by(orders.c.id).limit(WALK_MAX).with_for_update())
    return [row for row in rows if row.state in (OrderState.READY, OrderState.OUT)]
