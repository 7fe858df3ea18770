"""What an operator does with whole brands; needs no Redis, and a server may be running.

A running server reads the catalogue again at once, and fills the gate of a new or imported brand.
"""

import asyncio
import secrets
from dataclasses import dataclass
from typing import IO

from argon2 import PasswordHasher
from sqlalchemy import Connection, func, insert, select
from sqlalchemy.ext.asyncio import AsyncEngine

from commerce.catalogue.values import Text, own_gate
from commerce.errors import InvalidField
from commerce.io.ledger.writes import ORDER_NUMBER
from commerce.io.record.audit_trail import OPERATOR, record_audit
from commerce.io.record.engine import Record, wall_clock
from commerce.io.record.postings import Topic, enqueue
from commerce.io.record.schema import brands, counters, estates, products, stores
from commerce.io.record.schema_staff import staff
from commerce.io.shop.brands.delete import delete_brand
from commerce.io.shop.brands.export import Manifest, write_brand
from commerce.io.shop.brands.load import read_brand
from commerce.io.shop.seed import FIRST_ORDER_NUMBER

HEAD_OFFICE = "hq"
ID_BYTES = 10


@dataclass(frozen=True, slots=True)
class NewBrand:
    """A brand, and who manages it first."""

    id: str
    name: Text
    username: str
    person: str
    password: str


@dataclass(frozen=True, slots=True)
class BrandRow:
    """A brand and how large it is."""

    id: str
    name: Text
    stores: int
    estates: int
    products: int
    staff: int


class Brands:
    """The brands of a record."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._record = Record(engine)

    async def list(self) -> list[BrandRow]:
        """All brands, by id."""
        return await self._record.query(_list)

    async def create(self, new: NewBrand) -> None:
        """Make a brand with its first account.

        Raises:
            InvalidField: The id or the user name is taken.
        """
        password_hash = await asyncio.to_thread(PasswordHasher().hash, new.password)
        at_ms = wall_clock()
        await self._record.transact(
            lambda connection: _create(connection, new, password_hash, at_ms)
        )

    async def export(self, brand_id: str, file: IO[bytes], *, secrets: bool) -> Manifest:
        """Write a brand to a file; see `write_brand`."""
        at_ms = wall_clock()
        return await self._record.query(
            lambda connection: write_brand(connection, brand_id, file, secrets=secrets, at_ms=at_ms)
        )

    async def load(self, file: IO[bytes]) -> tuple[Manifest, int]:
        """Read a brand from a file; see `read_brand`."""
        at_ms = wall_clock()
        return await self._record.transact(
            lambda connection: read_brand(connection, file, at_ms=at_ms)
        )

    async def delete(self, brand_id: str, *, force: bool) -> int:
        """Delete a brand; see `delete_brand`."""
        at_ms = wall_clock()
        return await self._record.transact(
            lambda connection: delete_brand(connection, brand_id, force=force, at_ms=at_ms)
        )


def _list(connection: Connection) -> list[BrandRow]:
    sizes = [
        select(func.count())
        .select_from(table)
        .where(table.c.brand_id == brands.c.id)
        .scalar_subquery()
        for table in (stores, estates, products, staff)
    ]
    query = select(brands.c.id, brands.c.name_zh, brands.c.name_en, *sizes).order_by(brands.c.id)
    return [
        BrandRow(id, Text(zh, en), *counts) for id, zh, en, *counts in connection.execute(query)
    ]


def _create(connection: Connection, new: NewBrand, password_hash: str, at_ms: int) -> None:
    for name, column, value in (
        ("id", brands.c.id, new.id),
        ("username", staff.c.username, new.username),
    ):
        if connection.scalar(select(column).where(column == value)) is not None:
            raise InvalidField(name, f"{value} is taken.")
    counted = select(counters.c.value).where(counters.c.name == ORDER_NUMBER)
    if connection.scalar(counted) is None:
        row = {"name": ORDER_NUMBER, "value": FIRST_ORDER_NUMBER}
        connection.execute(insert(counters), row)
    names = {"name_zh": new.name.zh, "name_en": new.name.en}
    connection.execute(insert(brands), {"id": new.id, **names, "gate": own_gate(new.id)})
    staff_id = secrets.token_hex(ID_BYTES)
    connection.execute(
        insert(staff),
        {
            "id": staff_id,
            "username": new.username,
            "name": new.person,
            "roles": HEAD_OFFICE,
            "password_hash": password_hash,
            "own_password": True,
            "brand_id": new.id,
            "invited": True,  # no shop file names this account
        },
    )
    enqueue(connection, Topic.PLACE, [new.id], at_ms)
    values = (OPERATOR, "brand.create", new.id, None, {"staff": staff_id}, at_ms)
    record_audit(connection, new.id, *values)
