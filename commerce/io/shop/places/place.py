"""What the use cases of all kinds of places share: pages, one place, adding, editing.

Pages of buyers read the catalogue that each worker keeps; what is edited here is announced by the
outbox, and every worker reads the catalogue again.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from sqlalchemy import Connection, RowMapping, Select, Table, delete
from sqlalchemy.sql.elements import ColumnElement

from commerce.catalogue.paging import Page, PageQuery
from commerce.catalogue.values import Text
from commerce.errors import InvalidField, NotFound
from commerce.io.record.audit_trail import record_audit
from commerce.io.record.postings import Topic, enqueue
from commerce.io.shop.context import ShopContext
from commerce.io.shop.editing import Columns, Editor, add_row, edit_row, lock_row
from commerce.io.shop.listing import read_page

T = TypeVar("T")
R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class PlaceKind(Generic[T]):
    """One kind of place. `rows` selects all of a brand; `make` gets a page of them."""

    name: str
    table: Table
    rows: Callable[[str], Select[Any]]
    search: tuple[ColumnElement[Any], ...]
    sorts: Mapping[str, ColumnElement[Any]]
    make: Callable[[RowMapping], T]


class Places(Generic[T]):
    """Lists, adds and edits the places of one kind. `values` are columns of its table."""

    def __init__(self, shop: ShopContext, kind: PlaceKind[T]) -> None:
        self._shop = shop
        self._kind = kind

    async def page(self, brand_id: str, wanted: PageQuery) -> Page[T]:
        """Return one page of a brand's places.

        Raises:
            InvalidField: They are not sorted by that.
        """
        kind = self._kind
        return await self._shop.record.query(
            lambda connection: read_page(
                connection,
                wanted,
                kind.rows(brand_id),
                search=kind.search,
                sorts=kind.sorts,
                last=kind.table.c.id,
                make=kind.make,
            )
        )

    async def get(self, brand_id: str, id: str) -> T:
        """Return one place of a brand.

        Raises:
            NotFound: The brand has no such place.
        """
        return await self._shop.record.query(
            lambda connection: self._find(connection, brand_id, id)
        )

    async def add(self, brand_id: str, staff_id: str, id: str, values: Columns) -> T:
        """Add a place, with a new id if `id` is empty.

        Raises:
            InvalidField: The id is taken, or a place that it names is not the brand's.
        """
        by = Editor(brand_id, staff_id, self._shop.clock())

        def work(connection: Connection) -> T:
            self.check(connection, by, values)
            added = self.insert(connection, by, id, values)
            return self._find(connection, brand_id, added)

        return await self._announced(work)

    async def edit(self, brand_id: str, staff_id: str, id: str, version: int, values: Columns) -> T:
        """Change a place whose version is `version`.

        Raises:
            NotFound: The brand has no such place.
            StaleVersion: Somebody else was faster.
            InvalidField: A place that it names is not the brand's.
        """
        by = Editor(brand_id, staff_id, self._shop.clock())

        def work(connection: Connection) -> T:
            row = lock_row(connection, by, self._kind.name, self._kind.table, id, version)
            self.check(connection, by, values)
            self.update(connection, by, row, values)
            return self._find(connection, brand_id, id)

        return await self._announced(work)

    async def delete(self, brand_id: str, staff_id: str, id: str, version: int) -> None:
        """Delete a place whose version is `version`.

        Raises:
            NotFound: The brand has no such place.
            StaleVersion: Somebody else was faster.
            InvalidField: It is still in use.
        """
        by = Editor(brand_id, staff_id, self._shop.clock())
        name, table = self._kind.name, self._kind.table

        def work(connection: Connection) -> None:
            row = lock_row(connection, by, name, table, id, version)
            self.remove(connection, by, row)
            connection.execute(delete(table).where(table.c.id == id))
            record_audit(connection, brand_id, staff_id, f"{name}.delete", id, row, None, by.at_ms)

        await self._announced(work)

    def check(self, connection: Connection, by: Editor, values: Columns) -> None:
        """Refuse values that name what the brand does not have."""

    def insert(self, connection: Connection, by: Editor, id: str, values: Columns) -> str:
        """Write a new place and return its id."""
        self.announce(connection, by)
        return add_row(connection, by, self._kind.name, self._kind.table, id, values)

    def update(self, connection: Connection, by: Editor, row: Columns, values: Columns) -> None:
        """Write a change."""
        self.announce(connection, by)
        edit_row(connection, by, self._kind.name, self._kind.table, row, values)

    def remove(self, connection: Connection, by: Editor, row: Columns) -> None:
        """Do what comes before a row is deleted."""
        self.announce(connection, by)

    def announce(self, connection: Connection, by: Editor) -> None:
        """Have all workers read the catalogue again."""
        enqueue(connection, Topic.PLACE, [by.brand_id], by.at_ms)

    def _find(self, connection: Connection, brand_id: str, id: str) -> T:
        kind = self._kind
        found = connection.execute(kind.rows(brand_id).where(kind.table.c.id == id))
        row = found.mappings().first()
        if row is None:
            raise NotFound(kind.name, id)
        return kind.make(row)

    async def _announced(self, work: Callable[[Connection], R]) -> R:
        place = await self._shop.record.transact(work)
        await self._shop.cache.refresh()
        self._shop.on_commit()
        return place


def text_of(row: RowMapping, name: str) -> Text:
    """A text in both languages."""
    return Text(row[f"{name}_zh"], row[f"{name}_en"])


def require_of_brand(
    connection: Connection, by: Editor, table: Table, ids: tuple[str, ...], member: str
) -> None:
    """Refuse ids that are not the brand's.

    Raises:
        InvalidField: It names `member`.
    """
    known = set(
        connection.scalars(
            table.select()
            .with_only_columns(table.c.id)
            .where(table.c.id.in_(ids), table.c.brand_id == by.brand_id)
        )
    )
    for id in ids:
        if id not in known:
            raise InvalidField(member, f"There is no {id}.")
