"""What became of a buyer's orders after the sale, and refunds as the head office sees them."""

from collections.abc import Collection, Mapping
from typing import Any

from sqlalchemy import Connection, func, select

from commerce.after_sales.claims import WINDOW_MS
from commerce.after_sales.ratings import RATE_MS
from commerce.after_sales.refunds import paid_parts, refunded_by_part
from commerce.catalogue.values import Text
from commerce.errors import IllegalMove, NotFound
from commerce.io.record.order_lines import orders_of
from commerce.io.record.refund_postings import retry_refund_call
from commerce.io.record.refund_rows import calls_of, refund_turns, refunds_of
from commerce.io.record.rows import ORDERS
from commerce.io.record.schema import orders, stores
from commerce.io.record.schema_after_sales import claims, ratings
from commerce.io.record.schema_refunds import refund_calls, refunds
from commerce.io.shop.after_sales.claim_rows import goods_claim
from commerce.io.shop.after_sales.ratings import part_rating
from commerce.io.shop.after_sales.values import ListedCall, OrderAfterSale, SoldPart
from commerce.io.shop.catalogue.catalogue import Catalogue
from commerce.io.shop.context import ShopContext
from commerce.io.shop.goods.note_cards import cards_of_orders
from commerce.money.refund_calls import CallState
from commerce.orders.order import OrderRow

ORDERS_MAX = 30  # of a buyer, the newest
CALLS_MAX = 200  # that the head office sees at once
_OPEN = (CallState.QUEUED, CallState.SENT, CallState.UNKNOWN)


class AfterSales:
    """What buyers and the head office see after a sale."""

    def __init__(self, shop: ShopContext) -> None:
        self._shop = shop

    async def mine(self, guest_id: str) -> list[OrderAfterSale]:
        """What became of a guest's newest orders."""
        newest = (
            ORDERS.where(orders.c.guest_id == guest_id)
            .order_by(orders.c.created_at_ms.desc())
            .limit(ORDERS_MAX)
        )
        return await self._shop.record.query(
            lambda connection: _after_sales(
                connection, self._shop.catalogue, orders_of(connection, newest)
            )
        )

    async def refunds(self, brand_id: str, state: CallState | None) -> list[ListedCall]:
        """Refund calls of a brand in this state, the oldest first; with None, those of waiting.

        Waiting are calls that are queued, sent or without an answer, and refunds that have no
        call yet.
        """
        names = {id: store.name for id, store in self._shop.catalogue.stores.items()}
        async with self._shop.record.read() as connection:
            if state is not None:
                return await connection.run_sync(_calls, brand_id, (state,), names)
            listed = await connection.run_sync(_calls, brand_id, _OPEN, names)
            return await connection.run_sync(_without_call, brand_id, names) + listed

    async def retry(self, brand_id: str, order_id: str, n: int, staff_id: str) -> None:
        """Have a failed refund call sent again.

        Raises:
            NotFound: The brand has no such call.
            IllegalMove: It has not failed.
        """
        at_ms = self._shop.clock()
        async with self._shop.record.write() as connection:
            brand = await connection.scalar(
                select(stores.c.brand_id)
                .join(orders, orders.c.store_id == stores.c.id)
                .where(orders.c.id == order_id)
            )
            found = await connection.run_sync(calls_of, [order_id])
            call = next((one for one in found.get(order_id, ()) if one.n == n), None)
            if brand != brand_id or call is None:
                raise NotFound("refund", f"{order_id}-{n}")
            if call.state is not CallState.FAILED or not await connection.run_sync(
                retry_refund_call, call, at_ms
            ):
                raise IllegalMove(call.state, CallState.QUEUED)
            await self._shop.audit(
                connection, staff_id, "refund.retry", f"{order_id}|{n}", {}, {}, at_ms,
                brand_id=brand_id,
            )  # fmt: skip
        self._shop.on_commit()


def _after_sales(
    connection: Connection, catalogue: Catalogue, rows: Collection[OrderRow]
) -> list[OrderAfterSale]:
    ids = [row.id for row in rows]
    given = refunds_of(connection, ids)
    with_buyer = [row for row in rows if row.handed_over_at_ms is not None]
    cards = cards_of_orders(connection, catalogue, with_buyer)
    made: dict[tuple[str, int, int], Any] = {}
    for row in connection.execute(
        select(claims).where(claims.c.order_id.in_(ids)).order_by(claims.c.made_at_ms)
    ).mappings():
        made[row["order_id"], row["line"], row["part"]] = row
    rated = {
        (row["order_id"], row["line"], row["part"]): row
        for row in connection.execute(select(ratings).where(ratings.c.order_id.in_(ids))).mappings()
    }
    found = []
    for order in rows:
        requested = given.get(order.id, [])
        by_part = refunded_by_part(requested)
        parts = []
        for part in paid_parts(order):
            product = catalogue.product(part.item_id)
            key = (order.id, part.line, part.part)
            parts.append(
                SoldPart(
                    part.line,
                    part.part,
                    part.item_id,
                    product.name,
                    product.image,
                    part.units,
                    part.amount_fen,
                    by_part.get(part.key, 0),
                    goods_claim(made[key], catalogue) if key in made else None,
                    part_rating(rated[key]) if key in rated else None,
                )
            )
        at_ms = order.handed_over_at_ms
        due_fen = sum(refund.amount_fen for refund in requested) - order.refunded_fen
        found.append(
            OrderAfterSale(
                order.id,
                None if at_ms is None else at_ms + WINDOW_MS,
                None if at_ms is None else at_ms + RATE_MS,
                due_fen,
                order.refunded_fen,
                tuple(parts),
                cards.get(order.id, ()),
            )
        )
    return found


def _calls(
    connection: Connection,
    brand_id: str,
    states: Collection[CallState],
    names: Mapping[str, Text],
) -> list[ListedCall]:
    rows = connection.execute(
        select(refund_calls, orders.c.number, orders.c.store_id)
        .join(orders, orders.c.id == refund_calls.c.order_id)
        .join(stores, stores.c.id == orders.c.store_id)
        .where(stores.c.brand_id == brand_id, refund_calls.c.state.in_([*states]))
        .order_by(refund_calls.c.made_at_ms, refund_calls.c.order_id)
        .limit(CALLS_MAX)
    ).all()
    reasons: dict[tuple[str, int], set[str]] = {}
    for order_id, n, reason in connection.execute(
        select(refunds.c.order_id, refunds.c.call_n, refunds.c.reason).where(
            refunds.c.order_id.in_({row.order_id for row in rows})
        )
    ):
        reasons.setdefault((order_id, n), set()).add(reason)
    due = {
        (order_id, turn.call.n): turn.due_at_ms
        for order_id, turn in refund_turns(connection, [row.order_id for row in rows]).items()
        if turn.call is not None
    }
    return [
        ListedCall(
            row.order_id,
            row.number,
            row.store_id,
            names[row.store_id],
            row.n,
            row.amount_fen,
            CallState(row.state),
            row.attempts,
            tuple(sorted(reasons.get((row.order_id, row.n), ()))),
            row.made_at_ms,
            row.sent_at_ms,
            row.ended_at_ms,
            due.get((row.order_id, row.n)),
        )
        for row in rows
    ]


def _without_call(
    connection: Connection, brand_id: str, names: Mapping[str, Text]
) -> list[ListedCall]:
    since = func.min(refunds.c.requested_at_ms)
    rows = connection.execute(
        select(
            orders.c.id,
            orders.c.number,
            orders.c.store_id,
            func.sum(refunds.c.amount_fen).label("fen"),
            since.label("since"),
        )
        .join(refunds, refunds.c.order_id == orders.c.id)
        .join(stores, stores.c.id == orders.c.store_id)
        .where(
            stores.c.brand_id == brand_id,
            refunds.c.done_at_ms.is_(None),
            refunds.c.call_n.is_(None),
        )
        .group_by(orders.c.id, orders.c.number, orders.c.store_id)
        .order_by(since)
        .limit(CALLS_MAX)
    ).all()
    ids = [row.id for row in rows]
    turns = refund_turns(connection, ids)
    reasons: dict[str, set[str]] = {}
    for order_id, reason in connection.execute(
        select(refunds.c.order_id, refunds.c.reason).where(
            refunds.c.order_id.in_(ids), refunds.c.done_at_ms.is_(None), refunds.c.call_n.is_(None)
        )
    ):
        reasons.setdefault(order_id, set()).add(reason)
    found = []
    for row in rows:
        turn = turns.get(row.id)
        found.append(
            ListedCall(
                row.id,
                row.number,
                row.store_id,
                names[row.store_id],
                None,
                int(row.fen),
                CallState.QUEUED,
                0,
                tuple(sorted(reasons[row.id])),
                row.since,
                None,
                None,
                turn.due_at_ms if turn is not None and turn.call is None else None,
            )
        )
    return found
