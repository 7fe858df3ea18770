"""Orders of a store by what a clerk knows of them, and how fast they became ready."""

from sqlalchemy import ColumnElement, Connection, func, or_, select

from commerce.io.record.order_lines import orders_of
from commerce.io.record.rows import ORDERS
from commerce.io.record.schema import guests, order_moves, orders, pickup_codes
from commerce.io.record.schema_people import persons
from commerce.io.shop.context import ShopContext
from commerce.io.shop.views import store_views
from commerce.orders.pace import WINDOW_MS, Pace, Readied, pace_of
from commerce.orders.pickup import read
from commerce.orders.states import WAITING, WITH_BUYER_VALUES, OrderState
from commerce.views import StoreOrder

FOUND_MAX = 50
TAIL_DIGITS = 4


class OrderSearch:
    """Reads orders; changes nothing."""

    def __init__(self, shop: ShopContext) -> None:
        self._shop = shop

    async def find(self, store_id: str, words: str) -> list[StoreOrder]:
        """Orders by the buyer's name, their number, a phone's last four digits, or a pickup code.

        Raises:
            NotFound: There is no such store.
        """
        self._shop.catalogue.store(store_id)
        words = words.strip()
        if not words:
            return []
        which = (
            ORDERS.where(orders.c.store_id == store_id, _named(store_id, words))
            .order_by(orders.c.created_at_ms.desc(), orders.c.id)
            .limit(FOUND_MAX)
        )
        return await self._shop.record.query(
            lambda connection: store_views(
                connection, orders_of(connection, which), self._shop.catalogue
            )
        )

    async def pace(self, store_id: str) -> Pace:
        """How fast orders became ready in the last day.

        Raises:
            NotFound: There is no such store.
        """
        self._shop.catalogue.store(store_id)
        since_ms = self._shop.clock() - WINDOW_MS
        return await self._shop.record.query(
            lambda connection: pace_of(_readied(connection, store_id, since_ms), since_ms)
        )


def _named(store_id: str, words: str) -> ColumnElement[bool]:
    by_name = select(guests.c.id).where(guests.c.nickname.icontains(words, autoescape=True))
    ways: list[ColumnElement[bool]] = [
        orders.c.number.contains(words.lstrip("#"), autoescape=True),
        orders.c.guest_id.in_(by_name),
    ]
    if len(words) == TAIL_DIGITS and words.isascii() and words.isdigit():
        by_phone = select(guests.c.id).join(persons, persons.c.id == guests.c.person_id)
        ways.append(orders.c.guest_id.in_(by_phone.where(persons.c.last_four == words)))
    code = read(words)
    if code is not None:
        with_code = select(pickup_codes.c.order_id).where(
            pickup_codes.c.store_id == store_id, pickup_codes.c.code == code
        )
        ways.append(orders.c.id.in_(with_code))
    return or_(*ways)


def _readied(connection: Connection, store_id: str, since_ms: int) -> list[Readied]:
    """The last time that each order became ready, and when it came to the store."""
    came, ready = order_moves.alias("came"), order_moves.alias("ready")
    started = (
        select(func.min(came.c.at_ms))
        .where(came.c.order_id == orders.c.id, came.c.to_state == OrderState.NEW.value)
        .where(came.c.from_state.in_([state.value for state in WAITING]))
        .scalar_subquery()
    )
    rows = connection.execute(
        select(
            func.coalesce(started, orders.c.created_at_ms),
            func.max(ready.c.at_ms),
            orders.c.due_at_ms,
        )
        .join(ready, ready.c.order_id == orders.c.id)
        .where(
            orders.c.store_id == store_id,
            ready.c.to_state == OrderState.READY.value,
            ready.c.at_ms >= since_ms,
            orders.c.state.in_([OrderState.READY.value, OrderState.OUT.value, *WITH_BUYER_VALUES]),
        )
        .group_by(orders.c.id)
    )
    return [Readied(*row) for row in rows]
