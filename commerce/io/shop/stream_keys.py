"""Stream keys: what an encoder shows in place of a login. One per room; only its hash is kept."""

import hashlib
import secrets
from typing import NamedTuple

from sqlalchemy import delete, insert, select

from commerce.io.record.schema import stream_keys
from commerce.io.shop.context import ShopContext

KEY_BYTES = 20


class StreamKey(NamedTuple):
    """A new key, which cannot be shown a second time."""

    key: str
    made_at_ms: int


class StreamKeys:
    """Makes, checks and revokes the keys of rooms."""

    def __init__(self, shop: ShopContext) -> None:
        self._shop = shop

    async def renew(self, room_id: str) -> StreamKey:
        """Make a key for a room; the one before is no longer good.

        Raises:
            NotFound: There is no such room.
        """
        self._shop.catalogue.room(room_id)
        made = StreamKey(secrets.token_hex(KEY_BYTES), self._shop.clock())
        row = {"room_id": room_id, "key_hash": _hash(made.key), "made_at_ms": made.made_at_ms}
        async with self._shop.record.write() as connection:
            await connection.execute(delete(stream_keys).where(stream_keys.c.room_id == room_id))
            await connection.execute(insert(stream_keys), row)
        return made

    async def revoke(self, room_id: str) -> None:
        """Leave a room without a key; idempotent.

        Raises:
            NotFound: There is no such room.
        """
        self._shop.catalogue.room(room_id)
        async with self._shop.record.write() as connection:
            await connection.execute(delete(stream_keys).where(stream_keys.c.room_id == room_id))

    async def made_at_ms(self, room_id: str) -> int | None:
        """When the key of a room was made; None: it has none."""
        async with self._shop.record.read() as connection:
            found: int | None = await connection.scalar(
                select(stream_keys.c.made_at_ms).where(stream_keys.c.room_id == room_id)
            )
        return found

    async def room_of(self, key: str) -> str | None:
        """The room that a key is for; None: it is not known."""
        async with self._shop.record.read() as connection:
            found: str | None = await connection.scalar(
                select(stream_keys.c.room_id).where(stream_keys.c.key_hash == _hash(key))
            )
        return found if found in self._shop.catalogue.rooms else None


def _hash(key: str) -> str:
    """Keys are random and long: a plain hash of them cannot be reversed by guessing."""
    return hashlib.sha256(key.encode()).hexdigest()
