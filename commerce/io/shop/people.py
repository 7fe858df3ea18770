"""Guests and staff: who they are, and who may log in."""

from collections.abc import Callable, Collection

from sqlalchemy import insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from commerce.catalogue.nicknames import nickname_of
from commerce.catalogue.values import Guest, Staff
from commerce.io.record.schema import guests, staff
from commerce.io.shop.context import ShopContext
from commerce.io.shop.passwords import Passwords


class People:
    """Registers guests and checks the passwords of staff."""

    def __init__(self, shop: ShopContext, new_id: Callable[[], str]) -> None:
        self._shop = shop
        self._new_id = new_id
        self._passwords = Passwords()

    async def add_guest(self, nickname: str, estate_id: str) -> Guest:
        """Register a guest.

        Raises:
            BadNickname: The nickname is refused.
            NotFound: The estate does not exist.
        """
        nickname = nickname_of(nickname)
        self._shop.catalogue.estate(estate_id)
        guest = Guest(self._new_id(), nickname, estate_id)
        # A power cut may take a nickname; the token, the household and its orders need no row.
        async with self._shop.record.write(durable=False) as connection:
            await connection.execute(
                insert(guests),
                {
                    "id": guest.id,
                    "nickname": nickname,
                    "estate_id": estate_id,
                    "created_at_ms": self._shop.clock(),
                },
            )
        return guest

    async def login(self, username: str, password: str, *, known: bool = False) -> Staff | None:
        """Return who logs in, or None; takes equally long for a name that does not exist.

        A `known` device does not wait for unknown ones.

        Raises:
            TryAgain: Too many log in at this moment.
        """
        async with self._shop.record.read() as connection:
            row = (
                (await connection.execute(select(staff).where(staff.c.username == username)))
                .mappings()
                .first()
            )
        password_hash = row["password_hash"] if row else ""
        good = await self._passwords.check(password_hash, password, known=known)
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


async def nicknames_of(connection: AsyncConnection, guest_ids: Collection[str]) -> dict[str, str]:
    """Nicknames by guest id; a guest that the record does not know is missing."""
    rows = await connection.execute(
        select(guests.c.id, guests.c.nickname).where(guests.c.id.in_(set(guest_ids)))
    )
    return {id: nickname for id, nickname in rows}
