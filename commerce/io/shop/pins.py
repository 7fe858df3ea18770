"""Pinned products: the cards that a room shows."""

from collections import defaultdict
from collections.abc import Collection

from sqlalchemy import Connection, delete, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from commerce.catalogue.values import Pin
from commerce.io.record.schema import pins
from commerce.io.shop.catalogue.catalogue import Catalogue
from commerce.io.shop.catalogue.views import family_view, stock_of
from commerce.io.shop.context import ShopContext
from commerce.views import Card


class Pins:
    """Finds the cards of rooms."""

    def __init__(self, shop: ShopContext) -> None:
        self._shop = shop

    async def cards(self, room_id: str) -> list[Card]:
        """What is pinned in a room, newest first.

        Raises:
            NotFound: There is no such room.
        """
        self._shop.catalogue.room(room_id)
        async with self._shop.record.read() as connection:
            return await cards_in(connection, self._shop.catalogue, room_id, self._shop.clock())


async def cards_in(
    connection: AsyncConnection, catalogue: Catalogue, room_id: str, at_ms: int
) -> list[Card]:
    """The cards of a room, newest first."""
    rows = await connection.execute(
        select(pins)
        .where(pins.c.room_id == room_id)
        .order_by(pins.c.pinned_at_ms.desc(), pins.c.product_id)
    )
    return await cards_of(connection, catalogue, [Pin(**row) for row in rows.mappings()], at_ms)


async def cards_of(
    connection: AsyncConnection, catalogue: Catalogue, found: Collection[Pin], at_ms: int
) -> list[Card]:
    """The cards of pins, with what is left."""
    ids = catalogue.with_variants([pin.product_id for pin in found])
    stores = await connection.run_sync(stock_of, catalogue, ids)
    return [
        Card(
            family_view(catalogue, catalogue.product(pin.product_id), stores, pin.room_id, at_ms),
            pin.pinned_at_ms,
            pin.media_time,
        )
        for pin in found
    ]


async def find_pin(connection: AsyncConnection, room_id: str, product_id: str) -> Pin | None:
    """The pin of a product in a room."""
    rows = await connection.execute(
        select(pins).where(pins.c.room_id == room_id, pins.c.product_id == product_id)
    )
    row = rows.mappings().first()
    return Pin(**row) if row else None


def rooms_with(
    connection: Connection, catalogue: Catalogue, product_ids: Collection[str]
) -> dict[str, list[str]]:
    """Rooms with a card on which products are offered, sorted, by product."""
    rows = connection.execute(
        select(pins.c.product_id, pins.c.room_id).where(
            pins.c.product_id.in_(catalogue.families_of(product_ids))
        )
    )
    pinned: defaultdict[str, set[str]] = defaultdict(set)
    for product_id, room_id in rows:
        pinned[product_id].add(room_id)
    found = {
        id: sorted(set().union(*(pinned[each] for each in catalogue.families_of([id]))))
        for id in product_ids
    }
    return {id: rooms for id, rooms in found.items() if rooms}


async def put_pin(connection: AsyncConnection, pin: Pin) -> None:
    """Pin a product, or move its card to the front."""
    values = {"pinned_at_ms": pin.pinned_at_ms, "media_time": pin.media_time}
    changed = await connection.execute(
        update(pins)
        .where(pins.c.room_id == pin.room_id, pins.c.product_id == pin.product_id)
        .values(values)
    )
    if changed.rowcount == 0:
        await connection.execute(
            insert(pins), {"room_id": pin.room_id, "product_id": pin.product_id, **values}
        )


async def delete_pin(connection: AsyncConnection, room_id: str, product_id: str) -> bool:
    """Unpin a product; False if it was not pinned."""
    gone = await connection.execute(
        delete(pins).where(pins.c.room_id == room_id, pins.c.product_id == product_id)
    )
    return bool(gone.rowcount)
