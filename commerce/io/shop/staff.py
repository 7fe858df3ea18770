"""The staff in the record: loaded from a shop file, and the versions that end their tokens.

A token carries the version that it was issued at. Whatever takes rights away (a new password, other
roles, leaving) raises the version and puts that into the outbox, which publishes it to all workers;
each reads the versions then, and every few seconds in case a message was lost.
"""

import asyncio
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

import structlog
from argon2 import PasswordHasher
from argon2.exceptions import Argon2Error, InvalidHashError
from redis.asyncio import Redis
from redis.exceptions import RedisError
from sqlalchemy import ColumnElement, RowMapping, insert, select, update
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from commerce.catalogue.values import SeedStaff
from commerce.errors import NotFound
from commerce.io.gate import keys
from commerce.io.record.audit_trail import OPERATOR, Value, record_audit
from commerce.io.record.engine import Record, wall_clock
from commerce.io.record.postings import Topic, enqueue
from commerce.io.record.schema_staff import staff
from commerce.io.record.shutdown import stopping

REFRESH_S = 3.0
"""How old a worker's copy of the versions may be when no message comes through."""
UNEDITED = 1
"""The version of a row that nobody has edited in the head office."""
UNKNOWN_S = 2 * REFRESH_S
"""How long a token of somebody whom this worker does not know yet is accepted."""

log = structlog.get_logger()


class StaffVersions:
    """The token versions of all staff, as this worker knows them.

    `on_raised` is called with the ids of those whose older tokens hold no more; it must not raise.
    """

    def __init__(self, record: Record, redis: Redis) -> None:
        self.on_raised: Callable[[frozenset[str]], None] = lambda ids: None
        self._record = record
        self._reread = record.reread()
        self._redis = redis
        self._versions: dict[str, int] = {}

    async def refresh(self) -> None:
        """Read the versions again."""
        # Those who left, too: leaving raised their version.
        found = select(staff.c.id, staff.c.token_version)
        async with self._record.read() as connection:
            rows = await connection.execute(found)
            known, self._versions = self._versions, {id: version for id, version in rows}
        raised = [id for id, version in self._versions.items() if version > known.get(id, 0)]
        if raised:
            self.on_raised(frozenset(raised))

    async def publish(self, staff_ids: Collection[str]) -> None:
        """Have all workers read the versions now.

        Raises:
            RedisError: It is not known whether they will before `REFRESH_S`.
        """
        await self._redis.publish(keys.STAFF, " ".join(staff_ids))

    async def run(self) -> None:
        """Keep the versions fresh until cancelled."""
        while not stopping():
            try:
                async with self._redis.pubsub(ignore_subscribe_messages=True) as pubsub:
                    await pubsub.subscribe(keys.STAFF)
                    while not stopping():
                        await self._try_refresh()
                        await pubsub.get_message(timeout=REFRESH_S)
            except (RedisError, OSError) as error:
                log.warning("revocations are not received", error=type(error).__name__)
                await self._try_refresh()
                await asyncio.sleep(REFRESH_S)

    async def _try_refresh(self) -> None:
        try:
            async with self._reread.needed() as needed:
                if needed:
                    await self.refresh()
        except DBAPIError as error:
            log.warning("the staff was not refreshed", error=type(error).__name__)

    def is_current(self, staff_id: str, version: int, issued_at_s: float) -> bool:
        """Whether a token of this version still holds. A newer one was issued a moment ago."""
        known = self._versions.get(staff_id)
        if known is None:
            return time.time() - issued_at_s < UNKNOWN_S
        return version >= known


async def read_staff(engine: AsyncEngine) -> dict[str, dict[str, Any]]:
    """Return the rows of all staff, by id, those who left too."""
    async with Record(engine).read() as connection:
        rows = (await connection.execute(select(staff))).mappings()
        return {row["id"]: dict(row) for row in rows}


async def password_hashes(
    people: Sequence[SeedStaff], known: dict[str, dict[str, Any]]
) -> list[str]:
    """Return the hash that each person has after a load, in a thread: it takes its time."""
    return await asyncio.to_thread(_hashes, people, known)


def _hashes(people: Sequence[SeedStaff], known: dict[str, dict[str, Any]]) -> list[str]:
    hasher = PasswordHasher()
    # A whole staff with one password is hashed and checked once.
    made: dict[str, str] = {}
    same: dict[tuple[str, str], bool] = {}
    hashes = []
    for seeded in people:
        row, password = known.get(seeded.staff.id), seeded.password
        if row is not None and row["active"]:
            pair = (row["password_hash"], password)
            if not row["own_password"] and pair not in same:
                same[pair] = _fits(hasher, *pair)
            if row["own_password"] or same[pair]:
                hashes.append(row["password_hash"])
                continue
        if password not in made:
            made[password] = hasher.hash(password)
        hashes.append(made[password])
    return hashes


def _fits(hasher: PasswordHasher, password_hash: str, password: str) -> bool:
    try:
        return hasher.verify(password_hash, password)
    except (Argon2Error, InvalidHashError):
        return False


async def load_staff(
    connection: AsyncConnection,
    brand_id: str,
    people: Sequence[SeedStaff],
    hashes: Sequence[str],
    at_ms: int,
) -> None:
    """Bring the staff of a brand up to date; staff that are not among `people` lose access.

    Whom the head office invited or edited, it manages itself.
    """
    found = (await connection.execute(select(staff))).mappings()
    known = {row["id"]: row for row in found}
    raised = []
    changes: list[tuple[str, Value, Value]] = []
    for seeded, password_hash in zip(people, hashes, strict=True):
        row = known.get(seeded.staff.id)
        if row is not None and row["version"] != UNEDITED:
            continue
        values = _row(seeded, brand_id, password_hash)
        if row is None:
            await connection.execute(insert(staff), values)
            changes.append((values["id"], None, _rights(values)))
            continue
        if _rights(row) != _rights(values):
            changes.append((row["id"], _rights(row), _rights(values)))
        changed = any(row[name] != values[name] for name in _ENDS_TOKENS)
        values["token_version"] = row["token_version"] + changed
        if changed:
            raised.append(row["id"])
        if not row["active"]:
            values["own_password"] = False
        await connection.execute(update(staff).where(staff.c.id == row["id"]).values(values))
    left = await raise_versions(
        connection,
        staff.c.brand_id == brand_id,
        staff.c.id.not_in([seeded.staff.id for seeded in people]),
        staff.c.invited.is_(False),
        active=False,
    )
    changes += [(id, _rights(known[id]), {**_rights(known[id]), "active": False}) for id in left]
    await connection.run_sync(enqueue, Topic.STAFF, raised + left, at_ms)
    for id, before, after in changes:
        await connection.run_sync(
            record_audit, brand_id, OPERATOR, "staff.load", id, before, after, at_ms
        )


def _rights(row: Mapping[str, Any] | RowMapping) -> dict[str, Any]:
    return {name: row[name] for name in ("active", "roles", "room_id", "store_id", "estate_ids")}


_ENDS_TOKENS = ("active", "password_hash", "roles", "room_id", "store_id", "estate_ids")


def _row(seeded: SeedStaff, brand_id: str, password_hash: str) -> dict[str, Any]:
    person = seeded.staff
    return {
        "id": person.id,
        "username": person.username,
        "name": person.name,
        "roles": " ".join(person.roles),
        "room_id": person.room_id or None,
        "store_id": person.store_id or None,
        "estate_ids": " ".join(person.estate_ids),
        "password_hash": password_hash,
        "brand_id": brand_id,
        "active": True,
    }


async def store_password(engine: AsyncEngine, username: str, password: str) -> None:
    """Give somebody of the staff a password of their own, and end their tokens.

    Raises:
        NotFound: Nobody has this name.
    """
    password_hash = await asyncio.to_thread(PasswordHasher().hash, password)
    await _change(
        engine, username, "staff.password", password_hash=password_hash, own_password=True
    )


async def log_out_everywhere(engine: AsyncEngine, username: str) -> None:
    """End the tokens of somebody of the staff.

    Raises:
        NotFound: Nobody has this name.
    """
    await _change(engine, username, "staff.log-out")


async def _change(engine: AsyncEngine, username: str, action: str, **values: Any) -> None:
    async with Record(engine).write() as connection:
        raised = await raise_versions(connection, staff.c.username == username, **values)
        if not raised:
            raise NotFound("staff", username)
        at_ms = wall_clock()
        await connection.run_sync(enqueue, Topic.STAFF, raised, at_ms)
        changed = select(staff.c.id, staff.c.brand_id).where(staff.c.id.in_(raised))
        for staff_id, brand_id in (await connection.execute(changed)).all():
            await connection.run_sync(
                record_audit, brand_id, OPERATOR, action, staff_id, None, None, at_ms
            )


async def raise_versions(
    connection: AsyncConnection, *which: ColumnElement[bool], **values: Any
) -> list[str]:
    """End the tokens of active staff, set `values`, and return their ids."""
    raised = await connection.scalars(
        update(staff)
        .where(staff.c.active, *which)
        .values(token_version=staff.c.token_version + 1, **values)
        .returning(staff.c.id)
    )
    return list(raised)
