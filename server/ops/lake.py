"""The lake for operators: where it is, how far it is, whether it says what the record says."""

import asyncio
import contextlib
import csv
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from commerce.io.record.engine import Record, wall_clock
from commerce.io.shop.catalogue.cache import CatalogueCache
from commerce.io.shop.context import ShopContext
from commerce.io.shop.facts import FactLog, MoneyOfDay
from insight.errors import BadQuery, LakeConflict
from insight.io.kpi import Plan, read_kpis
from insight.io.lake import Lake
from insight.io.writer import LakeWriter
from insight.kpi import Kpi
from insight.tables import BY_NAME, FACTS
from server.errors import OperatorError
from server.ops.opening import open_record
from server.settings import Settings

RECORD = "record"
REPLAYS = 3  # of a day in which another writer writes meanwhile
XLSX_ROWS_MAX = 1_048_576  # of a sheet, the header among them


def open_lake(settings: Settings) -> Lake:
    """Open the lake; nothing is read or written yet.

    Raises:
        OperatorError: The URL is none.
    """
    url = settings.lake_url.get_secret_value()
    if "://" not in url:
        return Lake(str((Path(url) if url else settings.data_dir / "lake").resolve()))
    parts = urlsplit(url)
    options = dict(parse_qsl(parts.query))
    if parts.scheme != "s3" or not parts.hostname or set(options) - {"endpoint", "region"}:
        raise OperatorError(
            "LINLI_LAKE_URL: a folder, or s3://bucket/prefix?endpoint=https://…&region=…"
        )
    storage = {"aws_conditional_put": "etag"}
    if endpoint := options.get("endpoint"):
        storage |= {
            "aws_endpoint": endpoint,
            "aws_allow_http": str(endpoint.startswith("http://")).lower(),
        }
    if region := options.get("region"):
        storage["aws_region"] = region
    if parts.username and parts.password:
        storage["aws_access_key_id"] = unquote(parts.username)
        storage["aws_secret_access_key"] = unquote(parts.password)
    return Lake(f"s3://{parts.hostname}/{parts.path.strip('/')}", storage)


def _filled_lake(settings: Settings) -> Lake:
    """Open a lake that has tables.

    Raises:
        OperatorError: There is none.
    """
    lake = open_lake(settings)
    if not lake.may_have_tables():
        raise OperatorError("There is no lake yet: a server with the role insight fills it.")
    return lake


def query(settings: Settings, sql: str) -> tuple[list[str], list[tuple[Any, ...]]]:
    """Run SQL on the lake's tables.

    Raises:
        OperatorError: It cannot be run, or there is no lake yet.
    """
    try:
        return _filled_lake(settings).sql(sql)
    except BadQuery as error:
        raise OperatorError(error.reason) from None


def submit(settings: Settings, days: Sequence[str]) -> None:
    """Have Spark compute the gold table of days again.

    Raises:
        OperatorError: It is not installed.
    """
    from insight.io.spark import refresh_sales, spark_session

    try:
        with spark_session() as spark:
            refresh_sales(spark, open_lake(settings), days)
    except ModuleNotFoundError:
        raise OperatorError("Spark is not here: pip install 'linli[spark]'.") from None


def kpis(settings: Settings, brand: str, month: str, now_ms: int) -> list[Kpi]:
    """Compute a brand's key figures of a month, each with the month before as its baseline.

    Raises:
        OperatorError: There is no lake yet.
    """
    lake = _filled_lake(settings)
    try:
        return read_kpis(lake, brand, month, Plan(), {}, now_ms=now_ms)
    except BadQuery as error:
        raise OperatorError(error.reason) from None


def compact(settings: Settings) -> None:
    """Compact and vacuum every table."""
    lake = open_lake(settings)
    for table in BY_NAME.values():
        lake.compact(table)


def replay(settings: Settings, day: str) -> int:
    """Make a day's tables again from bronze; return how many facts it has.

    Raises:
        OperatorError: There is no lake, or facts of the day keep coming.
    """
    lake = _filled_lake(settings)
    for _ in range(REPLAYS):
        with contextlib.suppress(LakeConflict):
            return LakeWriter(lake).replay(day)
    raise OperatorError(f"{day}: facts keep coming. Replay it when the day is over.")


@dataclass(frozen=True, slots=True)
class Difference:
    """What record and lake say of one day's money of one kind, in transfers and fen."""

    day: str
    kind: str
    record: MoneyOfDay
    lake: MoneyOfDay


@dataclass(frozen=True, slots=True)
class Comparison:
    """Record and lake side by side, up to the last fact that the lake has."""

    position: int
    behind: int  # facts that the lake does not have yet
    first: int  # number of the lake's first fact; 1 if it has all
    missing: int  # facts between its first and its last that it does not have
    doubled: int  # facts that it has more than once
    compared: int  # (day, kind) pairs
    differences: tuple[Difference, ...]

    @property
    def ok(self) -> bool:
        """Whether nothing is missing, doubled or different."""
        return not (self.missing or self.doubled or self.differences)

    def as_dict(self) -> dict[str, Any]:
        """Return it for JSON."""
        return {**asdict(self), "ok": self.ok}


async def compare(settings: Settings) -> Comparison:
    """Compare the lake with the record to the fen; both may be in use meanwhile."""
    lake = open_lake(settings)
    position = await asyncio.to_thread(lake.version, FACTS, RECORD)
    if position < 0:
        async with facts_of(settings) as log:
            await log.number()
            return Comparison(0, (await log.ends())[1], 0, 0, 0, 0, ())
    [numbers] = await asyncio.to_thread(_rows, lake, _NUMBERS.format(position))
    first, count, distinct = numbers
    [(began,)] = await asyncio.to_thread(_rows, lake, _BEGAN)
    days = await asyncio.to_thread(_rows, lake, _MONEY.format(position))
    in_lake = {(day, kind): MoneyOfDay(n, fen) for day, kind, n, fen in days}
    async with facts_of(settings) as log:
        await log.number()
        behind = (await log.ends())[1] - position
        since_ms = int(began.timestamp() * 1_000) if began else wall_clock()
        in_record = await log.money(since_ms, position)
    return Comparison(
        position=position,
        behind=behind,
        first=first,
        missing=position - first + 1 - distinct,
        doubled=count - distinct,
        compared=len(in_lake.keys() | in_record.keys()),
        differences=_differences(in_record, in_lake),
    )


_NUMBERS = (
    "SELECT min(sequence), count(*), count(DISTINCT sequence) FROM facts "
    "WHERE source = 'record' AND sequence <= {}"
)
_BEGAN = "SELECT min(occurred_at) FROM facts WHERE source = 'record' AND topic = 'money.moved'"
_MONEY = (
    "SELECT day, kind, count(*), CAST(sum(amount_fen) AS BIGINT) FROM money "
    "WHERE source = 'record' AND sequence <= {} GROUP BY day, kind"
)


def _rows(lake: Lake, sql: str) -> list[tuple[Any, ...]]:
    return lake.sql(sql)[1]


def _differences(
    record: Mapping[tuple[str, str], MoneyOfDay], lake: Mapping[tuple[str, str], MoneyOfDay]
) -> tuple[Difference, ...]:
    nothing = MoneyOfDay(0, 0)
    return tuple(
        Difference(day, kind, here, there)
        for day, kind in sorted(record.keys() | lake.keys())
        if (here := record.get((day, kind), nothing)) != (there := lake.get((day, kind), nothing))
    )


@contextlib.asynccontextmanager
async def facts_of(settings: Settings) -> AsyncIterator[FactLog]:
    """The record's facts; nothing else of commerce runs."""
    async with open_record(settings) as engine:
        record = Record(engine)
        yield FactLog(ShopContext(record, CatalogueCache(record), wall_clock, lambda: None))


def export(settings: Settings, sql: str, file: Path) -> int:
    """Write what a query returns as CSV or XLSX, by the file's name; return how many rows.

    A file that is there is replaced once all rows are written.

    Raises:
        OperatorError: The query cannot be run, or the file cannot be written or is neither.
    """
    write = {".csv": _write_csv, ".xlsx": _write_xlsx}.get(file.suffix)
    if write is None:
        raise OperatorError(f"{file}: the name of the file ends in .csv or .xlsx.")
    part = file.with_name(f".{file.name}.part")
    try:
        names, rows = _filled_lake(settings).stream(sql)
        count = write(part, names, rows)
        part.replace(file)
    except BadQuery as error:
        raise OperatorError(error.reason) from None
    except OSError as error:
        raise OperatorError(f"{file}: {error.strerror}.") from None
    finally:
        part.unlink(missing_ok=True)
    return count


def _write_csv(file: Path, names: Sequence[str], rows: Iterable[tuple[Any, ...]]) -> int:
    count = 0
    with file.open("w", newline="", encoding="utf-8-sig") as out:
        writer = csv.writer(out)
        writer.writerow(names)
        for row in rows:
            writer.writerow(row)
            count += 1
    return count


def _write_xlsx(file: Path, names: Sequence[str], rows: Iterable[tuple[Any, ...]]) -> int:
    from xlsxwriter import Workbook

    count = 0
    options = {"remove_timezone": True, "strings_to_formulas": False, "constant_memory": True}
    with Workbook(file, options) as book:
        sheet = book.add_worksheet()
        time_format = book.add_format({"num_format": "yyyy-mm-dd hh:mm:ss"})
        sheet.set_column(0, len(names) - 1, 18)
        sheet.write_row(0, 0, names)
        for count, row in enumerate(rows, 1):
            if count == XLSX_ROWS_MAX:
                raise OperatorError(f"{file.name}: more rows than a sheet has; .csv has no limit.")
            for column, value in enumerate(row):
                sheet.write(count, column, value, time_format if _is_time(value) else None)
    return count


def _is_time(value: Any) -> bool:
    return isinstance(value, datetime)
