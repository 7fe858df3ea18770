"""What each topic of the outbox means: whom to tell, and what to look up first.

Every method takes messages and returns those that have to be told again later.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import structlog
from sqlalchemy import select

from commerce.catalogue.values import Pin
from commerce.feed import Feed
from commerce.io.gate.rebuild import restock_change
from commerce.io.gate.redis_gate import RedisGate
from commerce.io.record.engine import Clock, Record
from commerce.io.record.postings import book_refunds
from commerce.io.record.rows import GROUPS, ORDERS, group_of, order_of
from commerce.io.record.schema import buying_groups, orders, pins, refunds
from commerce.io.shop.directory import Directory, units_left
from commerce.io.shop.views import order_view, pickup_codes_of, store_views
from commerce.money.payments import PaymentOutcome, Payments, Refund
from commerce.orders.order import OrderRow

if TYPE_CHECKING:
    from commerce.io.outbox.relay import Message

REFUNDS_MAX = 100  # per pass, so that a provider's rate limit is met

log = structlog.get_logger()


class Telling:
    """Tells the gate, the provider and the feed."""

    def __init__(
        self,
        record: Record,
        gate: RedisGate,
        payments: Payments,
        feed: Feed,
        directory: Directory,
        clock: Clock,
    ) -> None:
        self._record = record
        self._gate = gate
        self._payments = payments
        self._feed = feed
        self._directory = directory
        self._clock = clock

    async def products(self, messages: Sequence[Message]) -> Sequence[Message]:
        """Prices and limits changed: the gate must know."""
        await self._directory.refresh()
        catalogue = self._directory.catalogue
        await self._gate.set_products(
            [
                catalogue.products[id]
                for id in {message.subject for message in messages}
                if id in catalogue.products
            ]
        )
        return ()

    async def restock(self, messages: Sequence[Message]) -> Sequence[Message]:
        """Units were received."""
        for message in messages:
            await self._gate.restock(restock_change(message.id), message.subject, message.units)
        return await self.stock(
            [message_of(message, message.subject.partition("|")[0]) for message in messages]
        )

    async def release(self, messages: Sequence[Message]) -> Sequence[Message]:
        """Orders were cancelled: their units go back on sale."""
        await self._gate.release(await self._orders([message.subject for message in messages]))
        return ()

    async def pins(self, messages: Sequence[Message]) -> Sequence[Message]:
        """Tables changed: tell each room what lies there now."""
        for subject in dict.fromkeys(message.subject for message in messages):
            room_id, _, product_id = subject.partition("|")
            async with self._record.read() as connection:
                rows = await connection.execute(
                    select(pins).where(pins.c.room_id == room_id, pins.c.product_id == product_id)
                )
                row = rows.mappings().first()
                cards = await self._directory.cards_of(connection, [Pin(**row)] if row else [])
            if cards:
                await self._feed.pin(room_id, cards[0])
            else:
                await self._feed.unpin(room_id, product_id)
        return ()

    async def groups(self, messages: Sequence[Message]) -> Sequence[Message]:
        """Groups changed: the gate, their rooms and the stores that serve them must know."""
        ids = {message.subject for message in messages}
        async with self._record.read() as connection:
            rows = await connection.execute(
                GROUPS.add_columns(buying_groups.c.room_id).where(buying_groups.c.id.in_(ids))
            )
            found = [(group_of(row), row["room_id"]) for row in rows.mappings()]
            pinned = await connection.execute(
                select(pins.c.product_id, pins.c.room_id).where(
                    pins.c.product_id.in_({group.product_id for group, _ in found})
                )
            )
            rooms = [(product_id, room_id) for product_id, room_id in pinned]
            serving = await connection.execute(
                select(orders.c.group_id, orders.c.store_id)
                .where(orders.c.group_id.in_(ids))
                .distinct()
            )
            stores = [(group_id, store_id) for group_id, store_id in serving]
        for group, room_id in found:
            await self._gate.set_group(group, self._clock())
            in_rooms = {room for product, room in rooms if product == group.product_id}
            in_stores = sorted(store for id, store in stores if id == group.id)
            await self._feed.group(sorted(in_rooms | {room_id}), in_stores, group)
        return ()

    async def stock(self, messages: Sequence[Message]) -> Sequence[Message]:
        """Units were sold, released or received: rooms with that card show what is left."""
        ids = {message.subject for message in messages}
        async with self._record.read() as connection:
            left = await units_left(connection, ids)
            rows = await connection.execute(
                select(pins.c.product_id, pins.c.room_id).where(pins.c.product_id.in_(ids))
            )
            pinned = [(product_id, room_id) for product_id, room_id in rows]
        for product_id in sorted(ids):
            rooms = sorted(room_id for id, room_id in pinned if id == product_id)
            if rooms:
                await self._feed.stock(rooms, product_id, left.get(product_id, 0))
        return ()

    async def orders(self, messages: Sequence[Message]) -> Sequence[Message]:
        """Orders were made or moved: buyer and store see them."""
        rows = await self._orders([message.subject for message in messages])
        async with self._record.read() as connection:
            codes = await pickup_codes_of(connection, rows)
            names = await self._directory.nicknames(connection, {row.guest_id for row in rows})
        catalogue = self._directory.catalogue
        await self._feed.orders(
            [
                (row.guest_id, order_view(row, catalogue, codes.get(row.id)), store_order)
                for row, store_order in zip(rows, store_views(rows, catalogue, names), strict=True)
            ]
        )
        return ()

    async def refunds(self, messages: Sequence[Message]) -> Sequence[Message]:
        """Payments go back; the record books it once the provider has said so."""
        now, later = messages[:REFUNDS_MAX], list(messages[REFUNDS_MAX:])
        async with self._record.read() as connection:
            rows = await connection.execute(
                select(refunds.c.order_id, refunds.c.amount_fen).where(
                    refunds.c.order_id.in_([message.subject for message in now]),
                    refunds.c.done_at_ms.is_(None),
                )
            )
            wanted = [Refund(order_id, amount_fen) for order_id, amount_fen in rows]
        outcomes = await self._payments.refund(wanted) if wanted else []
        done = [
            refund
            for refund, outcome in zip(wanted, outcomes, strict=True)
            if outcome is PaymentOutcome.PAID
        ]
        for refund, outcome in zip(wanted, outcomes, strict=True):
            if outcome is PaymentOutcome.DECLINED:
                log.error("a refund was declined", order=refund.order_id)
        if done:
            async with self._record.write() as connection:
                await connection.run_sync(book_refunds, done, self._clock())
        settled = {refund.order_id for refund in done}
        open_ids = {refund.order_id for refund in wanted} - settled
        return later + [message for message in now if message.subject in open_ids]

    async def _orders(self, ids: Sequence[str]) -> list[OrderRow]:
        async with self._record.read() as connection:
            rows = await connection.execute(
                ORDERS.where(orders.c.id.in_(set(ids))).order_by(orders.c.created_at_ms)
            )
            return [order_of(row) for row in rows.mappings()]


def message_of(message: Message, subject: str) -> Message:
    """The same message about another subject."""
    return replace(message, subject=subject)
