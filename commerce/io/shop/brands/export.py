"""Writes all rows of a brand to a ZIP file: `brand.json`, and one JSON Lines file per table.

`brand.json` names the brand, the schema that the rows are of and how many there are of each table;
it is written last, so that a file that was cut off is none.
"""

import json
import zipfile
from dataclasses import asdict, dataclass, field
from typing import IO, Any

from sqlalchemy import Connection, Table, select

from commerce.errors import NotFound
from commerce.io.record.migrate import newest_schema
from commerce.io.record.schema import brands
from commerce.io.shop.brands.tables import SECRET_TABLES, blanked, brand_tables, keys_of, owned_by

FORMAT = 1
MANIFEST = "brand.json"
ROWS_PER_READ = 1_000


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a file holds; `rows` are counts by table."""

    brand_id: str
    name_zh: str
    name_en: str
    schema: str
    secrets: bool
    made_at_ms: int
    rows: dict[str, int] = field(default_factory=dict)
    format: int = FORMAT


def member_of(table: str) -> str:
    """The file of a table inside the ZIP file."""
    return f"{table}.jsonl"


def write_brand(
    connection: Connection, brand_id: str, file: IO[bytes], *, secrets: bool, at_ms: int
) -> Manifest:
    """Write a brand as one snapshot has it.

    Raises:
        NotFound: There is no such brand.
    """
    row = connection.execute(select(brands).where(brands.c.id == brand_id)).first()
    if row is None:
        raise NotFound("brand", brand_id)
    manifest = Manifest(brand_id, row.name_zh, row.name_en, newest_schema(), secrets, at_ms)
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for table in brand_tables():
            if secrets or table.name not in SECRET_TABLES:
                with archive.open(member_of(table.name), "w", force_zip64=True) as member:
                    written = _write_table(connection, table, brand_id, member, secrets=secrets)
                manifest.rows[table.name] = written
        archive.writestr(MANIFEST, json.dumps(asdict(manifest), ensure_ascii=False, indent=1))
    return manifest


def _write_table(
    connection: Connection, table: Table, brand_id: str, member: IO[bytes], *, secrets: bool
) -> int:
    query = select(table).where(owned_by(table, brand_id)).order_by(*keys_of(table))
    rows = connection.execute(query.execution_options(yield_per=ROWS_PER_READ)).mappings()
    written = 0
    for row in rows:
        values: dict[str, Any] = dict(row) if secrets else blanked(table.name, dict(row))
        line = json.dumps(values, ensure_ascii=False, separators=(",", ":"))
        member.write(line.encode() + b"\n")
        written += 1
    return written
