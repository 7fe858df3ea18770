"""What the ledger reads and writes inside its one transaction; for `Record.transact`.

Locks are taken in one order everywhere: groups, stock, orders, counter; each sorted by key.
"""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, bindparam, insert, select, update

from commerce.groups.group import GroupState
from commerce.io.record.rows import GROUPS, ORDERS, group_of, order_of, order_values, outbox_rows
from commerce.io.record.schema import (
    buying_groups,
    counters,
    group_seats,
    money_transfers,
    order_moves,
    orders,
    outbox,
    refunds,
    stock,
    stock_moves,
)
from commerce.orders.ledger import Facts, Plan
from commerce.orders.order import Entry
from commerce.orders.states import OrderState, due_at_ms

ORDER_NUMBER = "order"

_SELL = (
    update(stock)
    .where(stock.c.product_id == bindparam("p"), stock.c.store_id == bindparam("s"))
    .values(sold=stock.c.sold + bindparam("units"), moves=stock.c.moves + bindparam("count"))
)
_JOIN = (
    update(buying_groups)
    .where(buying_groups.c.id == bindparam("g"))
    .values(joined=buying_groups.c.joined + bindparam("households"))
)
_REACH = (
    update(buying_groups)
    .where(buying_groups.c.id == bindparam("g"), buying_groups.c.state == GroupState.OPEN.value)
    .values(state=GroupState.REACHED.value)
)


def load_facts(connection: Connection, entries: Sequence[Entry]) -> Facts:
    """Lock and read everything that a batch touches."""
    facts = Facts()
    group_ids = sorted({entry.group_id for entry in entries if entry.group_id})
    if group_ids:
        rows = connection.execute(
            GROUPS.where(buying_groups.c.id.in_(group_ids))
            .order_by(buying_groups.c.id)
            .with_for_update()
        )
        facts.groups = {row["id"]: group_of(row) for row in rows.mappings()}
        seats = connection.execute(
            select(group_seats.c.group_id, group_seats.c.household_id).where(
                group_seats.c.group_id.in_(group_ids),
                group_seats.c.household_id.in_({entry.guest_id for entry in entries}),
            )
        )
        facts.seats = {(row.group_id, row.household_id) for row in seats}
    free = connection.execute(
        select(stock.c.product_id, stock.c.store_id, stock.c.on_hand - stock.c.sold)
        .where(
            stock.c.product_id.in_({entry.product_id for entry in entries}),
            stock.c.store_id.in_({entry.store_id for entry in entries}),
        )
        .order_by(stock.c.product_id, stock.c.store_id)
        .with_for_update()
    )
    facts.free = {(product, store): units for product, store, units in free}
    known = connection.execute(ORDERS.where(orders.c.id.in_([entry.order_id for entry in entries])))
    facts.known = {row["id"]: order_of(row) for row in known.mappings()}
    return facts


def next_number(connection: Connection, count: int) -> int:
    """Take `count` order numbers; return the first."""
    value = connection.execute(
        update(counters)
        .where(counters.c.name == ORDER_NUMBER)
        .values(value=counters.c.value + count)
        .returning(counters.c.value)
    )
    return int(value.scalar_one()) - count


def write_plan(connection: Connection, plan: Plan) -> None:
    """Write all of a plan."""
    if not plan.orders:
        return
    at_ms = max(order.created_at_ms for order in plan.orders)
    gone_on = _let_groups_go_on(connection, plan)
    connection.execute(insert(orders), [order_values(order) for order in plan.orders])
    if plan.sales:
        _sell(connection, plan)
    if plan.transfers:
        connection.execute(
            insert(money_transfers),
            [
                {
                    "order_id": transfer.order_id,
                    "kind": transfer.kind.value,
                    "from_account": transfer.from_account,
                    "to_account": transfer.to_account,
                    "amount_fen": transfer.amount_fen,
                    "at_ms": transfer.at_ms,
                }
                for transfer in plan.transfers
            ],
        )
    if plan.refunds:
        connection.execute(
            insert(refunds),
            [
                {
                    "order_id": order.id,
                    "amount_fen": order.paid_fen,
                    "reason": order.refused,
                    "requested_at_ms": order.created_at_ms,
                }
                for order in plan.refunds
            ],
        )
    shown = [order for order in plan.orders if order.refused is None or order.paid_fen]
    messages = [
        *outbox_rows("refund", [order.id for order in plan.refunds], at_ms),
        *outbox_rows("group", sorted(plan.joined), at_ms),
        *outbox_rows("stock", sorted({sale.product_id for sale in plan.sales}), at_ms),
        *outbox_rows("order", [order.id for order in shown] + gone_on, at_ms),
    ]
    if messages:
        connection.execute(insert(outbox), messages)


def _let_groups_go_on(connection: Connection, plan: Plan) -> list[str]:
    """Groups that this batch completes are reached, and their waiting orders go to the stores."""
    if plan.joined:
        connection.execute(
            _JOIN,
            [{"g": group, "households": count} for group, count in sorted(plan.joined.items())],
        )
    gone_on: list[str] = []
    for group_id, reached_at_ms in sorted(plan.reached.items()):
        connection.execute(_REACH, {"g": group_id})
        moved = connection.execute(
            update(orders)
            .where(orders.c.group_id == group_id, orders.c.state == OrderState.WAITING_GROUP.value)
            .values(
                state=OrderState.NEW.value,
                due_at_ms=due_at_ms(reached_at_ms),
                version=orders.c.version + 1,
            )
            .returning(orders.c.id, orders.c.version)
        )
        moves = [
            {
                "order_id": order_id,
                "version": version,
                "from_state": OrderState.WAITING_GROUP.value,
                "to_state": OrderState.NEW.value,
                "moved_by": "group",
                "at_ms": reached_at_ms,
            }
            for order_id, version in moved
        ]
        if moves:
            connection.execute(insert(order_moves), moves)
        gone_on += [str(move["order_id"]) for move in moves]
    return gone_on


def _sell(connection: Connection, plan: Plan) -> None:
    sold: dict[tuple[str, str], list[int]] = {}
    moves: list[dict[str, Any]] = []
    seats: list[dict[str, str]] = []
    for order in plan.sales:
        sums = sold.setdefault((order.product_id, order.store_id), [0, 0])
        sums[0] += order.quantity
        sums[1] += 1
        moves.append(
            {
                "product_id": order.product_id,
                "store_id": order.store_id,
                "order_id": order.id,
                "kind": "sell",
                "units": order.quantity,
                "at_ms": order.created_at_ms,
            }
        )
        if order.group_id:
            seats.append(
                {
                    "group_id": order.group_id,
                    "household_id": order.guest_id,
                    "order_id": order.id,
                }
            )
    connection.execute(
        _SELL,
        [
            {"p": product, "s": store, "units": units, "count": count}
            for (product, store), (units, count) in sorted(sold.items())
        ],
    )
    connection.execute(insert(stock_moves), moves)
    if seats:
        connection.execute(insert(group_seats), seats)
