"""The list of goods of a room, and what its host explains, in the record."""

from collections.abc import Callable, Sequence

from sqlalchemy import Connection, delete, func, insert, select, update

from commerce.activities.shelf import Shelf, listed_goods
from commerce.catalogue.values import LiveState
from commerce.errors import NotFound
from commerce.io.record.schema import lives, rooms
from commerce.io.record.schema_shelves import explanations, room_goods
from commerce.io.shop.activities.errors import NotLive
from commerce.io.shop.activities.news import Part, changed
from commerce.io.shop.context import ShopContext
from commerce.views import ProductView

_ON = (LiveState.LIVE.value, LiveState.PAUSED.value)


class Shelves:
    """Sets what rooms list, and begins and ends explanations; a room has one at a time."""

    def __init__(self, shop: ShopContext, new_id: Callable[[], str]) -> None:
        self._shop = shop
        self._new_id = new_id

    async def set(self, room_id: str, product_ids: Sequence[str], *, actor: str) -> Shelf:
        """List these goods in this order, in place of those before.

        Raises:
            NotFound: No such room, or a product is not one of its brand.
            InvalidField: There are too many, or one is there twice.
        """
        catalogue, at_ms = self._shop.catalogue, self._shop.clock()
        catalogue.room(room_id)
        ids = listed_goods(product_ids)
        for product_id in ids:
            await self._shop.cache.product(product_id)
        catalogue.require_one_brand(room_id, *(("product", id) for id in ids))

        def write(connection: Connection) -> int:
            _lock(connection, room_id)
            here = room_goods.c.room_id == room_id
            before = connection.execute(delete(room_goods).where(here)).rowcount
            rows = [
                {"room_id": room_id, "product_id": id, "place": place, "listed_at_ms": at_ms}
                for place, id in enumerate(ids)
            ]
            if rows:
                connection.execute(insert(room_goods), rows)
            changed(connection, room_id, Part.SHELF, at_ms)
            return before

        async with self._shop.record.write() as connection:
            before = await connection.run_sync(write)
            brand_id = catalogue.brand_id("room", room_id)
            trail = ("goods.list", room_id, {"goods": before}, {"goods": len(ids)}, at_ms)
            await self._shop.audit(connection, actor, *trail, brand_id=brand_id)
        self._shop.on_commit()
        return await self.shown(room_id)

    async def explain(self, room_id: str, product_id: str | None) -> Shelf:
        """Begin the explanation of a product, which ends the one before, or (None) end it.

        Raises:
            NotFound: No such room, or the product is not one of its brand.
            NotLive: There is no live in which something could be explained.
        """
        catalogue, at_ms = self._shop.catalogue, self._shop.clock()
        catalogue.room(room_id)
        if product_id is not None:
            await self._shop.cache.product(product_id)
            catalogue.require_one_brand(room_id, ("product", product_id))

        def write(connection: Connection) -> None:
            _lock(connection, room_id)
            on = select(lives.c.started_at_ms).where(
                lives.c.room_id == room_id, lives.c.state.in_(_ON)
            )
            live_started_at_ms = connection.scalar(on)
            if live_started_at_ms is None:
                raise NotLive(room_id)
            connection.execute(
                update(explanations)
                .where(explanations.c.room_id == room_id, explanations.c.ended_at_ms.is_(None))
                .values(ended_at_ms=at_ms)
            )
            if product_id is not None:
                row = {
                    "id": self._new_id(),
                    "room_id": room_id,
                    "product_id": product_id,
                    "live_started_at_ms": live_started_at_ms,
                    "started_at_ms": at_ms,
                }
                connection.execute(insert(explanations), row)
            changed(connection, room_id, Part.SHELF, at_ms)

        async with self._shop.record.write() as connection:
            await connection.run_sync(write)
        self._shop.on_commit()
        return await self.shown(room_id)

    async def shown(self, room_id: str) -> Shelf:
        """What a room shows of its list."""
        async with self._shop.record.read() as connection:
            return await connection.run_sync(shelf_of, room_id)

    async def goods(self, room_id: str, estate_id: str = "") -> list[ProductView]:
        """The goods that a room lists, as an estate is offered them, in the host's order.

        Raises:
            NotFound: There is no such room or estate.
        """
        views = await self._shop.cache.products(room_id, estate_id, self._shop.clock())
        which = select(room_goods.c.product_id).where(room_goods.c.room_id == room_id)
        async with self._shop.record.read() as connection:
            ids = list(await connection.scalars(which.order_by(room_goods.c.place)))
        offered = {view.id: view for view in views}
        return [offered[id] for id in ids if id in offered]


def shelf_of(connection: Connection, room_id: str) -> Shelf:
    """What a room shows of its list; an explanation ends with its live."""
    count, changed_at_ms = connection.execute(
        select(func.count(), func.max(room_goods.c.listed_at_ms)).where(
            room_goods.c.room_id == room_id
        )
    ).one()
    now = connection.execute(
        select(explanations.c.product_id, explanations.c.started_at_ms)
        .join(lives, lives.c.room_id == explanations.c.room_id)
        .where(
            explanations.c.room_id == room_id,
            explanations.c.ended_at_ms.is_(None),
            explanations.c.live_started_at_ms == lives.c.started_at_ms,
            lives.c.state.in_(_ON),
        )
    ).first()
    product_id, since_ms = now or (None, None)
    return Shelf(count, changed_at_ms or 0, product_id, since_ms)


def _lock(connection: Connection, room_id: str) -> None:
    """Hosts of a room change its list one after another."""
    which = select(rooms.c.id).where(rooms.c.id == room_id).with_for_update()
    if connection.scalar(which) is None:
        raise NotFound("room", room_id)
