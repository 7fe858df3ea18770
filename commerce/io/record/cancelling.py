"""Cancels orders inside a transaction: state, stock, seat, refund, and who has to be told."""

from collections.abc import Sequence

from sqlalchemy import bindparam, delete, insert, update
from sqlalchemy.ext.asyncio import AsyncConnection

from commerce.io.record.rows import outbox_rows
from commerce.io.record.schema import (
    buying_groups,
    group_seats,
    order_moves,
    orders,
    outbox,
    refunds,
    stock,
    stock_moves,
)
from commerce.orders.order import OrderRow
from commerce.orders.states import OrderState, check_move

_CANCEL = (
    update(orders)
    .where(orders.c.id == bindparam("o"))
    .values(state=OrderState.CANCELLED.value, version=orders.c.version + 1)
)
_RELEASE = (
    update(stock)
    .where(stock.c.product_id == bindparam("p"), stock.c.store_id == bindparam("s"))
    .values(sold=stock.c.sold - bindparam("units"), moves=stock.c.moves + bindparam("count"))
)


async def cancel_in(
    connection: AsyncConnection,
    cancelled: Sequence[OrderRow],
    reason: str,
    moved_by: str,
    at_ms: int,
) -> None:
    """Cancel orders that the caller has locked; every one must hold stock and be paid."""
    if not cancelled:
        return
    for order in cancelled:
        check_move(order.state, OrderState.CANCELLED)
    await connection.execute(_CANCEL, [{"o": order.id} for order in cancelled])
    await connection.execute(
        insert(order_moves),
        [
            {
                "order_id": order.id,
                "version": order.version + 1,
                "from_state": order.state.value,
                "to_state": OrderState.CANCELLED.value,
                "moved_by": moved_by,
                "at_ms": at_ms,
            }
            for order in cancelled
        ],
    )
    await _release_stock(connection, cancelled, at_ms)
    await connection.execute(
        insert(refunds),
        [
            {
                "order_id": order.id,
                "amount_fen": order.paid_fen,
                "reason": reason,
                "requested_at_ms": at_ms,
            }
            for order in cancelled
        ],
    )
    ids = [order.id for order in cancelled]
    products = sorted({order.product_id for order in cancelled})
    await connection.execute(
        insert(outbox),
        [
            *outbox_rows("release", ids, at_ms),
            *outbox_rows("refund", ids, at_ms),
            *outbox_rows("order", ids, at_ms),
            *outbox_rows("stock", products, at_ms),
        ],
    )


async def give_up_seat(connection: AsyncConnection, order: OrderRow, at_ms: int) -> None:
    """A household that is paid back no longer counts in its group."""
    gone = await connection.execute(delete(group_seats).where(group_seats.c.order_id == order.id))
    if gone.rowcount:
        await connection.execute(
            update(buying_groups)
            .where(buying_groups.c.id == order.group_id)
            .values(joined=buying_groups.c.joined - 1)
        )
        await connection.execute(insert(outbox), outbox_rows("group", [order.group_id], at_ms))


async def _release_stock(
    connection: AsyncConnection, cancelled: Sequence[OrderRow], at_ms: int
) -> None:
    sums: dict[tuple[str, str], list[int]] = {}
    for order in cancelled:
        units = sums.setdefault((order.product_id, order.store_id), [0, 0])
        units[0] += order.quantity
        units[1] += 1
    await connection.execute(
        _RELEASE,
        [
            {"p": product, "s": store, "units": units, "count": count}
            for (product, store), (units, count) in sorted(sums.items())
        ],
    )
    await connection.execute(
        insert(stock_moves),
        [
            {
                "product_id": order.product_id,
                "store_id": order.store_id,
                "order_id": order.id,
                "kind": "release",
                "units": order.quantity,
                "at_ms": at_ms,
            }
            for order in cancelled
        ],
    )
