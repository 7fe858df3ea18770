"""The directory in SQL: catalogue, lives, pins, guests and staff."""

import asyncio
from collections.abc import Callable, Collection

import structlog
from argon2 import PasswordHasher
from argon2.exceptions import Argon2Error, InvalidHashError
from sqlalchemy import RowMapping, func, insert, select, update
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection

from commerce.catalogue.values import Guest, Live, LiveState, Pin, Product, Staff
from commerce.errors import NotFound
from commerce.io.record.engine import Clock, Record
from commerce.io.record.loops import stopping
from commerce.io.record.schema import guests, lives, pins, staff, stock
from commerce.io.shop.catalogue import Catalogue, load_catalogue
from commerce.orders.order import Entry
from commerce.views import Card, ProductView

REFRESH_S = 5.0  # how old a worker's copy of the catalogue may be
_HASHES_AT_ONCE = 2  # argon2 takes 64 MiB and a core each

log = structlog.get_logger()


class Directory:
    """Reads and keeps who and what there is. `catalogue` is this process's copy."""

    def __init__(self, record: Record, clock: Clock, new_id: Callable[[], str]) -> None:
        self._record = record
        self._clock = clock
        self._new_id = new_id
        self._hasher = PasswordHasher()
        self._hashing = asyncio.Semaphore(_HASHES_AT_ONCE)
        self._decoy: str | None = None
        self.catalogue = Catalogue()

    async def refresh(self) -> None:
        """Read the catalogue again."""
        async with self._record.read() as connection:
            self.catalogue = await load_catalogue(connection)

    async def run(self) -> None:
        """Keep the catalogue fresh until cancelled."""
        while not stopping():
            await asyncio.sleep(REFRESH_S)
            try:
                await self.refresh()
            except DBAPIError as error:
                log.warning("the catalogue grows old", error=type(error).__name__)

    async def knows(self, entry: Entry) -> bool:
        """Whether everything that an entry names exists."""
        if self._knows(entry):
            return True
        await self.refresh()
        return self._knows(entry)

    def _knows(self, entry: Entry) -> bool:
        catalogue = self.catalogue
        return (
            entry.product_id in catalogue.products
            and entry.store_id in catalogue.stores
            and entry.estate_id in catalogue.estates
            and entry.room_id in catalogue.rooms
        )

    async def add_guest(self, nickname: str, estate_id: str) -> Guest:
        """Welcome a neighbour.

        Raises:
            NotFound: The estate does not exist.
        """
        self.catalogue.estate(estate_id)
        guest = Guest(self._new_id(), nickname, estate_id)
        # A power cut may take a nickname; the token, the household and its orders need no row.
        async with self._record.write(durable=False) as connection:
            await connection.execute(
                insert(guests),
                {
                    "id": guest.id,
                    "nickname": nickname,
                    "estate_id": estate_id,
                    "created_at_ms": self._clock(),
                },
            )
        return guest

    async def nicknames(
        self, connection: AsyncConnection, guest_ids: Collection[str]
    ) -> dict[str, str]:
        """Nicknames by guest id; a guest that the record does not know is missing."""
        rows = await connection.execute(
            select(guests.c.id, guests.c.nickname).where(guests.c.id.in_(set(guest_ids)))
        )
        return {id: nickname for id, nickname in rows}

    async def login(self, username: str, password: str) -> Staff | None:
        """Return who logs in, or None; takes equally long for a name that does not exist."""
        async with self._record.read() as connection:
            row = (
                (await connection.execute(select(staff).where(staff.c.username == username)))
                .mappings()
                .first()
            )
        async with self._hashing:
            good = await asyncio.to_thread(
                self._verify, row["password_hash"] if row else "", password
            )
        if row is None or not good:
            return None
        return Staff(
            id=row["id"],
            username=row["username"],
            name=row["name"],
            roles=tuple(row["roles"].split()),
            room_id=row["room_id"] or "",
            store_id=row["store_id"] or "",
        )

    def _verify(self, password_hash: str, password: str) -> bool:
        if not password_hash:
            if self._decoy is None:
                self._decoy = self._hasher.hash("nobody has this password")
            password_hash, password = self._decoy, ""
        try:
            return self._hasher.verify(password_hash, password)
        except (Argon2Error, InvalidHashError):
            return False

    async def lives(self) -> list[Live]:
        """The live of every room."""
        async with self._record.read() as connection:
            rows = (await connection.execute(select(lives))).mappings()
            known = {row["room_id"]: _live(row) for row in rows}
        return [
            known.get(room_id, Live(room_id, LiveState.SCHEDULED, None))
            for room_id in self.catalogue.rooms
        ]

    async def live(self, room_id: str) -> Live:
        """The live of one room.

        Raises:
            NotFound: There is no such room.
        """
        self.catalogue.room(room_id)
        async with self._record.read() as connection:
            row = (
                (await connection.execute(select(lives).where(lives.c.room_id == room_id)))
                .mappings()
                .first()
            )
        if row is None:
            return Live(room_id, LiveState.SCHEDULED, None)
        return _live(row)

    async def set_live(self, live: Live, owner: str) -> bool:
        """Write where a live stands, as the owner whose fencing token is `live.fence`.

        False if an owner with a larger token wrote before: then nothing is changed.

        Raises:
            NotFound: There is no such room.
        """
        self.catalogue.room(live.room_id)
        values = {
            "state": live.state.value,
            "started_at_ms": live.started_at_ms,
            "fence": live.fence,
            "owner": owner,
        }
        # Fences that Redis gave before it was emptied may come again, hence the owner beside them.
        mine = (lives.c.fence == live.fence) & (lives.c.owner == owner)
        of_room = lives.c.room_id == live.room_id
        async with self._record.write() as connection:
            changed = await connection.execute(
                update(lives).where(of_room, (lives.c.fence < live.fence) | mine).values(values)
            )
            if changed.rowcount:
                return True
            if await connection.scalar(select(lives.c.room_id).where(of_room)):
                return False
            await connection.execute(insert(lives), {"room_id": live.room_id, **values})
        return True

    async def products(self, room_id: str) -> list[ProductView]:
        """What a room sells, in the order of the shelf."""
        self.catalogue.room(room_id)
        on_sale = [product for product in self.catalogue.products.values() if product.on_sale]
        async with self._record.read() as connection:
            left = await units_left(connection, [product.id for product in on_sale])
        return [product_view(product, left.get(product.id, 0)) for product in on_sale]

    async def cards(self, room_id: str) -> list[Card]:
        """What is pinned in a room, newest first."""
        self.catalogue.room(room_id)
        async with self._record.read() as connection:
            rows = await connection.execute(
                select(pins)
                .where(pins.c.room_id == room_id)
                .order_by(pins.c.pinned_at_ms.desc(), pins.c.product_id)
            )
            found = [Pin(**row) for row in rows.mappings()]
            return await self.cards_of(connection, found)

    async def cards_of(self, connection: AsyncConnection, found: Collection[Pin]) -> list[Card]:
        """The cards of pins, with what is left."""
        left = await units_left(connection, [pin.product_id for pin in found])
        return [
            Card(
                product_view(self.catalogue.product(pin.product_id), left.get(pin.product_id, 0)),
                pin.pinned_at_ms,
                pin.media_time,
            )
            for pin in found
        ]

    async def staff_names(self) -> list[str]:
        """User names of all staff."""
        async with self._record.read() as connection:
            return list(await connection.scalars(select(staff.c.username)))

    def check_room(self, room_id: str) -> None:
        """Raise `NotFound` unless the room exists."""
        if room_id not in self.catalogue.rooms:
            raise NotFound("room", room_id)


def _live(row: RowMapping) -> Live:
    return Live(row["room_id"], LiveState(row["state"]), row["started_at_ms"], row["fence"])


async def units_left(connection: AsyncConnection, product_ids: Collection[str]) -> dict[str, int]:
    """Units that nobody bought, over all stores, by product."""
    rows = await connection.execute(
        select(stock.c.product_id, func.sum(stock.c.on_hand - stock.c.sold))
        .where(stock.c.product_id.in_(set(product_ids)))
        .group_by(stock.c.product_id)
    )
    return {product_id: int(left) for product_id, left in rows}


def product_view(product: Product, left: int) -> ProductView:
    """A product as a buyer sees it."""
    return ProductView(
        id=product.id,
        name=product.name,
        unit=product.unit,
        image=product.image,
        price_fen=product.price_fen,
        list_price_fen=product.list_price_fen,
        left=left,
        group=product.group,
    )
