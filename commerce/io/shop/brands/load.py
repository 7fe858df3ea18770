"""Reads a brand from a file that `export` wrote, into a record that does not have it yet.

All or nothing: one transaction. Ids stay what they were, so the record must not know any of them;
numbers of orders that others have already are given anew.
"""

import json
import zipfile
from collections.abc import Iterator
from itertools import islice
from typing import IO, Any

from sqlalchemy import Connection, Table, insert, select, tuple_, update
from sqlalchemy.exc import DBAPIError

from commerce.catalogue.values import own_gate
from commerce.errors import BadBrandFile
from commerce.io.ledger.writes import ORDER_NUMBER, next_number
from commerce.io.record.audit_trail import OPERATOR, record_audit
from commerce.io.record.migrate import newest_schema
from commerce.io.record.postings import Topic, enqueue
from commerce.io.record.rule_book import announce_products
from commerce.io.record.schema import brands, counters, orders, products
from commerce.io.record.schema_refunds import refunds
from commerce.io.record.schema_staff import staff
from commerce.io.shop.brands.export import FORMAT, MANIFEST, Manifest, member_of
from commerce.io.shop.brands.tables import SECRET_TABLES, brand_tables, keys_of, serial_key
from commerce.io.shop.seed import FIRST_ORDER_NUMBER

ROWS_PER_WRITE = 200
LINE_BYTES_MAX = 1 << 20
MANIFEST_BYTES_MAX = 1 << 16
NAMED_MAX = 5  # of what is taken, in a message


def read_manifest(file: IO[bytes]) -> Manifest:
    """Return what a file says that it holds.

    Raises:
        BadBrandFile: It is not one of ours, or not of this version.
    """
    with _archive(file) as archive:
        return _manifest(archive)


def read_brand(connection: Connection, file: IO[bytes], *, at_ms: int) -> tuple[Manifest, int]:
    """Write the rows of a file; return what it held, and how many orders have new numbers.

    Raises:
        BadBrandFile: It does not fit, and nothing was written.
    """
    with _archive(file) as archive:
        manifest = _manifest(archive)
        taken = select(brands.c.id).where(brands.c.id == manifest.brand_id)
        if connection.scalar(taken) is not None:
            raise BadBrandFile(f"There is a brand {manifest.brand_id} already.")
        _reserve_numbers(connection, archive)
        renumbered = 0
        for table in brand_tables():
            if table.name in manifest.rows:
                renumbered += _Rows(connection, archive, manifest, table).write()
    _announce(connection, manifest, at_ms)
    return manifest, renumbered


class _Rows:
    """The rows of one table."""

    def __init__(
        self,
        connection: Connection,
        archive: zipfile.ZipFile,
        manifest: Manifest,
        table: Table,
    ) -> None:
        self._connection = connection
        self._archive = archive
        self._manifest = manifest
        self._table = table

    def write(self) -> int:
        """Write all rows; return how many orders have new numbers."""
        serial, written, renumbered = serial_key(self._table), 0, 0
        rows = self._read()
        while page := list(islice(rows, ROWS_PER_WRITE)):
            if serial is None:
                self._require_new(page)
            else:
                page = [{name: row[name] for name in row if name != serial} for row in page]
            renumbered += self._renumber(page) if self._table is orders else 0
            try:
                self._connection.execute(insert(self._table), page)
            except DBAPIError as error:
                raise BadBrandFile(f"{self._table.name}: {error.orig}") from None
            written += len(page)
        if written != self._manifest.rows[self._table.name]:
            announced = self._manifest.rows[self._table.name]
            raise BadBrandFile(f"{self._table.name}: {written} rows instead of {announced}.")
        return renumbered

    def _read(self) -> Iterator[dict[str, Any]]:
        name, columns = self._table.name, {column.name for column in self._table.c}
        try:
            member = self._archive.open(member_of(name))
        except KeyError:
            raise BadBrandFile(f"{member_of(name)} is missing.") from None
        with member:
            at = 0
            try:
                while line := member.readline(LINE_BYTES_MAX):
                    at += 1
                    row = json.loads(line)
                    if not isinstance(row, dict) or row.keys() != columns:
                        raise BadBrandFile(f"{name}, row {at}: other columns than the record's.")
                    owner = row.get("brand_id", self._manifest.brand_id)
                    if owner not in ("", self._manifest.brand_id):
                        raise BadBrandFile(f"{name}, row {at}: of another brand.")
                    yield row | self._own(row)
            except (ValueError, zipfile.BadZipFile, EOFError) as error:
                raise BadBrandFile(f"{name}, row {at}: {error}") from None

    def _own(self, row: dict[str, Any]) -> dict[str, Any]:
        """What a row has of this record instead: a brand that comes gets a gate of its own."""
        return {"gate": own_gate(row["id"])} if self._table is brands else {}

    def _require_new(self, page: list[dict[str, Any]]) -> None:
        keys = keys_of(self._table)
        wanted = [tuple(row[key.name] for key in keys) for row in page]
        found = select(*keys).where(tuple_(*keys).in_(wanted))
        taken = [", ".join(map(str, row)) for row in self._connection.execute(found)]
        if self._table is staff:
            names = {row["username"] for row in page}
            known = select(staff.c.username).where(staff.c.username.in_(names))
            taken += list(self._connection.scalars(known))
        if taken:
            named = "; ".join(taken[:NAMED_MAX])
            raise BadBrandFile(f"{self._table.name}: the record has {named} already.")

    def _renumber(self, page: list[dict[str, Any]]) -> int:
        numbers = {row["number"] for row in page}
        known = set(
            self._connection.scalars(select(orders.c.number).where(orders.c.number.in_(numbers)))
        )
        again = [row for row in page if row["number"] in known]
        if again:
            first = next_number(self._connection, len(again))
            for place, row in enumerate(again):
                row["number"] = str(first + place)
        return len(again)


def _archive(file: IO[bytes]) -> zipfile.ZipFile:
    try:
        return zipfile.ZipFile(file)
    except (zipfile.BadZipFile, OSError) as error:
        raise BadBrandFile(f"Not a ZIP file, or cut off: {error}") from None


def _manifest(archive: zipfile.ZipFile) -> Manifest:
    try:
        with archive.open(MANIFEST) as member:
            manifest = Manifest(**json.loads(member.read(MANIFEST_BYTES_MAX)))
    except (KeyError, ValueError, TypeError, zipfile.BadZipFile) as error:
        raise BadBrandFile(f"{MANIFEST}: {error}") from None
    if manifest.format != FORMAT:
        raise BadBrandFile(f"Format {manifest.format}; this version reads {FORMAT}.")
    if manifest.schema != newest_schema():
        raise BadBrandFile(
            f"Its rows are of schema {manifest.schema}, the record has {newest_schema()}: "
            "import it with the version that wrote it, then upgrade the record."
        )
    known = {table.name for table in brand_tables()}
    unknown = manifest.rows.keys() - known
    missing = known - manifest.rows.keys() - (set() if manifest.secrets else SECRET_TABLES)
    if unknown or missing:
        raise BadBrandFile(f"Other tables than the record's: {sorted(unknown | missing)}.")
    return manifest


def _reserve_numbers(connection: Connection, archive: zipfile.ZipFile) -> None:
    """Have the next new number be one that no order has, here or in the file."""
    highest = 0
    try:
        with archive.open(member_of(orders.name)) as member:
            while line := member.readline(LINE_BYTES_MAX):
                highest = max(highest, int(json.loads(line)["number"]))
    except (KeyError, ValueError, TypeError, zipfile.BadZipFile, EOFError) as error:
        raise BadBrandFile(f"{orders.name}: {error}") from None
    least = max(FIRST_ORDER_NUMBER, highest + 1)
    counter = counters.c.name == ORDER_NUMBER
    if connection.scalar(select(counters.c.value).where(counter)) is None:
        connection.execute(insert(counters), {"name": ORDER_NUMBER, "value": least})
    else:
        lower = (counter, counters.c.value < least)
        connection.execute(update(counters).where(*lower).values(value=least))


def _announce(connection: Connection, manifest: Manifest, at_ms: int) -> None:
    """Have the workers and the gate learn of the brand, and refunds go on; then note it."""
    brand_id = manifest.brand_id
    own = list(connection.scalars(select(products.c.id).where(products.c.brand_id == brand_id)))
    announce_products(connection, own, at_ms)
    enqueue(connection, Topic.PLACE, [brand_id], at_ms)
    waiting = (
        select(refunds.c.order_id)
        .join(orders, orders.c.id == refunds.c.order_id)
        .join(products, products.c.id == orders.c.product_id)
        .where(refunds.c.done_at_ms.is_(None), products.c.brand_id == brand_id)
    )
    enqueue(connection, Topic.REFUND, list(connection.scalars(waiting)), at_ms)
    counts = {"rows": sum(manifest.rows.values()), "made_at_ms": manifest.made_at_ms}
    record_audit(connection, brand_id, OPERATOR, "brand.import", brand_id, None, counts, at_ms)
