"""The devices of a guest: each keeps a secret of its own, and the record its hash.

A token ends, or its signature is worthless once the installation has a new secret; who proves a
device is the same guest all the same. The secrets are random, so a plain hash is enough.
"""

import hashlib
import secrets

from sqlalchemy import delete, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from commerce.catalogue.values import Guest
from commerce.io.record.schema import guest_devices, guests

SECRET_BYTES = 32
DEVICES_MAX = 8
"""Of one guest; the one that was not used for longest gives way."""


async def add_device(connection: AsyncConnection, guest_id: str, at_ms: int) -> str:
    """Register a device of a guest; return its secret."""
    secret = secrets.token_urlsafe(SECRET_BYTES)
    await connection.execute(
        insert(guest_devices),
        {
            "secret_hash": _hash(secret),
            "guest_id": guest_id,
            "created_at_ms": at_ms,
            "used_at_ms": at_ms,
        },
    )
    return secret


async def forget_oldest(connection: AsyncConnection, guest_id: str) -> None:
    """Keep a guest's `DEVICES_MAX` most recently used devices."""
    used = guest_devices.c.used_at_ms.desc()
    ranked = (
        select(guest_devices.c.secret_hash)
        .where(guest_devices.c.guest_id == guest_id)
        .order_by(used, guest_devices.c.secret_hash)
    )
    hashes = list(await connection.scalars(ranked))[DEVICES_MAX:]
    if hashes:
        await connection.execute(
            delete(guest_devices).where(guest_devices.c.secret_hash.in_(hashes))
        )


async def has_device(connection: AsyncConnection, guest_id: str) -> bool:
    """Whether a guest has registered any device."""
    found = select(guest_devices.c.guest_id).where(guest_devices.c.guest_id == guest_id).limit(1)
    return (await connection.scalar(found)) is not None


async def guest_of_device(
    connection: AsyncConnection, guest_id: str, secret: str, at_ms: int
) -> Guest | None:
    """Return the guest whose device has `secret`, and note that it was used."""
    device = (
        guest_devices.c.secret_hash == _hash(secret),
        guest_devices.c.guest_id == guest_id,
    )
    used = await connection.execute(update(guest_devices).where(*device).values(used_at_ms=at_ms))
    return await find_guest(connection, guest_id) if used.rowcount else None


async def find_guest(connection: AsyncConnection, guest_id: str) -> Guest | None:
    """Return a guest that the record knows."""
    columns = (guests.c.id, guests.c.nickname, guests.c.estate_id, guests.c.created_at_ms)
    found = select(*columns).where(guests.c.id == guest_id)
    row = (await connection.execute(found)).first()
    return Guest(*row) if row else None


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
