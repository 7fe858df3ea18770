"""Import and export of the lists of the head office.

An import is all or nothing: the file is read and checked against the record in one transaction,
which writes only if every cell can be taken. A preview is the same without the writing.
"""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from functools import partial
from types import MappingProxyType

from sqlalchemy import Connection, RowMapping, Select

from commerce.catalogue.sheets import CellError, Errors, Row, read_table
from commerce.io.record.audit_trail import record_audit
from commerce.io.shop.context import ShopContext
from commerce.io.shop.editing import Editor
from commerce.io.shop.lists.files import CsvWriter, FileWriter, XlsxWriter, read_lines
from commerce.io.shop.lists.products import PRODUCTS
from commerce.io.shop.lists.rules import ASSORTMENT, PRICES
from commerce.io.shop.lists.sheet import Sheet, Written
from commerce.io.shop.lists.stock import STOCK

EXPORT_ROWS = 1_000  # read at once
SHEETS: Mapping[str, Sheet] = MappingProxyType(
    {"products": PRODUCTS, "prices": PRICES, "assortment": ASSORTMENT, "stock": STOCK}
)


@dataclass(frozen=True, slots=True)
class ImportReport:
    """What a file would do, or has done; nothing if it has errors. `errors` are the first ones."""

    rows: int
    added: int
    changed: int
    unchanged: int
    done: bool
    error_count: int
    errors: tuple[CellError, ...]


class Lists:
    """Reads and writes the lists of a brand as files."""

    def __init__(self, shop: ShopContext) -> None:
        self._shop = shop

    async def put(
        self, brand_id: str, staff_id: str, name: str, data: bytes, *, preview: bool
    ) -> ImportReport:
        """Import a file into the list `name` of `SHEETS`, or say what that would do."""
        sheet, errors = SHEETS[name], Errors()
        by = Editor(brand_id, staff_id, self._shop.clock())
        rows = await asyncio.to_thread(_read, sheet, data, errors)

        def work(connection: Connection) -> Written:
            plan = sheet.plan(connection, by, rows, errors)
            if errors.count or preview:
                return plan.outcome
            plan.write(connection)
            content = {
                "rows": len(rows),
                "added": plan.outcome.added,
                "changed": plan.outcome.changed,
                "sha256": hashlib.sha256(data).hexdigest(),
            }
            record_audit(
                connection, brand_id, staff_id, f"{name}.import", name, None, content, by.at_ms
            )
            return plan.outcome

        outcome = Written()
        if not errors.count:
            record = self._shop.record
            outcome = await (record.query(work) if preview else record.transact(work))
        done = not (preview or errors.count)
        if done:
            await self._shop.cache.refresh()
            self._shop.on_commit()
        if errors.count:
            outcome = Written()
        return ImportReport(
            len(rows),
            outcome.added,
            outcome.changed,
            outcome.unchanged,
            done,
            errors.count,
            tuple(errors.listed),
        )

    async def file(
        self, brand_id: str, name: str, kind: str, language: str
    ) -> AsyncIterator[bytes]:
        """The list `name` as a file of `kind`, `csv` or `xlsx`, with titles in a language."""
        sheet = SHEETS[name]
        writer: FileWriter = CsvWriter() if kind == "csv" else XlsxWriter(name)
        try:
            titles = [[str(getattr(column.title, language)) for column in sheet.columns]]
            yield writer.add(titles)
            after: object = None
            while True:
                query = sheet.page(brand_id, after, EXPORT_ROWS)
                found = await self._shop.record.query(partial(_rows, query=query))
                lines = [sheet.line(row) for row in found]
                yield await asyncio.to_thread(writer.add, lines)
                if len(found) < EXPORT_ROWS:
                    break
                after = sheet.cursor(found[-1])
            rest = writer.finish()
            while part := await asyncio.to_thread(next, rest, b""):
                yield part
        finally:
            writer.close()


def _rows(connection: Connection, query: Select[tuple[object, ...]]) -> list[RowMapping]:
    return list(connection.execute(query).mappings())


def _read(sheet: Sheet, data: bytes, errors: Errors) -> list[Row]:
    return read_table(sheet.columns, sheet.key, read_lines(data, errors), errors)
