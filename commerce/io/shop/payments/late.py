"""Decides payments that came when the units were on sale again: taken up again, or given back.

hold in the gate → one transaction (units, seat, order, intent, outbox) → the outbox ends the hold.
A worker may die between any two steps: the intent stays due, the gate knows a hold by its order,
and one that nobody ends is swept.
"""

from dataclasses import dataclass

import structlog
from redis.exceptions import RedisError
from sqlalchemy import Connection, select

from commerce.io.gate.gates import Gates
from commerce.io.ledger.consumer import Probe
from commerce.io.record.intent_rows import postpone_intent
from commerce.io.record.order_lines import orders_of
from commerce.io.record.payment_postings import honour, may_be_taken_up, refund_late
from commerce.io.record.postings import Topic
from commerce.io.record.rows import ORDERS
from commerce.io.record.schema import orders, outbox
from commerce.io.shop.context import ShopContext
from commerce.io.shop.payments.notices import notify_of_late
from commerce.io.shop.routes import Routes
from commerce.money.intents import Intent, may_be_honoured, next_query_ms
from commerce.orders.late import LateOrder
from commerce.orders.order import OrderRow
from commerce.orders.tap import Decision, Status

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class LatePayments:
    """Decides late payments one by one; each of them may be asked for again."""

    shop: ShopContext
    gates: Gates
    routes: Routes
    probe: Probe = lambda step: None

    async def decide(self, intent: Intent) -> None:
        """Take the order of a late payment up again if there is room, or give the money back."""
        order, released = await self.shop.record.query(
            lambda connection: _look_up(connection, intent.order_id)
        )
        late = await self._needs(order)
        if late is None or not may_be_honoured(intent, self.shop.clock()):
            await self._give_back(intent)
            return
        decision = await self._readmit(late) if released else None
        self.probe("readmitted")
        if decision is None or decision.status is Status.NOT_READY:
            await self._postpone(intent)
        elif decision.status is Status.REFUSED:
            log.info("late payment goes back", order=order.id, because=decision.refusal)
            await self._give_back(intent)
        else:
            await self._honour(intent, decision.slot)
        self.probe("decided")

    async def _honour(self, intent: Intent, slot: str) -> None:
        async with self.shop.record.write() as connection:
            await connection.run_sync(_honour, intent.id, slot, self.shop.clock())

    async def _give_back(self, intent: Intent) -> None:
        async with self.shop.record.write() as connection:
            await connection.run_sync(_refund, intent.id, self.shop.clock())

    async def _postpone(self, intent: Intent) -> None:
        due_ms = next_query_ms(intent, self.shop.clock())
        async with self.shop.record.write() as connection:
            await connection.run_sync(postpone_intent, intent, due_ms)

    async def _readmit(self, late: LateOrder) -> Decision | None:
        try:
            brand_id = self.shop.catalogue.brand_id("store", late.store_id)
            return await self.gates.of(brand_id).readmit(late, self.shop.clock())
        except (RedisError, OSError) as error:
            log.warning("the gate cannot be asked", error=type(error).__name__)
            return None

    async def _needs(self, order: OrderRow) -> LateOrder | None:
        """What the order needs of its store; None if that takes no such order any more."""
        if not may_be_taken_up(order):
            return None
        products = [await self.shop.cache.product(id) for id, _ in order.counted]
        if not all(product.on_sale for product in products):
            return None
        presale = self.shop.catalogue.presale_at(order.store_id, order.slot)
        if presale and not presale.takes(order.store_id, now_ms=self.shop.clock()):
            return None
        slots = ""
        if not order.group_id:
            found = dict(self.routes.of_order(order))
            if order.store_id not in found:
                return None
            slots = _own_slot_first(order.slot, found[order.store_id])
        limits = [product.household_limit for product in products]
        return LateOrder(
            order.id,
            order.household,
            order.store_id,
            order.taken,
            tuple(
                (id, units, limit) for (id, units), limit in zip(order.counted, limits, strict=True)
            ),
            slots,
            order.group_id,
        )


def _honour(connection: Connection, intent_id: str, slot: str, at_ms: int) -> None:
    honour(connection, intent_id, slot, at_ms)
    notify_of_late(connection, intent_id, at_ms)


def _refund(connection: Connection, intent_id: str, at_ms: int) -> None:
    refund_late(connection, intent_id, at_ms)
    notify_of_late(connection, intent_id, at_ms)


def _look_up(connection: Connection, order_id: str) -> tuple[OrderRow, bool]:
    """Return an order, and whether the gate has what it gave back when it expired."""
    [order] = orders_of(connection, ORDERS.where(orders.c.id == order_id))
    waiting = select(outbox.c.id).where(
        outbox.c.topic == Topic.RELEASE.value, outbox.c.subject == order_id
    )
    return order, connection.scalar(waiting.limit(1)) is None


def _own_slot_first(slot: str, text: str) -> str:
    """Return the text of a route's slots with the one that the buyer was promised in front."""
    words = text.split()
    own = [word for word in words if word.partition(":")[0] == slot]
    return "".join([f" {word}" for word in [*own, *[word for word in words if word not in own]]])
