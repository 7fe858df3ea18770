"""Ends the orders of cancelled presales: units and places are free again, the money goes back.

A batch of orders per transaction; it is a refund of each, once, which the refund queue sends at the
provider's pace. A worker may die between any two batches. What a tap or a payment that was under
way makes later is found by the next look.
"""

import structlog
from sqlalchemy import Connection, and_, or_, select
from sqlalchemy.exc import DBAPIError

from commerce.io.ledger.consumer import Probe
from commerce.io.record.presales import presale_of_row, read_presales
from commerce.io.record.schema import orders, rooms
from commerce.io.record.schema_presales import presales
from commerce.io.shop.context import ShopContext
from commerce.io.shop.ending import end_orders
from commerce.io.shop.notices import notify_buyers
from commerce.notices.notices import NoticeKind
from commerce.orders.presales import CANCELLABLE, Presale, presale_of
from commerce.orders.promise import HOUR_MS
from commerce.orders.states import OrderState

REASON = "presale"  # why money goes back
MOVED_BY = "presale"
BATCH_ORDERS = 50  # of one transaction
STEP_BATCHES = 10
LOOKED_FOR_MS = 24 * HOUR_MS  # after the hand-over: no payment comes later

log = structlog.get_logger()

_CANCELLABLE = sorted(state.value for state in CANCELLABLE)


class PresaleCancels:
    """A chore; several workers may do it, as each order is locked before it is ended."""

    def __init__(self, shop: ShopContext, probe: Probe = lambda step: None) -> None:
        self._shop = shop
        self._probe = probe

    def is_due(self, connection: Connection, at_ms: int) -> bool:
        """See `Chore`."""
        return bool(_left(connection, at_ms, 1))

    async def step(self) -> int:
        """End some of the orders that are left; return how many."""
        ended = 0
        try:
            for _ in range(STEP_BATCHES):
                batch = await self._shop.record.transact(self._batch)
                self._probe("presale batch")
                ended += batch
                if batch < BATCH_ORDERS:
                    break
        except DBAPIError as error:
            log.warning("orders of a presale not ended", error=type(error).__name__)
        if ended:
            self._shop.on_commit()
        return ended

    def _batch(self, connection: Connection) -> int:
        at_ms = self._shop.clock()
        ids = _left(connection, at_ms, BATCH_ORDERS)
        if ids:
            ended = end_orders(connection, ids, REASON, MOVED_BY, at_ms)
            paid = [order for order in ended if order.state is not OrderState.WAITING_PAYMENT]
            notify_buyers(connection, paid, NoticeKind.CANCELLED, MOVED_BY, at_ms)
        return len(ids)


def _left(connection: Connection, at_ms: int, limit: int) -> list[str]:
    """Orders of cancelled presales that are to end, the oldest first."""
    rows = connection.execute(
        select(presales).where(
            presales.c.cancelled_at_ms.is_not(None), presales.c.until_ms > at_ms - LOOKED_FOR_MS
        )
    )
    found: list[str] = []
    for row in rows.mappings().all():
        if len(found) < limit:
            found += _of(connection, presale_of_row(row), row["made_at_ms"], limit - len(found))
    return found


def _of(connection: Connection, presale: Presale, made_at_ms: int, limit: int) -> list[str]:
    # An order of a group gets its place when the group is complete, and none if there is none left.
    unplaced = and_(
        orders.c.slot == "",
        orders.c.product_id.in_(presale.products),
        orders.c.created_at_ms.between(made_at_ms, presale.until_ms),
    )
    rows = connection.execute(
        select(orders.c.id, orders.c.slot, orders.c.product_id, orders.c.created_at_ms)
        .add_columns(rooms.c.store_id.label("of_room"))
        .join(rooms, rooms.c.id == orders.c.room_id)
        .where(
            orders.c.store_id.in_(presale.cancelled),
            orders.c.state.in_(_CANCELLABLE),
            or_(orders.c.slot == presale.slot, unplaced),
        )
        .order_by(orders.c.created_at_ms, orders.c.id)
    ).all()
    if not any(row.slot == "" for row in rows):
        return [row.id for row in rows[:limit]]
    known = [one for one in read_presales(connection) if one.brand_id == presale.brand_id]
    mine = []
    for row in rows:
        of_room = [one for one in known if one.is_for(row.of_room)]
        if row.slot or presale_of(of_room, row.product_id, now_ms=row.created_at_ms) == presale:
            mine.append(row.id)
    return mine[:limit]
