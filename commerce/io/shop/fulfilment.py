"""What happens to an order in the store: moves, the pickup code, the handover."""

from dataclasses import dataclass

from sqlalchemy import (
    ColumnElement,
    Connection,
    case,
    delete,
    func,
    select,
    true,
    update,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from commerce.catalogue.values import Text
from commerce.errors import (
    IllegalMove,
    NotFound,
    UnknownCode,
)
from commerce.groups.group import Group
from commerce.io.record.invites import holds_award, uncount
from commerce.io.record.locks import lock_order
from commerce.io.record.order_lines import orders_of
from commerce.io.record.order_postings import cancel_orders, undo_orders
from commerce.io.record.payment_postings import give_up
from commerce.io.record.postings import Topic, enqueue
from commerce.io.record.rows import GROUP_COLUMNS, GROUPS, ORDERS, group_of
from commerce.io.record.schema import buying_groups, group_seats, orders
from commerce.io.shop.advance import advance
from commerce.io.shop.context import ShopContext
from commerce.io.shop.handing_over import hand_out, redeem
from commerce.io.shop.pickup_codes import PickupCodes
from commerce.io.shop.views import order_views, store_views
from commerce.orders.order import OrderRow
from commerce.orders.pickup import read
from commerce.orders.states import (
    HANDED_OVER_SHOWN_MS,
    OPEN_AT_STORE,
    UNDONE,
    WITH_BUYER_VALUES,
    WITH_STORE,
    OrderState,
    check_clerk_move,
)
from commerce.views import OrderView, StoreOrder

PAGE_ORDERS = 100  # handed over, per page
WAITING_ORDERS = 30  # shown one by one; all of them are counted by group
CURSOR_DIGITS_MAX = 15

# Ready ones first, since their buyers are on the way; then what is nearest to it.
_URGENCY = case(
    {state.value: -rank for rank, state in enumerate(OPEN_AT_STORE)}, value=orders.c.state, else_=1
)


@dataclass(frozen=True, slots=True)
class Waiting:
    """A group whose orders a store may soon have to pack."""

    group: Group
    product_name: Text
    orders: int


@dataclass(frozen=True, slots=True)
class Board:
    """What a store sees."""

    orders: list[StoreOrder]
    waiting: list[Waiting]
    waiting_orders: list[StoreOrder]  # the newest that wait for their group
    now_ms: int
    next: str | None  # the cursor of older orders that were handed over


@dataclass(frozen=True, slots=True)
class HandedOver:
    """A page of orders that were handed over, newest first."""

    orders: list[StoreOrder]
    next: str | None


class Fulfilment:
    """Moves orders through a store. Every move compares and sets; of two at once, one wins."""

    def __init__(self, shop: ShopContext, codes: PickupCodes) -> None:
        self._shop = shop
        self._codes = codes

    async def move(self, order_id: str, to: OrderState, moved_by: str) -> StoreOrder:
        """Move an order as a clerk asks.

        Raises:
            NotFound: There is no such order.
            IllegalMove: Not a transition, or another clerk was faster.
        """
        at_ms = self._shop.clock()
        async with self._shop.record.write() as connection:
            undone = to in UNDONE
            ends = undone or to is OrderState.PICKING
            order = await connection.run_sync(lock_order, order_id, group=ends, stock=undone)
            check_clerk_move(order.state, to)
            if undone:
                reason = "store" if to is OrderState.CANCELLED else "returned"
                await connection.run_sync(undo_orders, [order], to, reason, moved_by, at_ms)
                await connection.run_sync(give_up_seat, order, at_ms)
            else:
                await connection.run_sync(advance, order, to, moved_by, at_ms, self._codes)
            moved = await self._shown(connection, order_id)
            await self._audit(connection, "order.move", order, to, moved_by, at_ms)
        self._shop.on_commit()
        return moved

    async def _audit(
        self,
        connection: AsyncConnection,
        action: str,
        order: OrderRow,
        to: OrderState,
        moved_by: str,
        at_ms: int,
    ) -> None:
        before, after = {"state": order.state.value}, {"state": to.value}
        await self._shop.audit(
            connection,
            moved_by,
            action,
            order.id,
            before,
            after,
            at_ms,
            brand_id=self._shop.catalogue.brand_id("store", order.store_id),
        )

    async def hand_over(self, store_id: str, typed: str, moved_by: str) -> list[StoreOrder]:
        """Give out, once, what is behind a code and all else that its household may collect here.

        The order of the code comes first.

        Raises:
            UnknownCode: No store has such a code.
            AtOtherStore: Another store has it.
            AlreadyHandedOver: It was used before, or went out with another code of the household.
            NotReadyYet: The order is not ready (it was cancelled).
        """
        code = read(typed)
        if code is None:
            raise UnknownCode
        at_ms = self._shop.clock()
        async with self._shop.record.write() as connection:
            given = await connection.run_sync(redeem, store_id, code, at_ms)
            for order in given:
                await connection.run_sync(hand_out, order, moved_by, at_ms)
                await self._audit(
                    connection, "order.hand-over", order, OrderState.HANDED_OVER, moved_by, at_ms
                )
            shown = [await self._shown(connection, order.id) for order in given]
        self._shop.on_commit()
        return shown

    async def cancel(self, order_id: str, guest_id: str) -> OrderView:
        """Let a buyer leave a group that is not complete, or give up what is not paid.

        Units, seat and payment go back. An order that is cancelled already is left as it is.

        Raises:
            NotFound: There is no such order of this buyer.
            IllegalMove: The order waits for neither payment nor group (any more).
        """
        at_ms = self._shop.clock()
        async with self._shop.record.write() as connection:
            mine = select(orders.c.guest_id).where(orders.c.id == order_id)
            if await connection.scalar(mine) != guest_id:
                raise NotFound("order", order_id)
            order = await connection.run_sync(lock_order, order_id, group=True, stock=True)
            if order.state is OrderState.WAITING_PAYMENT:
                await connection.run_sync(give_up, order, guest_id, at_ms)
            elif order.state not in UNDONE:
                waits = order.state is OrderState.WAITING_GROUP
                # A join that has lowered everybody's price stays until the group is over.
                if not waits or await connection.run_sync(holds_award, order_id):
                    raise IllegalMove(order.state, OrderState.CANCELLED)
                await connection.run_sync(cancel_orders, [order], "buyer", guest_id, at_ms)
                await connection.run_sync(give_up_seat, order, at_ms)
            left = await connection.run_sync(orders_of, ORDERS.where(orders.c.id == order_id))
            [shown] = await connection.run_sync(order_views, left, self._shop.catalogue)
        self._shop.on_commit()
        return shown

    async def board(self, store_id: str) -> Board:
        """All that a store works on, what was handed over lately, and what is still waiting.

        Orders that somebody waits for at the counter come first; there is no limit to open ones.

        Raises:
            NotFound: There is no such store.
        """
        self._shop.catalogue.store(store_id)
        at_ms = self._shop.clock()
        async with self._shop.record.read() as connection:
            found = await connection.run_sync(
                orders_of,
                ORDERS.where(
                    orders.c.store_id == store_id,
                    orders.c.state.in_([state.value for state in WITH_STORE]),
                ).order_by(_URGENCY, orders.c.due_at_ms, orders.c.number),
            )
            done, cursor = await _handed_over(connection, store_id, true())
            lately_ms = at_ms - HANDED_OVER_SHOWN_MS
            recent = [row for row in done if (row.handed_over_at_ms or 0) > lately_ms]
            if len(recent) < len(done):  # the rest is paged
                cursor = _cursor_of(recent[-1]) if recent else f"{lately_ms + 1}-"
            grouped = await _waiting_orders(connection, store_id)
            waiting = await self._waiting(connection, store_id)
            catalogue = self._shop.catalogue
            shown = await connection.run_sync(store_views, found + recent, catalogue)
            waiting_orders = await connection.run_sync(store_views, grouped, catalogue)
        return Board(shown, waiting, waiting_orders, at_ms, cursor)

    async def handed_over(self, store_id: str, cursor: str) -> HandedOver:
        """A page of what was handed over before the last one that `cursor` stands for.

        Raises:
            NotFound: There is no such store, or no such cursor.
        """
        self._shop.catalogue.store(store_id)
        async with self._shop.record.read() as connection:
            found, older = await _handed_over(connection, store_id, _before(cursor))
            shown = await connection.run_sync(store_views, found, self._shop.catalogue)
        return HandedOver(shown, older)

    async def _waiting(self, connection: AsyncConnection, store_id: str) -> list[Waiting]:
        count = func.count(orders.c.id).label("orders")
        rows = await connection.execute(
            GROUPS.add_columns(count)
            .join(orders, orders.c.group_id == buying_groups.c.id)
            .where(
                orders.c.store_id == store_id,
                orders.c.state == OrderState.WAITING_GROUP.value,
            )
            .group_by(*GROUP_COLUMNS)
            .order_by(buying_groups.c.ends_at_ms)
        )
        waiting = []
        for row in rows.mappings():
            group = group_of(row)
            product = self._shop.catalogue.product(group.product_id)
            waiting.append(Waiting(group, product.name, row["orders"]))
        return waiting

    async def _shown(self, connection: AsyncConnection, order_id: str) -> StoreOrder:
        [order] = await connection.run_sync(orders_of, ORDERS.where(orders.c.id == order_id))
        [shown] = await connection.run_sync(store_views, [order], self._shop.catalogue)
        return shown


async def _handed_over(
    connection: AsyncConnection, store_id: str, which: ColumnElement[bool]
) -> tuple[list[OrderRow], str | None]:
    """Orders that were handed over, newest first, and the cursor of those that do not fit."""
    found = await connection.run_sync(
        orders_of,
        ORDERS.where(
            orders.c.store_id == store_id,
            orders.c.state.in_(WITH_BUYER_VALUES),
            which,
        )
        .order_by(orders.c.handed_over_at_ms.desc(), orders.c.id.desc())
        .limit(PAGE_ORDERS + 1),
    )
    page = found[:PAGE_ORDERS]
    return page, _cursor_of(page[-1]) if len(found) > PAGE_ORDERS else None


async def _waiting_orders(connection: AsyncConnection, store_id: str) -> list[OrderRow]:
    which = (
        ORDERS.where(
            orders.c.store_id == store_id,
            orders.c.state == OrderState.WAITING_GROUP.value,
        )
        .order_by(orders.c.created_at_ms.desc(), orders.c.id.desc())
        .limit(WAITING_ORDERS)
    )
    return await connection.run_sync(orders_of, which)


def _cursor_of(order: OrderRow) -> str:
    return f"{order.handed_over_at_ms}-{order.id}"


def _before(cursor: str) -> ColumnElement[bool]:
    at_text, _, order_id = cursor.partition("-")
    if not at_text.isascii() or not at_text.isdecimal() or len(at_text) > CURSOR_DIGITS_MAX:
        raise NotFound("cursor", cursor)
    at_ms = int(at_text)
    earlier = orders.c.handed_over_at_ms < at_ms
    return earlier | ((orders.c.handed_over_at_ms == at_ms) & (orders.c.id < order_id))


def give_up_seat(connection: Connection, order: OrderRow, at_ms: int) -> None:
    """A household that is paid back no longer counts in its group."""
    gone = connection.execute(delete(group_seats).where(group_seats.c.order_id == order.id))
    if gone.rowcount:
        uncount(connection, order.id)
        connection.execute(
            update(buying_groups)
            .where(buying_groups.c.id == order.group_id)
            .values(joined=buying_groups.c.joined - 1)
        )
        enqueue(connection, Topic.GROUP, [order.group_id], at_ms)
