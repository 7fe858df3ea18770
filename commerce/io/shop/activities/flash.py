"""Flash sales of rooms in the record."""

from collections.abc import Callable

import structlog
from redis.exceptions import RedisError
from sqlalchemy import Connection, Row, func, insert, select, update
from sqlalchemy.exc import DBAPIError

from commerce.errors import NotFound
from commerce.flash.sale import (
    LOWEST_OF_MS,
    WAITING_MAX,
    FlashSale,
    FlashTerms,
    Waiting,
    WaitingState,
    is_lapsed,
    lowest_price,
    new_sale,
)
from commerce.io.gate import keys
from commerce.io.gate.gates import Gates
from commerce.io.record.postings import Topic, enqueue
from commerce.io.record.quotas import (
    KEPT_MS,
    lapse_rights,
    lock_quotas,
    open_quota,
    pass_on,
    show_sale,
)
from commerce.io.record.schema import orders, rooms
from commerce.io.record.schema_flash import flash_sales, flash_waiting, quotas
from commerce.io.record.schema_sets import order_lines
from commerce.io.shop.activities.errors import FlashClosed, FlashOpen, WaitingFull
from commerce.io.shop.activities.flash_due import (
    flash_due,
    forgettable,
    lapsed_rights,
    sales_over,
)
from commerce.io.shop.catalogue.views import stock_of
from commerce.io.shop.context import ShopContext
from commerce.io.shop.households import Households
from commerce.orders.quotas import PLACE, flash_quota, right_quota

_OF_SALE = (
    select(
        flash_sales,
        (quotas.c.capacity - quotas.c.taken).label("left"),
        select(func.max(flash_waiting.c.place))
        .where(
            flash_waiting.c.sale_id == flash_sales.c.id,
            flash_waiting.c.state != WaitingState.WAITING.value,
        )
        .scalar_subquery()
        .label("served"),
    )
    # The name of its quota: see `flash_quota`.
    .join(quotas, quotas.c.name == flash_quota("") + flash_sales.c.id)
)

log = structlog.get_logger()


class FlashSales:
    """Opens, ends and closes flash sales, one at a time in a room, and keeps waiting lists."""

    def __init__(
        self,
        shop: ShopContext,
        households: Households,
        gates: Gates,
        new_id: Callable[[], str],
    ) -> None:
        self._shop = shop
        self._households = households
        self._gates = gates
        self._new_id = new_id

    async def lowest(self, room_id: str, product_id: str) -> int:
        """The price in fen that a flash sale of the product has to be below.

        Raises:
            NotFound: There is no such room, or the room sells no such product.
        """
        self._check(room_id, product_id)
        return await self._shop.record.query(
            lambda connection: self._lowest(connection, room_id, product_id, self._shop.clock())
        )

    async def open(
        self, room_id: str, product_id: str, terms: FlashTerms, *, actor: str
    ) -> FlashSale:
        """Announce a sale that begins after its countdown.

        Raises:
            NotFound: There is no such room, or the room sells no such product.
            InvalidField: A term cannot be, or the price is no discount.
            FlashOpen: Another one has not ended, or units of this product are still kept for
                households.
        """
        self._check(room_id, product_id)
        at_ms = self._shop.clock()
        brand_id = self._shop.catalogue.brand_id("room", room_id)
        id = self._new_id()

        def write(connection: Connection) -> FlashSale:
            # One at a time opens a sale of the room.
            connection.execute(select(rooms.c.id).where(rooms.c.id == room_id).with_for_update())
            lowest_fen = self._lowest(connection, room_id, product_id, at_ms)
            stores = stock_of(connection, self._shop.catalogue, [product_id])
            in_stock = sum(store.left for store in stores.get(product_id, ()))
            sale = new_sale(
                id,
                room_id,
                product_id,
                terms,
                lowest_fen=lowest_fen,
                in_stock=in_stock,
                now_ms=at_ms,
            )
            another = connection.scalar(
                select(flash_sales.c.id).where(
                    flash_sales.c.room_id == room_id,
                    flash_sales.c.closed_at_ms.is_(None),
                    (flash_sales.c.ends_at_ms > at_ms) | (flash_sales.c.product_id == product_id),
                )
            )
            if another is not None:
                raise FlashOpen(another)
            row = {name: getattr(sale, name) for name in _WRITTEN}
            connection.execute(insert(flash_sales), row)
            until_ms = sale.ends_at_ms + KEPT_MS
            open_quota(connection, brand_id, flash_quota(id), sale.units, until_ms, at_ms)
            enqueue(connection, Topic.FLASH, [id], at_ms)
            show_sale(connection, room_id, at_ms)
            return sale

        async with self._shop.record.write() as connection:
            sale = await connection.run_sync(write)
            terms_of = {name: getattr(sale, name) for name in _WRITTEN}
            await self._shop.audit(
                connection, actor, "flash.open", id, None, terms_of, at_ms, brand_id=brand_id
            )
        self._shop.on_commit()
        return sale

    async def end(self, room_id: str, sale_id: str, *, actor: str) -> FlashSale:
        """End a sale now; idempotent. Rights that were offered hold on.

        Raises:
            NotFound: The room has no such sale.
        """
        at_ms = self._shop.clock()
        brand_id = self._shop.catalogue.brand_id("room", room_id)
        async with self._shop.record.write() as connection:
            before = await connection.run_sync(_sale, room_id, sale_id)
            if before.is_over(at_ms):
                return before
            ended = {
                "starts_at_ms": min(before.starts_at_ms, at_ms),
                "ends_at_ms": at_ms,
            }
            which = update(flash_sales).where(flash_sales.c.id == sale_id)
            await connection.execute(which.values(ended))
            await connection.run_sync(enqueue, Topic.FLASH, [sale_id], at_ms)
            await connection.run_sync(show_sale, room_id, at_ms)
            sale = await connection.run_sync(_sale, room_id, sale_id)
            was, now = ({"ends_at_ms": each.ends_at_ms} for each in (before, sale))
            await self._shop.audit(
                connection, actor, "flash.end", sale_id, was, now, at_ms, brand_id=brand_id
            )
        self._shop.on_commit()
        return sale

    async def shown(self, room_id: str) -> FlashSale | None:
        """The sale that a room shows now.

        Raises:
            NotFound: There is no such room.
        """
        self._shop.catalogue.room(room_id)
        async with self._shop.record.read() as connection:
            return await connection.run_sync(shown_sale, room_id, self._shop.clock())

    async def wait_for(self, room_id: str, sale_id: str, guest_id: str) -> Waiting:
        """Put a guest's household at the end of the waiting list, unless it waits already.

        Raises:
            NotFound: The room has no such sale.
            FlashClosed: It is over.
            WaitingFull: Too many wait.
        """
        at_ms = self._shop.clock()
        household_id = self._households.of(guest_id) or guest_id

        def write(connection: Connection) -> Waiting:
            lock_quotas(connection, [flash_quota(sale_id)])  # one at a time gets a place
            sale = _sale(connection, room_id, sale_id)
            known = _waiting(connection, sale_id, household_id)
            if known and known.state in (WaitingState.WAITING, WaitingState.OFFERED):
                return known
            if not sale.is_running(at_ms):
                raise FlashClosed(sale_id)
            of_sale = flash_waiting.c.sale_id == sale_id
            last = connection.scalar(select(func.max(flash_waiting.c.place)).where(of_sale)) or 0
            count = connection.scalar(
                select(func.count()).where(
                    of_sale, flash_waiting.c.state == WaitingState.WAITING.value
                )
            )
            if (count or 0) >= WAITING_MAX:
                raise WaitingFull(sale_id)
            waits = {"place": last + 1, "state": WaitingState.WAITING.value, "until_ms": None}
            own = (of_sale, flash_waiting.c.household_id == household_id)
            if known:
                connection.execute(update(flash_waiting).where(*own).values(waits))
            else:
                row = {"sale_id": sale_id, "household_id": household_id, **waits}
                connection.execute(insert(flash_waiting), row)
            return Waiting(last + 1, WaitingState.WAITING)

        async with self._shop.record.write() as connection:
            return await connection.run_sync(write)

    async def waiting_of(self, room_id: str, sale_id: str, guest_id: str) -> Waiting | None:
        """Where a guest's household is in the waiting list.

        Raises:
            NotFound: The room has no such sale.
        """
        household_id = self._households.of(guest_id) or guest_id
        async with self._shop.record.read() as connection:
            await connection.run_sync(_sale, room_id, sale_id)
            return await connection.run_sync(_waiting, sale_id, household_id)

    def is_due(self, connection: Connection, at_ms: int) -> bool:
        """See `Chore`."""
        return flash_due(connection, at_ms)

    async def step(self) -> None:
        """Pass on rights that were not used, and close sales that are over."""
        try:
            await self.pass_on_lapsed()
            await self.close_ended()
        except (DBAPIError, RedisError) as error:
            log.warning("flash sales not kept", error=type(error).__name__)

    async def pass_on_lapsed(self) -> int:
        """Offer units whose rights were not used to the next; return how many rights lapsed."""
        at_ms = self._shop.clock()
        overdue = lapsed_rights(at_ms)
        async with self._shop.record.read() as connection:
            found = await connection.scalars(
                select(flash_waiting.c.sale_id).where(*overdue).distinct()
            )
            sale_ids = sorted(found)

        def write(connection: Connection, sale_id: str) -> int:
            of_sale = flash_waiting.c.sale_id == sale_id
            offered = connection.scalars(
                select(flash_waiting.c.household_id).where(
                    of_sale, flash_waiting.c.state == WaitingState.OFFERED.value
                )
            )
            lock_quotas(connection, [right_quota(sale_id, household) for household in offered])
            # What was locked before may be taken meanwhile.
            lapsed = [
                household_id
                for household_id, until_ms in connection.execute(
                    select(flash_waiting.c.household_id, flash_waiting.c.until_ms)
                    .where(of_sale, *overdue)
                    .order_by(flash_waiting.c.place)
                )
                if is_lapsed(until_ms, at_ms)
            ]
            units = lapse_rights(connection, sale_id, lapsed, at_ms)
            pass_on(connection, sale_id, units, at_ms)
            return len(lapsed)

        count = 0
        for sale_id in sale_ids:
            async with self._shop.record.write() as connection:
                count += await connection.run_sync(write, sale_id)
        if count:
            self._shop.on_commit()
        return count

    async def close_ended(self) -> int:
        """Close sales that are over and whose rights have all ended; return how many."""
        at_ms = self._shop.clock()
        over = sales_over(at_ms)
        async with self._shop.record.read() as connection:
            if not list(await connection.scalars(select(flash_sales.c.id).where(*over))):
                return await self._forget(at_ms)
        async with self._shop.record.write() as connection:
            closed = await connection.execute(
                update(flash_sales)
                .where(*over)
                .values(closed_at_ms=at_ms)
                .returning(flash_sales.c.id)
            )
            ids = sorted(id for (id,) in closed)
            await connection.run_sync(enqueue, Topic.FLASH, ids, at_ms)
        self._shop.on_commit()
        return len(ids)

    async def _forget(self, at_ms: int) -> int:
        """Have the gate forget quotas that are long over."""
        over = select(quotas.c.brand_id, quotas.c.name).where(*forgettable(at_ms, at_ms))
        async with self._shop.record.read() as connection:
            rows: dict[str, list[str]] = {}
            for brand_id, name in await connection.execute(over):
                rows.setdefault(brand_id, []).append(keys.row(name, PLACE))
        for brand_id, found in rows.items():
            await self._gates.of(brand_id).forget(found)
        return 0

    def _check(self, room_id: str, product_id: str) -> None:
        catalogue = self._shop.catalogue
        catalogue.room(room_id)
        catalogue.product(product_id)
        catalogue.require_one_brand(room_id, ("product", product_id))

    def _lowest(self, connection: Connection, room_id: str, product_id: str, at_ms: int) -> int:
        catalogue = self._shop.catalogue
        return lowest_price(
            catalogue.product(product_id),
            catalogue.rules,
            catalogue.estates_of(room_id),
            room_id,
            _lowest_paid(connection, product_id, at_ms - LOWEST_OF_MS),
            now_ms=at_ms,
        )


_WRITTEN = (
    "id",
    "room_id",
    "product_id",
    "price_fen",
    "before_fen",
    "units",
    "household_limit",
    "starts_at_ms",
    "ends_at_ms",
)


def shown_sale(connection: Connection, room_id: str, now_ms: int) -> FlashSale | None:
    """The newest flash sale of a room, unless its end was shown long enough."""
    newest = (
        _OF_SALE.where(flash_sales.c.room_id == room_id)
        .order_by(flash_sales.c.starts_at_ms.desc(), flash_sales.c.id.desc())
        .limit(1)
    )
    row = connection.execute(newest).first()
    sale = _sale_of(row) if row else None
    return sale if sale and sale.is_shown(now_ms) else None


def sale_by_id(connection: Connection, sale_id: str) -> FlashSale | None:
    """A flash sale as it stands now."""
    row = connection.execute(_OF_SALE.where(flash_sales.c.id == sale_id)).first()
    return _sale_of(row) if row else None


def _sale(connection: Connection, room_id: str, sale_id: str) -> FlashSale:
    which = _OF_SALE.where(flash_sales.c.id == sale_id, flash_sales.c.room_id == room_id)
    row = connection.execute(which).first()
    if row is None:
        raise NotFound("flash-sale", sale_id)
    return _sale_of(row)


def _sale_of(row: Row[tuple[object, ...]]) -> FlashSale:
    values = {name: getattr(row, name) for name in _WRITTEN}
    return FlashSale(**values, left=row.left, served=row.served or 0)


def _waiting(connection: Connection, sale_id: str, household_id: str) -> Waiting | None:
    row = connection.execute(
        select(flash_waiting).where(
            flash_waiting.c.sale_id == sale_id, flash_waiting.c.household_id == household_id
        )
    ).first()
    return Waiting(row.place, WaitingState(row.state), row.until_ms) if row else None


def _lowest_paid(connection: Connection, product_id: str, since_ms: int) -> int | None:
    """The lowest price of a unit that was paid since then, outside flash sales."""
    in_a_sale = (
        select(flash_sales.c.id)
        .where(
            flash_sales.c.product_id == product_id,
            orders.c.quotas.startswith(flash_quota("") + flash_sales.c.id),
        )
        .exists()
    )
    counted = (
        orders.c.created_at_ms > since_ms,
        orders.c.refused.is_(None),
        (orders.c.quotas == "") | ~in_a_sale,
    )
    own = select(func.min(orders.c.total_fen / orders.c.quantity)).where(
        *counted, orders.c.line_count == 0, orders.c.product_id == product_id
    )
    of_lines = (
        select(func.min(order_lines.c.price_fen))
        .join(orders, orders.c.id == order_lines.c.order_id)
        .where(*counted, order_lines.c.product_id == product_id)
    )
    found = [connection.scalar(query) for query in (own, of_lines)]
    paid = [int(fen) for fen in found if fen is not None]
    return min(paid) if paid else None
