"""Guests and staff: who they are, and who may log in."""

from collections.abc import Callable, Collection

from redis.asyncio import Redis
from sqlalchemy import Connection, RowMapping, insert, select

from commerce.catalogue.values import Guest, Registered, Staff
from commerce.errors import NotFound, UnknownDevice
from commerce.io.record.schema import guests
from commerce.io.record.schema_staff import staff
from commerce.io.shop.context import ShopContext
from commerce.io.shop.guest_devices import (
    add_device,
    find_guest,
    forget_oldest,
    guest_of_device,
    has_device,
)
from commerce.io.shop.passwords import Passwords
from commerce.io.shop.staff import StaffVersions
from commerce.people.nicknames import nickname_of


class People:
    """Registers guests and checks the passwords of staff."""

    def __init__(self, shop: ShopContext, redis: Redis, new_id: Callable[[], str]) -> None:
        self._shop = shop
        self._new_id = new_id
        self.passwords = Passwords()
        self.versions = StaffVersions(shop.record, redis)

    async def add_guest(self, nickname: str, estate_id: str) -> Registered:
        """Register a guest and the device that they use.

        Raises:
            BadNickname: The nickname is refused.
            NotFound: The estate does not exist.
        """
        nickname = nickname_of(nickname)
        self._shop.catalogue.estate(estate_id)
        at_ms = self._shop.clock()
        guest = Guest(self._new_id(), nickname, estate_id, at_ms)
        # A power cut may take a guest of the last moment; orders are durable, and with them
        # whatever was written before.
        async with self._shop.record.write(durable=False) as connection:
            await connection.execute(
                insert(guests),
                {
                    "id": guest.id,
                    "nickname": nickname,
                    "estate_id": estate_id,
                    "created_at_ms": at_ms,
                },
            )
            secret = await add_device(connection, guest.id, at_ms)
        return Registered(guest, secret)

    async def refresh(self, guest_id: str, device_secret: str) -> Guest:
        """Return the guest that a device proves.

        Raises:
            UnknownDevice: The secret is not that of a device of this guest.
        """
        async with self._shop.record.write(durable=False) as connection:
            guest = await guest_of_device(connection, guest_id, device_secret, self._shop.clock())
        if guest is None:
            raise UnknownDevice
        return guest

    async def add_first_device(self, guest_id: str) -> str | None:
        """Register the device of a guest who has none; return its secret, or None.

        Raises:
            NotFound: There is no such guest.
        """
        async with self._shop.record.write() as connection:
            if await find_guest(connection, guest_id) is None:
                raise NotFound("guest", guest_id)
            if await has_device(connection, guest_id):
                return None
            return await add_device(connection, guest_id, self._shop.clock())

    async def restore(self, guest_id: str) -> Registered:
        """Register one more device of a guest.

        Raises:
            NotFound: There is no such guest.
        """
        async with self._shop.record.write() as connection:
            guest = await find_guest(connection, guest_id)
            if guest is None:
                raise NotFound("guest", guest_id)
            secret = await add_device(connection, guest_id, self._shop.clock())
            await forget_oldest(connection, guest_id)
        return Registered(guest, secret)

    async def login(self, username: str, password: str, *, known: bool = False) -> Staff | None:
        """Return who logs in, or None; takes equally long for a name that does not exist.

        A `known` device does not wait for unknown ones.

        Raises:
            TryAgain: Too many log in at this moment.
        """
        async with self._shop.record.read() as connection:
            row = (
                (
                    await connection.execute(
                        select(staff).where(staff.c.username == username, staff.c.active)
                    )
                )
                .mappings()
                .first()
            )
        password_hash = row["password_hash"] if row else ""
        good = await self.passwords.check(password_hash, password, known=known)
        return self._staff(row) if row is not None and good else None

    async def has_password(self, staff_id: str, password: str) -> bool:
        """Whether it is the password of somebody of the staff.

        Raises:
            TryAgain: Too many log in at this moment.
        """
        query = select(staff.c.password_hash).where(staff.c.id == staff_id, staff.c.active)
        async with self._shop.record.read() as connection:
            password_hash = await connection.scalar(query)
        return await self.passwords.check(password_hash or "", password, known=True)

    async def find_staff(self, staff_id: str) -> Staff:
        """Return somebody of the staff.

        Raises:
            NotFound: Nobody has this id, or they are not active.
        """
        query = select(staff).where(staff.c.id == staff_id, staff.c.active)
        async with self._shop.record.read() as connection:
            row = (await connection.execute(query)).mappings().first()
        if row is None:
            raise NotFound("staff", staff_id)
        return self._staff(row)

    def _staff(self, row: RowMapping) -> Staff:
        return Staff(
            id=row["id"],
            username=row["username"],
            name=row["name"],
            roles=tuple(row["roles"].split()),
            room_id=row["room_id"] or "",
            store_id=row["store_id"] or "",
            token_version=row["token_version"],
            brand_id=row["brand_id"] or self._brand_at(row["store_id"], row["room_id"]),
            estate_ids=tuple(row["estate_ids"].split()),
        )

    def _brand_at(self, store_id: str | None, room_id: str | None) -> str:
        """The brand of somebody whose row names none: that of the workplace, or the only one."""
        catalogue = self._shop.catalogue
        for kind, id in (("store", store_id), ("room", room_id)):
            if id:
                return catalogue.brand_id(kind, id)
        return catalogue.only_brand.id if catalogue.only_brand else ""


def nicknames_of(connection: Connection, guest_ids: Collection[str]) -> dict[str, str]:
    """Nicknames by guest id; a guest that the record does not know is missing."""
    rows = connection.execute(
        select(guests.c.id, guests.c.nickname).where(guests.c.id.in_(set(guest_ids)))
    )
    return {id: nickname for id, nickname in rows}
