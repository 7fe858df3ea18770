"""The lake's Delta tables: append each batch once, query, compact, vacuum.

Everything here blocks: call it from a thread of its own. `deltalake` is imported at the first use,
as it takes 22 MB that a worker without a lake need not have.
"""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from insight.errors import BadQuery, LakeConflict
from insight.facts import Fact
from insight.tables import FACTS, TABLES, Kind, Table

if TYPE_CHECKING:
    from arro3.core import RecordBatch, RecordBatchReader
    from arro3.core import Table as ArrowTable
    from deltalake import CommitProperties, DeltaTable, WriterProperties

COMPACT_COMMITS = 100  # after how many commits a table is compacted
COMPACT_BYTES = 16 << 20  # files of this size are not merged any more, so no row is for ever
REOPEN_COMMITS = 20
"""After how many commits a table is opened anew, from a checkpoint: what the library knows of its
files grows by a piece with each commit, and the next commit goes through all of them."""
RETENTION_HOURS = 7 * 24  # how long files of older versions are kept
_READS = re.compile(
    r"(\s|--[^\n]*\n|\(|explain\s|analyze\s|verbose\s)*(select|with|values|show|describe)\b",
    re.IGNORECASE,
)
"""An engine that may write would write into the tables past their one writer."""
EPOCH = datetime.fromtimestamp(0, UTC)
ROWS_MAX = 100_000  # that a query returns
COMPRESSION_LEVEL = 1  # of Zstandard; 3 takes a third more time and saves nothing here
DISTINCT = ("payload", "trace", "order_id", "sequence", "occurred_at", "arrived_at")
"""Columns whose values hardly ever come again."""


Row = tuple[Any, ...]


class Lake:
    """All tables under one URL; a writer makes them with `create`."""

    def __init__(self, url: str, storage_options: Mapping[str, str] | None = None) -> None:
        self._url = url.rstrip("/")
        self._options = dict(storage_options or {})
        self._open: dict[str, DeltaTable] = {}
        self._commits: dict[str, int] = {}  # since a table was opened

    def uri(self, table: Table) -> str:
        """Return where a table is."""
        return f"{self._url}/{table.layer}/{table.name}"

    def may_have_tables(self) -> bool:
        """Whether reading is worth loading a library: of a folder, whether it is there."""
        return "://" in self._url or Path(self._url).is_dir()

    def create(self) -> None:
        """Make the tables that are missing, without rows, and columns that are new, as null."""
        for table in TABLES:
            here = self._table(table)
            if here is None:
                with contextlib.suppress(LakeConflict):  # another writer made it
                    self._write(table, None, _arrow(table, _empty(table)), mode="error")
            elif {column.name for column in table.columns} - {
                field.name for field in here.schema().fields
            }:
                self._write(
                    table, here, _arrow(table, _empty(table)), mode="append", schema_mode="merge"
                )

    def version(self, table: Table, source: str) -> int:
        """Return the last number of a source that a table has; -1 before the first."""
        found = self._table(table)
        last = found.transaction_version(source) if found is not None else None
        return -1 if last is None else last

    def append(self, table: Table, columns: Mapping[str, Any], source: str, last: int) -> None:
        """Append rows, with the number of the last fact of their batch, in one commit.

        Columns are lists or integer arrays, times in ms. Call `version` before: what another
        writer committed since is a conflict.

        Raises:
            LakeConflict: Another writer was first; look at `version` again.
        """
        self._append(table, _arrow(table, columns), source, last)

    def append_batches(self, table: Table, batches: Sequence[Any], source: str, last: int) -> None:
        """As `append`, of Arrow batches."""
        if batches:
            self._append(table, batches, source, last)

    def overwrite(
        self, table: Table, predicate: str, rows: Any, upto: Mapping[str, int] | None = None
    ) -> None:
        """Put rows in place of all that a table has where the predicate holds, in one commit.

        Call `version` before the rows are made: what another writer wrote there since is a
        conflict. `upto` has the last numbers of sources that the table has with it.

        Raises:
            LakeConflict: Another writer was first; compute them again.
        """
        properties = _transactions(upto or {})
        how = {"mode": "overwrite", "predicate": predicate, "commit_properties": properties}
        if isinstance(rows, list) and not rows:
            rows = _arrow(table, _empty(table))
        self._write(table, self._open[table.name], rows, **how)

    def reopened(self) -> Lake:
        """Return the same lake, with tables that are read on their own."""
        return Lake(self._url, self._options)

    def facts(self, where: str) -> Iterator[list[Fact]]:
        """Return bronze's facts that meet a condition, some at a time, in any order."""
        names = ", ".join(column.name for column in FACTS.columns)
        for batch in self.read(f"SELECT {names} FROM facts WHERE {where}"):
            columns = {name: batch.column(name).to_pylist() for name in batch.schema.names}
            yield [
                _fact(dict(zip(columns, values, strict=True)))
                for values in zip(*columns.values(), strict=True)
            ]

    def rows(self, table: Table, where: str) -> Iterator[RecordBatch]:
        """Return a table's rows that meet a condition, as `batch` makes them."""
        from arro3.core import RecordBatch

        names = ", ".join(column.name for column in table.columns)
        schema = _arrow(table, _empty(table)).schema
        for batch in self.read(f"SELECT {names} FROM {table.name} WHERE {where}"):
            kinds = zip(schema.names, schema.types, strict=True)
            arrays = [batch.column(name).cast(kind) for name, kind in kinds]
            yield RecordBatch.from_arrays(arrays, schema=schema)

    def batch(self, table: Table, columns: Mapping[str, Any]) -> RecordBatch:
        """Return columns as `append` takes them as an Arrow batch."""
        return _arrow(table, columns).combine_chunks().to_batches()[0]

    def sql(self, query: str, rows_max: int | None = ROWS_MAX) -> tuple[list[str], list[Row]]:
        """Run a query on the tables by their names; return columns and at most so many rows.

        Raises:
            BadQuery: It cannot be run.
        """
        names, rows = self.stream(query)
        return names, list(islice(rows, rows_max))

    def stream(self, query: str) -> tuple[list[str], Iterator[Row]]:
        """As `sql`, with all rows, which are read as they are taken.

        Raises:
            BadQuery: It cannot be run; while rows are taken, too.
        """
        if not _READS.match(query):
            raise BadQuery("only queries: SELECT, WITH, VALUES, SHOW, DESCRIBE or EXPLAIN of one.")
        with _bad_queries():
            found = self.read(query)
        return list(found.schema.names), _rows(found)

    def status(self) -> list[dict[str, Any]]:
        """Return for each table its version, live files, bytes, rows and last number by source."""
        found = []
        for table in TABLES:
            here = self._table(table)
            if here is None:
                continue
            actions = here.get_add_actions(flatten=True)
            sizes = actions.column("size_bytes").to_pylist()
            rows = actions.column("num_records").to_pylist()
            found.append(
                {
                    "table": f"{table.layer}/{table.name}",
                    "version": here.version(),
                    "files": len(sizes),
                    "bytes": sum(sizes),
                    "rows": sum(rows),
                    "committed_at_ms": here.history(1)[0].get("timestamp"),
                }
            )
        return found

    def compact(self, table: Table) -> None:
        """Merge small files and forget files and log entries that are older than the retention."""
        here = self._table(table)
        if here is not None:
            here.optimize.compact(
                target_size=COMPACT_BYTES, max_concurrent_tasks=1, writer_properties=_properties()
            )
            here.create_checkpoint()
            here.vacuum(retention_hours=RETENTION_HOURS, dry_run=False)
            here.cleanup_metadata()

    def erase(self, people: Collection[str]) -> list[str]:
        """Take pseudonyms out of all rows; return the tables that had them. Once more is harmless.

        The rows stay, without anybody: sums of money and units are what they were.

        Raises:
            LakeConflict: Another writer was first; do it again.
        """
        from deltalake.exceptions import CommitFailedError

        names = ", ".join("'" + name.replace("'", "''") + "'" for name in sorted(people))
        changed = []
        for table in TABLES:
            here = self._table(table)
            if here is None or not names or not any(c.name == "person" for c in table.columns):
                continue
            try:
                found = here.update(
                    {"person": "''"},
                    predicate=f"person IN ({names})",
                    writer_properties=_properties(),
                )
            except CommitFailedError as error:
                self._open.pop(table.name, None)
                raise LakeConflict(str(error)) from None
            if found.get("num_updated_rows"):
                changed.append(table.name)
        return changed

    def vacuum(self, retention_hours: int = RETENTION_HOURS) -> None:
        """Remove files that only versions older than the retention have."""
        for table in TABLES:
            here = self._table(table)
            if here is not None:
                here.vacuum(
                    retention_hours=retention_hours,
                    dry_run=False,
                    enforce_retention_duration=retention_hours >= RETENTION_HOURS,
                )

    def commits_since_compaction(self, table: Table) -> int:
        """Return how many commits a table has since it was compacted."""
        here = self._table(table)
        if here is None:
            return 0
        for count, commit in enumerate(here.history(COMPACT_COMMITS)):
            if commit.get("operation") == "OPTIMIZE":
                return count
        return min(here.version() + 1, COMPACT_COMMITS)

    def _table(self, table: Table) -> DeltaTable | None:
        """Return a table as it is now, or None before its first row."""
        from deltalake import DeltaTable
        from deltalake.exceptions import TableNotFoundError

        here = self._open.get(table.name)
        if here is not None:
            here.update_incremental()
            return here
        # Not `is_deltatable`: it holds the interpreter's lock while a bucket keeps it waiting.
        with contextlib.suppress(TableNotFoundError):
            here = DeltaTable(self.uri(table), storage_options=self._options)
            self._open[table.name] = here
        return here

    def _append(self, table: Table, rows: Any, source: str, last: int) -> None:
        self._write(
            table,
            # Delta would accept the same number twice in a row, so the snapshot stays as it was.
            self._open[table.name],
            rows,
            mode="append",
            commit_properties=_transactions({source: last}),
        )

    def _write(self, table: Table, here: DeltaTable | None, rows: Any, **how: Any) -> None:
        from deltalake import write_deltalake
        from deltalake.exceptions import CommitFailedError, DeltaError

        uri = self.uri(table)
        if here is None and "://" not in uri:
            Path(uri).mkdir(parents=True, exist_ok=True)
        try:
            write_deltalake(
                uri if here is None else here,
                rows,
                partition_by=["day"] if here is None else None,
                storage_options=self._options,
                writer_properties=_properties(),
                **how,
            )
        except CommitFailedError as error:
            self._open.pop(table.name, None)
            raise LakeConflict(str(error)) from None
        except DeltaError as error:
            if here is None and self._table(table) is not None:
                raise LakeConflict(str(error)) from None
            raise
        if here is not None:
            self._count_commit(table, here)

    def _count_commit(self, table: Table, here: DeltaTable) -> None:
        count = self._commits[table.name] = self._commits.get(table.name, 0) + 1
        if count >= REOPEN_COMMITS:
            here.create_checkpoint()
            del self._open[table.name], self._commits[table.name]

    def read(self, query: str) -> RecordBatchReader:
        """Return what a query on the tables finds, batch by batch; it is read as it is taken."""
        from deltalake import QueryBuilder

        builder = QueryBuilder()
        for table in TABLES:
            here = self._table(table)
            if here is not None:
                builder.register(table.name, here)
        return builder.execute(query)


def _rows(found: RecordBatchReader) -> Iterator[Row]:
    with _bad_queries():
        for batch in found:
            yield from zip(*(column.to_pylist() for column in batch.columns), strict=True)


@contextlib.contextmanager
def _bad_queries() -> Iterator[None]:
    try:
        yield
    except Exception as error:  # what goes wrong while rows are read has no class of its own
        raise BadQuery(str(error).partition("\n")[0]) from None


def _fact(row: Mapping[str, Any]) -> Fact:
    return Fact(
        source=row["source"],
        sequence=row["sequence"],
        topic=row["topic"],
        version=row["version"],
        occurred_ms=_ms(row["occurred_at"]),
        arrived_ms=_ms(row["arrived_at"]),
        brand=row["brand"],
        estate=row["estate"],
        person=row["person"],
        trace=row["trace"],
        payload=json.loads(row["payload"]),
    )


def _ms(moment: datetime) -> int:
    return (moment - EPOCH) // timedelta(milliseconds=1)


def _empty(table: Table) -> dict[str, list[Any]]:
    return {column.name: [] for column in table.columns}


def _arrow(table: Table, columns: Mapping[str, Any]) -> ArrowTable:
    from arro3.core import Array, DataType
    from arro3.core import Table as ArrowTable

    number = DataType.int64()
    ms, us = DataType.timestamp("ms", tz="UTC"), DataType.timestamp("us", tz="UTC")
    plain = {
        Kind.TEXT: DataType.string(),
        Kind.NUMBER: number,
        Kind.TIME: number,
        Kind.FLAG: DataType.bool(),
    }
    made: dict[str, Any] = {}
    for column in table.columns:
        values = columns[column.name]
        is_list = isinstance(values, list)
        array = Array(values, plain[column.kind]) if is_list else Array.from_numpy(values)
        made[column.name] = array.cast(ms).cast(us) if column.kind is Kind.TIME else array
    return ArrowTable.from_pydict(made)


def _transactions(upto: Mapping[str, int]) -> CommitProperties:
    from deltalake import CommitProperties, Transaction

    return CommitProperties(app_transactions=[Transaction(*each) for each in sorted(upto.items())])


def _properties() -> WriterProperties:
    """How files are written: a dictionary only costs where values hardly ever come again."""
    from deltalake import ColumnProperties, WriterProperties

    plain = ColumnProperties(dictionary_enabled=False)
    return WriterProperties(
        compression="ZSTD",
        compression_level=COMPRESSION_LEVEL,
        column_properties=dict.fromkeys(DISTINCT, plain),
    )
