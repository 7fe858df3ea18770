"""Notices of payments: an order that is about to expire unpaid, and what became of a late payment.

Late payments are given notice of in the transaction that decides them.
"""

from collections.abc import Sequence

from sqlalchemy import Connection, exists, select

from commerce.io.record.intent_rows import find_intent
from commerce.io.record.order_lines import orders_of
from commerce.io.record.rows import ORDERS
from commerce.io.record.schema import guests, orders
from commerce.io.record.schema_notices import notices
from commerce.io.record.schema_payments import intents
from commerce.io.shop.chores import AHEAD_MS
from commerce.io.shop.context import ShopContext
from commerce.io.shop.notices import notify_buyers
from commerce.money.intents import LIVE, UNPAID_NOTICE_MS, IntentState
from commerce.notices.notices import NoticeKind

ORDERS_PER_STEP = 100

_OF_STATE = {
    IntentState.HONOURED: NoticeKind.LATE_PAID,
    IntentState.REFUNDING: NoticeKind.LATE_REFUND,
}


class UnpaidNotices:
    """Gives buyers notice shortly before their order expires unpaid, once."""

    def __init__(self, shop: ShopContext) -> None:
        self._shop = shop

    def is_due(self, connection: Connection, at_ms: int) -> bool:
        """See `Chore`."""
        return bool(_near_their_end(connection, at_ms - AHEAD_MS, at_ms))

    async def step(self) -> int:
        """Post what is due; return how many orders. Several workers may do it."""
        at_ms = self._shop.clock()
        near = await self._shop.record.query(
            lambda connection: _near_their_end(connection, at_ms, at_ms)
        )
        if near:
            await self._shop.record.transact(lambda connection: _post(connection, near, at_ms))
        return len(near)


def notify_of_late(connection: Connection, intent_id: str, at_ms: int) -> None:
    """Give notice of a late payment that was decided, in the transaction that decided it."""
    intent = find_intent(connection, intent_id)
    if intent and intent.state in _OF_STATE:
        rows = orders_of(connection, ORDERS.where(orders.c.id == intent.order_id))
        notify_buyers(connection, rows, _OF_STATE[intent.state], "payment", at_ms)


def _near_their_end(connection: Connection, since_ms: int, until_ms: int) -> Sequence[str]:
    """The orders whose payment ends soon and whose buyers had no notice of it."""
    had_notice = exists().where(
        notices.c.kind == NoticeKind.UNPAID.value, notices.c.subject == intents.c.order_id
    )
    query = (
        select(intents.c.order_id)
        .join(orders, orders.c.id == intents.c.order_id)
        .join(guests, guests.c.id == orders.c.guest_id)
        .where(
            intents.c.state.in_([state.value for state in LIVE]),
            intents.c.expires_at_ms > since_ms,
            intents.c.expires_at_ms <= until_ms + UNPAID_NOTICE_MS,
            # A payment that has little time anyway was asked for a moment ago.
            intents.c.expires_at_ms - intents.c.created_at_ms >= 2 * UNPAID_NOTICE_MS,
            ~had_notice,
        )
        .order_by(intents.c.expires_at_ms)
        .limit(ORDERS_PER_STEP)
    )
    return connection.scalars(query).all()


def _post(connection: Connection, order_ids: Sequence[str], at_ms: int) -> None:
    """Post for those that still wait; another transaction may have booked their payment."""
    waiting = select(intents.c.order_id).where(
        intents.c.order_id.in_(order_ids), intents.c.state.in_([state.value for state in LIVE])
    )
    rows = orders_of(connection, ORDERS.where(orders.c.id.in_(waiting)))
    notify_buyers(connection, rows, NoticeKind.UNPAID, "payment", at_ms)
