"""What people agreed to, what is known of them, and its erasure, which keeps the books.

Orders stay, as the books need them, under a guest id that names nobody any more.
"""

from typing import Any

from sqlalchemy import Connection, RowMapping, delete, exists, insert, select, update

from commerce.errors import CommerceError, NotFound
from commerce.io.record.personal import forget_personal, read_personal
from commerce.io.record.postings import Topic, enqueue
from commerce.io.record.schema import estates, guests, orders, products, stores
from commerce.io.record.schema_after_sales import claims
from commerce.io.record.schema_people import (
    consents,
    dwellings,
    households,
    persons,
    sms_numbers,
)
from commerce.io.record.schema_sets import order_lines
from commerce.io.record.variants import full_name
from commerce.io.shop.context import ShopContext
from commerce.io.shop.households import Households
from commerce.io.shop.lake_erasures import forget_in_the_lake
from commerce.io.shop.moderation.rules import bump
from commerce.orders.states import ENDED_VALUES
from commerce.people.consents import Purpose, require_consent

SHOWN_MS = 48 * 3_600 * 1_000  # longer than a board shows what was handed over
DONE = ENDED_VALUES


class OpenOrders(CommerceError):
    """Somebody who still waits for goods cannot be erased."""


class Privacy:
    """Logs consents, exports and erases."""

    def __init__(self, shop: ShopContext, households: Households) -> None:
        self._shop = shop
        self._households = households

    async def agree(self, guest_id: str, purpose: Purpose, version: str) -> None:
        """Log that a guest agrees to a text, once per version.

        Raises:
            ConsentNeeded: It is not the newest one.
        """
        require_consent(purpose, version)
        row = {"guest_id": guest_id, "purpose": purpose.value, "version": version}
        known = exists().where(*(consents.c[name] == value for name, value in row.items()))
        async with self._shop.record.write() as connection:
            if not await connection.scalar(select(known)):
                at_ms = self._shop.clock()
                await connection.execute(insert(consents), {**row, "given_at_ms": at_ms})

    async def export(self, guest_id: str) -> dict[str, Any]:
        """Return everything that is known of a guest.

        Raises:
            NotFound: There is no such guest.
        """
        async with self._shop.record.read() as connection:
            found = await connection.run_sync(_export, guest_id)
        if found is None:
            raise NotFound("guest", guest_id)
        return found

    async def erase(self, guest_id: str) -> list[str]:
        """Forget who a guest is: nickname, devices, phone number, flat, and words. Tokens end.

        Return the orders that were claimed with photos, which the caller deletes.

        Raises:
            NotFound: There is no such guest, or no more.
            OpenOrders: Orders wait for a group or for the guest.
        """
        at_ms = self._shop.clock()
        async with self._shop.record.write() as connection:
            photographed = await connection.run_sync(_erase, guest_id, at_ms)
        self._shop.on_commit()
        await self._households.refresh()
        return photographed


def _export(connection: Connection, guest_id: str) -> dict[str, Any] | None:
    def rows(query: Any) -> list[dict[str, Any]]:
        return [dict(row) for row in connection.execute(query).mappings()]

    guest = rows(
        select(
            guests.c.id,
            guests.c.nickname,
            guests.c.estate_id,
            estates.c.name_zh.label("estate_zh"),
            estates.c.name_en.label("estate_en"),
            guests.c.created_at_ms,
            guests.c.household_id,
        )
        .join(estates, estates.c.id == guests.c.estate_id)
        .where(guests.c.id == guest_id, guests.c.erased_at_ms.is_(None))
    )
    if not guest:
        return None
    mine = guests.c.id == guest_id
    bought = select(
        orders.c.number,
        orders.c.created_at_ms,
        orders.c.product_id,
        full_name("zh").label("name_zh"),
        full_name("en").label("name_en"),
        stores.c.name_zh.label("store_zh"),
        stores.c.name_en.label("store_en"),
        orders.c.quantity,
        orders.c.total_fen,
        orders.c.paid_fen,
        orders.c.refunded_fen,
        orders.c.state,
        orders.c.handed_over_at_ms,
    )
    phone = select(
        persons.c.last_four,
        persons.c.verified_at_ms,
        sms_numbers.c.kept_at_ms.label("sms_since_ms"),
    ).outerjoin(sms_numbers, sms_numbers.c.person_id == persons.c.id)
    return {
        "guest": guest[0],
        **read_personal(connection, guest_id, guest[0]["household_id"]),
        "phones": rows(phone.join(guests, guests.c.person_id == persons.c.id).where(mine)),
        "orders": rows(
            bought.join(products, products.c.id == orders.c.product_id)
            .join(stores, stores.c.id == orders.c.store_id)
            .where(orders.c.guest_id == guest_id)
            .order_by(orders.c.created_at_ms)
        ),
        "order_lines": rows(
            select(
                orders.c.number,
                order_lines.c.product_id,
                full_name("zh").label("name_zh"),
                full_name("en").label("name_en"),
                order_lines.c.units,
                (order_lines.c.total_fen - order_lines.c.discount_fen).label("total_fen"),
            )
            .join(orders, orders.c.id == order_lines.c.order_id)
            .join(products, products.c.id == order_lines.c.product_id)
            .where(orders.c.guest_id == guest_id)
            .order_by(orders.c.created_at_ms, order_lines.c.order_id, order_lines.c.line)
        ),
    }


def _erase(connection: Connection, guest_id: str, at_ms: int) -> list[str]:
    mine = guests.c.id == guest_id
    known = mine & guests.c.erased_at_ms.is_(None)
    guest = connection.execute(select(guests).where(known).with_for_update()).mappings().first()
    if guest is None:
        raise NotFound("guest", guest_id)
    ordered = orders.c.guest_id == guest_id
    if connection.scalar(select(exists().where(ordered, orders.c.state.not_in(DONE)))):
        raise OpenOrders
    photos = select(claims.c.order_id).where(claims.c.guest_id == guest_id, claims.c.photos != "[]")
    photographed = sorted(set(connection.scalars(photos)))
    forgotten = {"nickname": "", "person_id": None, "household_id": None}
    connection.execute(
        update(guests).where(mine).values(**forgotten, household_at_ms=at_ms, erased_at_ms=at_ms)
    )
    for room_id in forget_personal(connection, guest_id, at_ms):
        bump(connection, room_id, at_ms)
    forget_in_the_lake(connection, guest_id, at_ms)
    _forget_those_left_alone(connection, guest, at_ms)
    # Boards of shops that still show one of the orders show it without the name.
    lately = orders.c.created_at_ms > at_ms - SHOWN_MS
    shown = list(connection.scalars(select(orders.c.id).where(ordered, lately)))
    enqueue(connection, Topic.ORDER, shown, at_ms)
    return photographed


def _forget_those_left_alone(connection: Connection, guest: RowMapping, at_ms: int) -> None:
    """The phone number that no other guest has proved, the household that has nobody left."""
    person = persons.c.id == guest["person_id"]
    if not connection.scalar(select(exists().where(guests.c.person_id == guest["person_id"]))):
        connection.execute(delete(persons).where(person))
    home = guest["household_id"]
    people = exists().where(guests.c.household_id == home)
    known = exists().where(persons.c.household_id == home)
    if not connection.scalar(select(people | known)):
        connection.execute(delete(dwellings).where(dwellings.c.household_id == home))
        connection.execute(delete(households).where(households.c.id == home))
        forget_in_the_lake(connection, home, at_ms)
