"""`linli lake`: the lake."""

import json
import os
import sys
from dataclasses import asdict
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Table

from server.cli.console import err, out, run
from server.settings import Settings

NICENESS = 10

lake_app = typer.Typer(
    help="The lake: what is in it, whether it says what the record says.", no_args_is_help=True
)
Json = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]


@lake_app.command("tables")
def tables(as_json: Json = False) -> None:
    """Print every table with its columns; docs/lake.md has the same."""
    from insight.tables import TABLES

    if as_json:
        found = {
            f"{table.layer}/{table.name}": {column.name: column.kind for column in table.columns}
            for table in TABLES
        }
        print(json.dumps(found, indent=2))
        return
    for table in TABLES:
        out.print(f"\n[bold]{table.layer}/{table.name}[/]: {table.grain}")
        shown = Table("column", "type", "meaning", box=None)
        for column in table.columns:
            shown.add_row(column.name, column.kind, column.meaning)
        out.print(shown)


@lake_app.command("status")
def status(as_json: Json = False) -> None:
    """Print how far the lake is, table by table, and what it rejected."""
    from server.lake_status import status as look

    async def main() -> None:
        found = await look(Settings())
        if as_json:
            print(json.dumps(found, indent=2))
            return
        shown = Table("table", "rows", "files", "bytes", "version", "last commit", box=None)
        for table in found["tables"]:
            numbers = (f"{table[name]:,}" for name in ("rows", "files", "bytes", "version"))
            shown.add_row(table["table"], *numbers, _time(table["committed_at_ms"]))
        out.print(shown)
        lags = Table("source", "last fact", "behind, s", box=None)
        for each in found["sources"]:
            lag = "Redis is away" if each["lag_ms"] is None else f"{each['lag_ms'] / 1_000:.1f}"
            lags.add_row(each["source"], f"{max(each['last'], 0):,}", lag)
        out.print(lags)
        out.print(f"{found['behind']:,} facts of the record are not in the lake yet.")
        for each in found["rejected"]:
            out.print(f"rejected {each['facts']:,}: {each['reason']}", markup=False)

    run(main())


def _time(at_ms: int | None) -> str:
    if at_ms is None:
        return "–"
    return datetime.fromtimestamp(at_ms / 1_000, UTC).isoformat(" ", "seconds")


@lake_app.command("check")
def check(as_json: Json = False) -> None:
    """Compare the lake with the record, to the fen; exit code 1 if they differ."""
    from server.ops.lake import Comparison, compare

    async def main() -> None:
        found.append(await compare(Settings()))

    found: list[Comparison] = []
    run(main())
    [result] = found
    if as_json:
        print(json.dumps(result.as_dict(), indent=2))
    else:
        out.print(f"facts {result.first:,} to {result.position:,} compared", highlight=False)
        out.print(f"missing {result.missing:,}, doubled {result.doubled:,}", highlight=False)
        for each in result.differences:
            record, lake = each.record, each.lake
            out.print(
                f"[red]{each.day} {each.kind}[/]: record {record.transfers} of {record.fen} fen, "
                f"lake {lake.transfers} of {lake.fen} fen",
                highlight=False,
            )
        out.print(f"{result.behind:,} facts are not in the lake yet", highlight=False)
        out.print("[green]the same[/]" if result.ok else "[red]different[/]")
    if not result.ok:
        sys.exit(1)


@lake_app.command("sql")
def sql(
    query: Annotated[str, typer.Argument(help="SQL; tables by their names, such as sales_hourly.")],
    as_json: Json = False,
) -> None:
    """Run SQL on the lake."""
    from insight.io.lake import ROWS_MAX
    from server.ops.lake import query as ask

    names, rows = ask(Settings(), query)
    if as_json:
        print(json.dumps([dict(zip(names, row, strict=True)) for row in rows], default=str))
    else:
        shown = Table(*map(escape, names), box=None)
        for row in rows:
            shown.add_row(*("" if value is None else escape(str(value)) for value in row))
        out.print(shown)
    if len(rows) == ROWS_MAX:
        err.print(f"The first {ROWS_MAX:,} rows; `linli lake export` has all.", highlight=False)


@lake_app.command("kpi")
def kpi(
    month: Annotated[str, typer.Argument(help="A month in China, YYYY-MM.")],
    brand: Annotated[str, typer.Option(help="The brand's id.")],
    as_json: Json = False,
) -> None:
    """Print a brand's key figures of a month: formula, parts, and the month before."""
    import re

    from commerce.io.record.engine import wall_clock
    from insight.kpi import FORMULAS
    from server.errors import OperatorError
    from server.ops.lake import kpis

    if not re.fullmatch(r"\d{4}-(0[1-9]|1[0-2])", month):
        raise OperatorError(f"{month!r} is no month such as 2026-11.")
    found = kpis(Settings(), brand, month, wall_clock())
    if as_json:
        print(json.dumps([{**asdict(each), "value": each.value} for each in found], indent=2))
        return
    shown = Table("figure", "value", "part", "of n", "month before", box=None)
    for each in found:
        values = (_figure(each.value, each.unit), f"{each.part:,}", f"{each.whole:,}")
        shown.add_row(each.id, *values, _figure(each.baseline, each.unit))
    out.print(shown)
    for formula in FORMULAS:
        out.print(f"{formula.id}: {formula.words_en}; {formula.words_zh}", highlight=False)


def _figure(value: float | None, unit: str) -> str:
    """A share in percent, money in yuan, and a dash for nothing."""
    if value is None:
        return "–"
    if unit == "households":
        return f"{value:,.1f}"
    return f"¥{value / 100:,.2f}" if unit == "fen" else f"{value:.1%}"


@lake_app.command("compact")
def compact() -> None:
    """Merge small files, and remove those of versions older than seven days."""
    from server.ops.lake import compact as tidy

    tidy(Settings())
    out.print("compacted")


@lake_app.command("replay")
def replay(day: Annotated[str, typer.Argument(help="A date in China, YYYY-MM-DD.")]) -> None:
    """Make a day's silver and gold again from bronze, without counting anything twice."""
    from server.ops.lake import replay as again

    _check_date(day)
    out.print(f"{again(Settings(), day):,} facts of {day} replayed", highlight=False)


def _check_date(day: str) -> None:
    from server.errors import OperatorError

    try:
        is_date = date.fromisoformat(day).isoformat() == day
    except ValueError:
        is_date = False
    if not is_date:
        raise OperatorError(f"{day!r} is no date such as 2026-11-28.")


@lake_app.command("submit")
def submit(
    days: Annotated[list[str], typer.Argument(help="Dates in China, YYYY-MM-DD.")],
) -> None:
    """Have Spark compute days' gold again: at the cluster of SPARK_REMOTE, or in this process."""
    from server.ops.lake import submit as hand_over

    for day in days:
        _check_date(day)
    hand_over(Settings(), days)
    out.print(f"gold of {len(days)} days computed by Spark", highlight=False)


@lake_app.command("export")
def export(
    query: Annotated[str, typer.Argument(help="SQL, or the name of a table.")],
    file: Annotated[Path, typer.Argument(help="A file whose name ends in .csv or .xlsx.")],
) -> None:
    """Write a table, or what a query returns, as CSV or XLSX."""
    from server.ops.lake import export as write

    text = query if " " in query else f"SELECT * FROM {query}"
    out.print(f"{write(Settings(), text, file):,} rows in {file}", highlight=False, soft_wrap=True)


@lake_app.command("write")
def write() -> None:
    """Fill the lake and keep the walls, beside servers without the role insight.

    The same as `linli serve --roles insight`.
    """
    from server.lake import run_insight

    run(run_insight(Settings()))


@lake_app.command("seed")
def seed(
    brand: Annotated[str, typer.Option(help="The brand's id.")],
    year: Annotated[bool, typer.Option("--year", help="The year before yesterday.")] = False,
    completejourney: Annotated[
        bool, typer.Option("--completejourney", help="A year of other shops' real baskets.")
    ] = False,
    households: Annotated[int, typer.Option(help="Of each estate.", min=1, max=5_000)] = 300,
    coins: Annotated[int, typer.Option(help="The same number is the same year.", min=0)] = 1,
) -> None:
    """Give a brand history, marked as simulated or of other shops; see docs/simulator.md."""
    from commerce.io.record.engine import wall_clock
    from server.errors import OperatorError
    from server.ops.lake_seed import journey_folder, seed_year

    if year == completejourney:
        raise OperatorError(
            "Say --year, to simulate the year before yesterday, or --completejourney."
        )
    journey = journey_folder() if completejourney else None

    os.nice(NICENESS)  # a server may be beside it

    async def main() -> None:
        found = await seed_year(
            Settings(),
            brand,
            households=households,
            coins=coins,
            now_ms=wall_clock(),
            journey=journey,
        )
        kind = "of other shops" if completejourney else "simulated"
        for table, rows in sorted(found.items()):
            out.print(f"{rows:,} rows of {table}, {kind}", highlight=False)

    run(main())
