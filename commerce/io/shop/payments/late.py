"""Decides payments that came when the units were on sale again: taken up again, or given back.

hold in the gate → one transaction (units, seat, order, intent, outbox) → the outbox ends the hold.
A worker may die between any two steps: the intent stays due, the gate knows a hold by its order,
and one that nobody ends is swept.
"""

from dataclasses import dataclass

import structlog
from redis.exceptions import RedisError
from sqlalchemy import Connection, and_, or_, select

from commerce.catalogue.offers import place_of
from commerce.flash.sale import FlashSale
from commerce.io.gate.gates import Gates
from commerce.io.ledger.consumer import Probe
from commerce.io.record.coupon_rows import coupon_of
from commerce.io.record.intent_rows import postpone_intent
from commerce.io.record.order_lines import orders_of
from commerce.io.record.payment_postings import honour, may_be_taken_up, refund_late
from commerce.io.record.postings import Topic
from commerce.io.record.rows import ORDERS
from commerce.io.record.schema import orders, outbox
from commerce.io.shop.activities.flash import sale_by_id
from commerce.io.shop.context import ShopContext
from commerce.io.shop.payments.notices import notify_of_late
from commerce.io.shop.routes import Routes
from commerce.money.intents import Intent, may_be_honoured, next_query_ms
from commerce.orders.late import LateOrder
from commerce.orders.lines import Needs
from commerce.orders.order import OrderRow
from commerce.orders.quotas import counted_as, sale_of
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
        found = await self.shop.record.query(
            lambda connection: _look_up(connection, intent.order_id)
        )
        late = await self._needs(found)
        if late is None or not may_be_honoured(intent, self.shop.clock()):
            await self._give_back(intent)
            return
        decision = await self._readmit(late) if found.released else None
        self.probe("readmitted")
        if decision is None or decision.status is Status.NOT_READY:
            await self._postpone(intent)
        elif decision.status is Status.REFUSED:
            log.info("late payment goes back", order=late.order_id, because=decision.refusal)
            await self._give_back(intent)
        else:
            await self._honour(intent, decision.slot, late.quotas)
        self.probe("decided")

    async def _honour(self, intent: Intent, slot: str, quotas: Needs) -> None:
        async with self.shop.record.write() as connection:
            await connection.run_sync(_honour, intent.id, slot, quotas, self.shop.clock())

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

    async def _needs(self, found: "_Found") -> LateOrder | None:
        """What the order needs of its store; None if that takes no such order any more."""
        order = found.order
        if not may_be_taken_up(order):
            return None
        products = [await self.shop.cache.product(id) for id, _ in order.bought]
        if not all(product.on_sale for product in products):
            return None
        presale = self.shop.catalogue.presale_at(order.store_id, order.slot)
        if presale and not presale.takes(order.store_id, now_ms=self.shop.clock()):
            return None
        slots = ""
        if not order.group_id:
            stores = dict(self.routes.of_order(order))
            if order.store_id not in stores:
                return None
            slots = _own_slot_first(order.slot, stores[order.store_id])
        counted = [
            (id, units, product.household_limit)
            for (id, units), product in zip(order.bought, products, strict=True)
        ]
        quotas: Needs = ()
        if order.quotas:
            sale = found.sale
            if sale and sale.is_running(self.shop.clock()):
                quotas = counted_as(order.quotas)
                counted += [(name, units, sale.household_limit) for name, units in quotas]
            elif sale is None or not self._is_price_given(order, sale):
                return None
        return LateOrder(
            order.id,
            order.household,
            order.store_id,
            order.taken,
            tuple(counted),
            slots,
            order.group_id,
            quotas,
            found.coupon_id,
        )

    def _is_price_given(self, order: OrderRow, sale: FlashSale) -> bool:
        """Whether the goods of a sale that is over cost everybody no more than they did in it."""
        catalogue = self.shop.catalogue
        place = place_of(catalogue.estate(order.estate_id), order.room_id)
        product = catalogue.product(sale.product_id)
        offer = catalogue.rules.offer(product, place, at_ms=self.shop.clock())
        return offer.offered and offer.price_fen <= sale.price_fen


@dataclass(frozen=True, slots=True)
class _Found:
    """An order, whether the gate has what it gave back, its flash sale and its coupon."""

    order: OrderRow
    released: bool
    sale: FlashSale | None
    coupon_id: str


def _honour(connection: Connection, intent_id: str, slot: str, quotas: Needs, at_ms: int) -> None:
    honour(connection, intent_id, slot, quotas, at_ms)
    notify_of_late(connection, intent_id, at_ms)


def _refund(connection: Connection, intent_id: str, at_ms: int) -> None:
    refund_late(connection, intent_id, at_ms)
    notify_of_late(connection, intent_id, at_ms)


def _look_up(connection: Connection, order_id: str) -> _Found:
    [order] = orders_of(connection, ORDERS.where(orders.c.id == order_id))
    coupon_id = coupon_of(connection, order_id) if order.discount_fen else ""
    waiting = select(outbox.c.id).where(
        or_(
            and_(outbox.c.topic == Topic.RELEASE.value, outbox.c.subject == order_id),
            and_(
                outbox.c.topic == Topic.COUPON.value,
                outbox.c.subject == f"{coupon_id}|{order_id}",
            ),
        )
    )
    released = connection.scalar(waiting.limit(1)) is None
    sales = (sale_by_id(connection, sale_of(name)) for name, _ in order.quotas)
    return _Found(order, released, next(sales, None), coupon_id)


def _own_slot_first(slot: str, text: str) -> str:
    """Return the text of a route's slots with the one that the buyer was promised in front."""
    words = text.split()
    own = [word for word in words if word.partition(":")[0] == slot]
    return "".join([f" {word}" for word in [*own, *[word for word in words if word not in own]]])
