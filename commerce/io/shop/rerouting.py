"""Orders whose store cannot do them go to the next one that can, if their buyers agree."""

import structlog
from sqlalchemy import Connection, and_, or_, select
from sqlalchemy.exc import DBAPIError

from commerce.errors import IllegalMove, NotFound
from commerce.io.record.audit_trail import record_audit
from commerce.io.record.locks import lock_groups, lock_order
from commerce.io.record.order_lines import orders_of
from commerce.io.record.order_postings import agree_to_store, cancel_orders, reroute_order
from commerce.io.record.postings import lock_stock
from commerce.io.record.quotas import lock_quotas
from commerce.io.record.rows import ORDERS
from commerce.io.record.schema import orders, stock
from commerce.io.record.slots import lock_slots
from commerce.io.shop.context import ShopContext
from commerce.io.shop.fulfilment import give_up_seat
from commerce.io.shop.notices import notify_buyers
from commerce.io.shop.routes import Routes
from commerce.io.shop.views import order_views
from commerce.notices.notices import NoticeKind
from commerce.orders.order import OrderRow
from commerce.orders.promise import read_slots
from commerce.orders.rerouting import (
    NextStore,
    RerouteReason,
    Room,
    consent_by_ms,
    next_store,
)
from commerce.orders.states import OrderState
from commerce.views import OrderView

REFUSED = "moved"  # why an order is paid back whose buyer did not want the other store
UNANSWERED_MAX = 100  # orders of one step

log = structlog.get_logger()


class Rerouting:
    """Gives orders that are not begun to other stores; each in a transaction."""

    def __init__(self, shop: ShopContext, routes: Routes) -> None:
        self._shop = shop
        self._routes = routes

    async def reroute(self, order_id: str, reason: RerouteReason, by: str) -> str | None:
        """Give an order to the next store that can do it, or pay it back.

        Returns:
            The store that has it now; None if it was paid back.

        Raises:
            NotFound: There is no such order.
            IllegalMove: Its picking has begun.
        """
        at_ms = self._shop.clock()

        def work(connection: Connection) -> str | None:
            order, found = self._locked(connection, order_id)
            if order.state is not OrderState.NEW:
                raise IllegalMove(order.state, OrderState.CANCELLED)
            if found.store_id is None:
                self._pay_back(connection, order, reason, by, at_ms)
                return None
            until_ms = consent_by_ms(found.slot, now_ms=at_ms)
            reroute_order(connection, order, found, reason, until_ms, at_ms)
            notify_buyers(connection, [order], NoticeKind.MOVED, by, at_ms)
            before, after = ({"store_id": id} for id in (order.store_id, found.store_id))
            what = (order.id, before, {**after, "reason": reason.value}, at_ms)
            record_audit(connection, self._brand_of(order), by, "order.reroute", *what)
            return found.store_id

        moved = await self._shop.record.transact(work)
        self._shop.on_commit()
        return moved

    async def answer(self, order_id: str, guest_id: str, accepted: bool) -> OrderView:
        """Take the buyer's answer; the same again when it is sent again.

        Raises:
            NotFound: The buyer has no such order.
            IllegalMove: It was paid back, or its picking has begun.
        """
        at_ms = self._shop.clock()

        def work(connection: Connection) -> OrderView:
            order = lock_order(connection, order_id, group=True, stock=True)
            if order.guest_id != guest_id:
                raise NotFound("order", order_id)
            asked = order.state is OrderState.NEW and order.consent_by_ms is not None
            if asked and accepted and at_ms < (order.consent_by_ms or 0):
                agree_to_store(connection, order, at_ms)
            elif asked and not accepted:
                self._pay_back(connection, order, REFUSED, guest_id, at_ms)
            elif (order.state is OrderState.CANCELLED) is accepted or asked:
                raise IllegalMove(order.state, OrderState.NEW)
            now = orders_of(connection, ORDERS.where(orders.c.id == order_id))
            [shown] = order_views(connection, now, self._shop.catalogue)
            return shown

        shown = await self._shop.record.transact(work)
        self._shop.on_commit()
        return shown

    def is_due(self, connection: Connection, at_ms: int) -> bool:
        """See `Chore`."""
        return bool(_unanswered(connection, at_ms, 1))

    async def step(self) -> int:
        """Pay back the orders whose buyers gave no answer in time; return how many."""
        at_ms = self._shop.clock()
        try:
            ids = await self._shop.record.query(
                lambda connection: _unanswered(connection, at_ms, UNANSWERED_MAX)
            )
            for id in ids:
                await self._shop.record.transact(
                    lambda connection, id=id: self._end(connection, id, at_ms)  # type: ignore[misc]
                )
        except DBAPIError as error:
            log.warning("moved orders not ended", error=type(error).__name__)
            return 0
        if ids:
            self._shop.on_commit()
        return len(ids)

    def _end(self, connection: Connection, order_id: str, at_ms: int) -> None:
        order = lock_order(connection, order_id, group=True, stock=True)
        if order.state is OrderState.NEW and (order.consent_by_ms or at_ms + 1) <= at_ms:
            self._pay_back(connection, order, REFUSED, "reroute", at_ms)

    def _pay_back(
        self, connection: Connection, order: OrderRow, reason: str, by: str, at_ms: int
    ) -> None:
        cancel_orders(connection, [order], str(reason), by, at_ms)
        give_up_seat(connection, order, at_ms)
        before, after = ({"state": s.value} for s in (order.state, OrderState.CANCELLED))
        what = (order.id, before, {**after, "reason": str(reason)}, at_ms)
        record_audit(connection, self._brand_of(order), by, "order.move", *what)

    def _locked(self, connection: Connection, order_id: str) -> tuple[OrderRow, NextStore]:
        """Lock an order with all that it has and may take; return where it may go."""
        which = ORDERS.where(orders.c.id == order_id)
        rows = orders_of(connection, which)
        if not rows:
            raise NotFound("order", order_id)
        [order] = rows
        lock_groups(connection, [order.group_id] if order.group_id else [])
        stores = [] if order.is_prize else self._routes.of_order(order)
        needs = dict(order.taken)
        here = {order.store_id, *(store_id for store_id, _ in stores)}
        lock_stock(connection, [(item, store) for item in needs for store in here])
        named = {(store, slot) for store, text in stores for slot, _ in read_slots(text)}
        if order.slot:
            named.add((order.store_id, order.slot))
        free = lock_slots(connection, named)
        lock_quotas(connection, {name for name, _ in order.quotas})
        [order] = orders_of(connection, which.with_for_update())
        room = Room(_units(connection, needs, here), free)
        return order, next_store(stores, needs, order.store_id, room)

    def _brand_of(self, order: OrderRow) -> str:
        return self._shop.catalogue.brand_id("store", order.store_id)


def _units(
    connection: Connection, needs: dict[str, int], store_ids: set[str]
) -> dict[tuple[str, str], int]:
    """What stores have free of items; the caller has locked the rows, so that they are there."""
    rows = connection.execute(
        select(stock.c.store_id, stock.c.product_id, stock.c.on_hand - stock.c.sold).where(
            or_(
                *[
                    and_(stock.c.product_id == item, stock.c.store_id.in_(store_ids))
                    for item in needs
                ]
            )
        )
    )
    return {(store, item): units for store, item, units in rows}


def _unanswered(connection: Connection, at_ms: int, limit: int) -> list[str]:
    due = select(orders.c.id).where(
        orders.c.consent_by_ms <= at_ms, orders.c.state == OrderState.NEW.value
    )
    return list(connection.scalars(due.limit(limit)))
