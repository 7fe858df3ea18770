"""Guests and staff: who they are, and who may log in."""

import asyncio
from collections.abc import Callable, Collection

from argon2 import PasswordHasher
from argon2.exceptions import Argon2Error, InvalidHashError
from sqlalchemy import insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from commerce.catalogue.values import Guest, Staff
from commerce.io.record.schema import guests, staff
from commerce.io.shop.context import ShopContext

_HASHES_AT_ONCE = 2  # argon2 takes 64 MiB and a core each


class People:
    """Registers guests and checks the passwords of staff."""

    def __init__(self, shop: ShopContext, new_id: Callable[[], str]) -> None:
        self._shop = shop
        self._new_id = new_id
        self._hasher = PasswordHasher()
        self._hashing = asyncio.Semaphore(_HASHES_AT_ONCE)
        self._decoy: str | None = None

    async def add_guest(self, nickname: str, estate_id: str) -> Guest:
        """Register a guest.

        Raises:
            NotFound: The estate does not exist.
        """
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

    async def login(self, username: str, password: str) -> Staff | None:
        """Return who logs in, or None; takes equally long for a name that does not exist."""
        async with self._shop.record.read() as connection:
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


async def nicknames_of(connection: AsyncConnection, guest_ids: Collection[str]) -> dict[str, str]:
    """Nicknames by guest id; a guest that the record does not know is missing."""
    rows = await connection.execute(
        select(guests.c.id, guests.c.nickname).where(guests.c.id.in_(set(guest_ids)))
    )
    return {id: nickname for id, nickname in rows}
