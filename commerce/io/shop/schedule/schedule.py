"""The schedule of rooms in the record, and what a room shows of it."""

from collections.abc import Callable, Sequence

from sqlalchemy import Connection, RowMapping, insert, select, update

from commerce.errors import CommerceError, NotFound
from commerce.io.record.schema_lives import scheduled_lives
from commerce.io.shop.activities.news import Part, changed
from commerce.io.shop.catalogue.catalogue import Catalogue
from commerce.io.shop.catalogue.views import product_view
from commerce.io.shop.context import ShopContext
from commerce.lives.schedule import (
    LATE_MS,
    UPCOMING_MAX,
    ScheduledLive,
    begun_live,
    moved_live,
    scheduled_live,
    shown_lives,
)
from commerce.views import Teaser, TeaserGood

OF_BRAND_MAX = 1_000


class ScheduleFull(CommerceError):
    """The room has as many scheduled lives as it may."""


class Schedule:
    """Schedules and cancels lives of rooms."""

    def __init__(self, shop: ShopContext, new_id: Callable[[], str]) -> None:
        self._shop = shop
        self._new_id = new_id

    async def add(
        self,
        room_id: str,
        title: str,
        teaser: str,
        product_ids: Sequence[str],
        starts_at_ms: int,
        *,
        actor: str,
    ) -> ScheduledLive:
        """Schedule a live.

        Raises:
            NotFound: There is no such room, or its brand has no such product.
            InvalidField: The time, a text or the goods cannot be.
            ScheduleFull: The room has enough of them.
        """
        catalogue = self._shop.catalogue
        catalogue.room(room_id)
        brand_id = catalogue.brand_id("room", room_id)
        at_ms = self._shop.clock()
        live = scheduled_live(
            self._new_id(), room_id, title, teaser, product_ids, starts_at_ms, now_ms=at_ms
        )
        for product_id in live.product_ids:
            catalogue.product(product_id)
            catalogue.require_one_brand(room_id, ("product", product_id))
        row = {
            "id": live.id,
            "room_id": room_id,
            "title": live.title,
            "teaser": live.teaser,
            "product_ids": list(live.product_ids),
            "starts_at_ms": starts_at_ms,
            "scheduled_at_ms": at_ms,
        }

        def write(connection: Connection) -> None:
            if len(upcoming(connection, room_id, at_ms)) >= UPCOMING_MAX:
                raise ScheduleFull(room_id)
            connection.execute(insert(scheduled_lives), row)
            changed(connection, room_id, Part.SCHEDULE, at_ms)

        async with self._shop.record.write() as connection:
            await connection.run_sync(write)
            await self._shop.audit(
                connection,
                actor,
                "room.schedule",
                room_id,
                None,
                {"title": live.title, "starts_at_ms": starts_at_ms},
                at_ms,
                brand_id=brand_id,
            )
        self._shop.on_commit()
        return live

    async def move(
        self, room_id: str, live_id: str, starts_at_ms: int, *, actor: str
    ) -> ScheduledLive:
        """Give a scheduled live another time; who wants a reminder gets it then.

        Raises:
            NotFound: The room has no such live that is still to come.
            InvalidField: The time cannot be.
        """
        brand_id = self._shop.catalogue.brand_id("room", room_id)
        at_ms = self._shop.clock()

        def write(connection: Connection) -> tuple[ScheduledLive, ScheduledLive]:
            found = {live.id: live for live in upcoming(connection, room_id, at_ms)}
            if live_id not in found:
                raise NotFound("live", live_id)
            after = moved_live(found[live_id], starts_at_ms, now_ms=at_ms)
            connection.execute(
                update(scheduled_lives)
                .where(scheduled_lives.c.id == live_id)
                .values(starts_at_ms=starts_at_ms, reminded_at_ms=None)
            )
            changed(connection, room_id, Part.SCHEDULE, at_ms)
            return found[live_id], after

        async with self._shop.record.write() as connection:
            before, after = await connection.run_sync(write)
            await self._shop.audit(
                connection,
                actor,
                "room.schedule",
                room_id,
                {"title": before.title, "starts_at_ms": before.starts_at_ms},
                {"title": after.title, "starts_at_ms": after.starts_at_ms},
                at_ms,
                brand_id=brand_id,
            )
        self._shop.on_commit()
        return after

    async def of_brand(self, brand_id: str, from_ms: int, until_ms: int) -> list[ScheduledLive]:
        """The lives that a brand's rooms have or had scheduled in a time, the first one first."""
        catalogue = self._shop.catalogue
        own = [id for id in catalogue.rooms if catalogue.brand_id("room", id) == brand_id]
        wanted = (
            select(scheduled_lives)
            .where(
                scheduled_lives.c.room_id.in_(own),
                scheduled_lives.c.starts_at_ms >= from_ms,
                scheduled_lives.c.starts_at_ms < until_ms,
                scheduled_lives.c.cancelled_at_ms.is_(None),
            )
            .order_by(scheduled_lives.c.starts_at_ms, scheduled_lives.c.id)
            .limit(OF_BRAND_MAX)
        )
        return await self._shop.record.query(
            lambda connection: [_scheduled(row) for row in connection.execute(wanted).mappings()]
        )

    async def cancel(self, room_id: str, live_id: str, *, actor: str) -> None:
        """Take a live from the schedule; idempotent.

        Raises:
            NotFound: The room has no such scheduled live.
        """
        brand_id = self._shop.catalogue.brand_id("room", room_id)
        at_ms = self._shop.clock()
        which = (scheduled_lives.c.id == live_id, scheduled_lives.c.room_id == room_id)

        def write(connection: Connection) -> ScheduledLive | None:
            row = connection.execute(select(scheduled_lives).where(*which)).mappings().first()
            if row is None:
                raise NotFound("live", live_id)
            if row["cancelled_at_ms"] is not None or row["began_at_ms"] is not None:
                return None
            connection.execute(update(scheduled_lives).where(*which).values(cancelled_at_ms=at_ms))
            changed(connection, room_id, Part.SCHEDULE, at_ms)
            return _scheduled(row)

        async with self._shop.record.write() as connection:
            live = await connection.run_sync(write)
            if live is not None:
                before = {"title": live.title, "starts_at_ms": live.starts_at_ms}
                await self._shop.audit(
                    connection,
                    actor,
                    "room.schedule",
                    room_id,
                    before,
                    None,
                    at_ms,
                    brand_id=brand_id,
                )
        self._shop.on_commit()

    async def upcoming(self, room_id: str) -> list[Teaser]:
        """All lives that a room is going to have, the next one first.

        Raises:
            NotFound: There is no such room.
        """
        catalogue, at_ms = self._shop.catalogue, self._shop.clock()
        catalogue.room(room_id)
        async with self._shop.record.read() as connection:
            found = await connection.run_sync(upcoming, room_id, at_ms)
        return [teaser_of(catalogue, live, at_ms) for live in found]

    async def shown(self, room_id: str) -> list[Teaser]:
        """What a room shows of its schedule, the next live first."""
        at_ms = self._shop.clock()
        async with self._shop.record.read() as connection:
            return await connection.run_sync(shown_teasers, self._shop.catalogue, room_id, at_ms)


def upcoming(connection: Connection, room_id: str, at_ms: int) -> list[ScheduledLive]:
    """The lives that a room still expects, the next one first."""
    rows = connection.execute(
        select(scheduled_lives)
        .where(
            scheduled_lives.c.room_id == room_id,
            scheduled_lives.c.starts_at_ms > at_ms - LATE_MS,
            scheduled_lives.c.began_at_ms.is_(None),
            scheduled_lives.c.cancelled_at_ms.is_(None),
        )
        .order_by(scheduled_lives.c.starts_at_ms, scheduled_lives.c.id)
    )
    return [_scheduled(row) for row in rows.mappings()]


def shown_teasers(
    connection: Connection, catalogue: Catalogue, room_id: str, at_ms: int
) -> list[Teaser]:
    """What a room shows of its schedule, the next live first."""
    shown = shown_lives(upcoming(connection, room_id, at_ms), now_ms=at_ms)
    return [teaser_of(catalogue, live, at_ms) for live in shown]


def note_begun(connection: Connection, room_id: str, started_at_ms: int, at_ms: int) -> None:
    """Take the scheduled live that has begun now from the schedule, if there is one."""
    live = begun_live(upcoming(connection, room_id, at_ms), started_at_ms=started_at_ms)
    if live is None:
        return
    which = scheduled_lives.c.id == live.id
    connection.execute(update(scheduled_lives).where(which).values(began_at_ms=started_at_ms))
    changed(connection, room_id, Part.SCHEDULE, at_ms)


def teaser_of(catalogue: Catalogue, live: ScheduledLive, at_ms: int) -> Teaser:
    """A scheduled live with its goods as they cost now; what is off the shelf stays out."""
    goods = []
    for product_id in live.product_ids:
        product = catalogue.products.get(product_id)
        if product is None or not product.on_sale:
            continue
        view = product_view(catalogue, product, (), live.room_id, at_ms)
        goods.append(TeaserGood(view.id, view.name, view.unit, view.image, view.price_fen))
    return Teaser(live.id, live.title, live.teaser, live.starts_at_ms, tuple(goods))


def _scheduled(row: RowMapping) -> ScheduledLive:
    return ScheduledLive(
        row["id"],
        row["room_id"],
        row["title"],
        row["teaser"],
        tuple(row["product_ids"]),
        row["starts_at_ms"],
    )
