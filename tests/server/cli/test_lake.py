"""`linli lake`: what an analyst and an operator ask in the terminal, and what they may do wrong."""

import asyncio
import csv
import io
import json
from pathlib import Path
from typing import Any

import pytest
from python_calamine import CalamineWorkbook
from typer.testing import CliRunner

from insight.facts import SpooledFact
from insight.io.lake import Lake
from insight.io.writer import LakeWriter
from insight.tables import MONEY, TABLES, day_of
from server.bridge.facts import FactSpool, RecordSource
from server.cli.main import app
from server.errors import OperatorError
from server.ops import lake as lake_ops
from server.ops import lake_seed
from tests.support.commerce_shop import open_shop, running
from tests.support.lake_facts import AT_MS, FactMaker

DAY = day_of(AT_MS)
GMV = "SELECT product_id, gmv_fen, hour FROM sales_hourly ORDER BY product_id"


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The data folder of the commands."""
    monkeypatch.setenv("LINLI_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("COLUMNS", "200")
    return tmp_path


@pytest.fixture
def lake(data: Path) -> Lake:
    """Two orders, a refund, and a fact that no topic admits."""
    history = FactMaker()
    history.order("o1", ("tea", 2, 1_000), ("pear", 1, 501), person="p1")
    history.order("o2", ("=tea", 1, 500), person="p2")
    history.add("order.eaten", {"order_id": "o1"})
    history.money("o1", "refund", 500)
    here = Lake(str(data / "lake"))
    writer = LakeWriter(here)
    writer.position("record")
    writer.write(history.made)
    writer.refresh()
    return here


def said(*arguments: str) -> str:
    """What `linli lake …` prints."""
    result = CliRunner().invoke(app, ["lake", *arguments])
    assert result.exception is None, result.exception
    return result.output


def refused(*arguments: str) -> str:
    """The one line that `linli lake …` complains in."""
    result = CliRunner().invoke(app, ["lake", *arguments])
    assert isinstance(result.exception, OperatorError), result.output
    line = str(result.exception)
    assert line and "Traceback" not in line
    return line


@pytest.mark.usefixtures("lake")
def test_sql_answers_as_a_table_and_as_json() -> None:
    shown = said("sql", "SELECT product_id, gmv_fen FROM sales_hourly ORDER BY gmv_fen")
    assert [line.split() for line in shown.splitlines()] == [
        ["product_id", "gmv_fen"],
        ["pear", "334"],
        ["=tea", "500"],
        ["tea", "667"],
    ]
    found = json.loads(
        said("sql", "SELECT SUM(gmv_fen) AS fen, NULL AS none FROM sales_hourly", "--json")
    )
    assert found == [{"fen": 1_501, "none": None}]
    assert "plan_type" in said("sql", "EXPLAIN SELECT COUNT(*) FROM money")


@pytest.mark.parametrize(
    ("query", "why"),
    [
        ("SELECT nothing FROM sales_hourly", "nothing"),
        ("SELECT * FROM nowhere", "nowhere"),
        ("SELEC 1", "only queries"),
        ("", "only queries"),
        ("INSERT INTO money SELECT * FROM money", "only queries"),
        (" -- SELECT\nDROP TABLE money", "only queries"),
        ("EXPLAIN ANALYZE INSERT INTO money SELECT * FROM money", "only queries"),
        ("COPY money TO 'out.csv'", "only queries"),
        ("SELECT 1; DROP TABLE money", "statement"),
        ("SELECT 1 / 0 FROM money", "zero"),
    ],
)
def test_what_is_no_query_says_so_and_changes_nothing(lake: Lake, query: str, why: str) -> None:
    before = lake.sql("SELECT COUNT(*) FROM money")
    assert why in refused("sql", query)
    assert lake.reopened().sql("SELECT COUNT(*) FROM money") == before


@pytest.mark.usefixtures("data")
def test_without_a_lake_every_command_says_so() -> None:
    for command in (
        ("sql", "SELECT * FROM money"),
        ("replay", DAY),
        ("kpi", "2026-09", "--brand", "b"),
    ):
        assert "There is no lake yet" in refused(*command)


def test_an_exported_query_opens_as_csv_and_xlsx_with_equal_sums(
    lake: Lake, tmp_path: Path
) -> None:
    expected = lake.sql(GMV)[1]
    for suffix in ("csv", "xlsx"):
        file = tmp_path / f"gmv.{suffix}"
        file.write_text("of before")
        assert said("export", GMV, str(file)) == f"3 rows in {file}\n"
    lines = list(csv.reader(io.StringIO((tmp_path / "gmv.csv").read_text("utf-8-sig"))))
    assert lines[0] == ["product_id", "gmv_fen", "hour"]
    assert [(id, int(fen)) for id, fen, _ in lines[1:]] == [row[:2] for row in expected]
    book = CalamineWorkbook.from_path(tmp_path / "gmv.xlsx")
    sheet: list[Any] = book.get_sheet_by_index(0).to_python()
    assert sheet[0] == ["product_id", "gmv_fen", "hour"]
    assert [(id, int(fen)) for id, fen, _ in sheet[1:]] == [row[:2] for row in expected]
    assert sheet[1][2] == expected[0][2].replace(tzinfo=None)
    assert sum(int(row[1]) for row in lines[1:]) == sum(int(row[1]) for row in sheet[1:]) == 1_501
    # A table by its name; all rows, more than a query shows.
    assert said("export", "facts", str(tmp_path / "facts.csv")).startswith("6 rows")


def test_an_export_that_fails_leaves_the_file_as_it_was(
    lake: Lake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "gmv.xlsx"
    file.write_text("of before")
    monkeypatch.setattr(lake_ops, "XLSX_ROWS_MAX", 3)
    assert "more rows than a sheet has" in refused("export", GMV, str(file))
    assert "nowhere" in refused("export", "nowhere", str(file))
    assert file.read_text() == "of before"
    assert {path.name for path in tmp_path.iterdir()} == {"lake", "gmv.xlsx"}
    assert "ends in .csv or .xlsx" in refused("export", GMV, str(tmp_path / "gmv.pdf"))
    assert "No such file" in refused("export", GMV, str(tmp_path / "nowhere" / "gmv.csv"))


def test_tables_are_listed_with_their_columns() -> None:
    found = json.loads(said("tables", "--json"))
    assert list(found) == [f"{table.layer}/{table.name}" for table in TABLES]
    assert found["gold/sales_hourly"]["gmv_fen"] == "int64"
    shown = said("tables")
    assert all(f"{table.layer}/{table.name}" in shown for table in TABLES)


def test_a_day_is_replayed_after_a_bug_without_counting_twice(lake: Lake) -> None:
    before = lake.sql(GMV)
    _lose_charges(lake)
    assert lake.sql("SELECT COUNT(*) FROM money")[1] == [(1,)]
    for _ in range(2):
        assert said("replay", DAY) == f"6 facts of {DAY} replayed\n"
    assert lake.sql(GMV) == before
    assert lake.sql("SELECT COUNT(*), SUM(amount_fen) FROM money")[1] == [(3, 2_501)]
    assert lake.sql("SELECT COUNT(*) FROM rejected")[1] == [(1,)]
    assert said("replay", "2020-01-01") == "0 facts of 2020-01-01 replayed\n"
    for wrong in ("today", "2026-9-1", "2026-02-30", "2026-09-21' OR '1'='1"):
        assert "is no date such as" in refused("replay", wrong)


def test_compaction_leaves_every_row_in_fewer_files(lake: Lake) -> None:
    history = FactMaker()
    history.made = [None] * 6  # type: ignore[list-item]  # numbers go on
    writer = LakeWriter(lake)
    for number in range(4):
        history.order(f"late{number}", ("tea", 1, 100))
        writer.write(history.made[-2:])
    files = {each["table"]: each["files"] for each in lake.status()}
    assert said("compact") == "compacted\n"
    after = {each["table"]: each["files"] for each in lake.status()}
    assert (files["bronze/facts"], after["bronze/facts"]) == (5, 1)
    assert lake.sql("SELECT COUNT(*), COUNT(DISTINCT sequence) FROM facts")[1] == [(14, 14)]


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (("kpi", "2026-13", "--brand", "b"), "is no month"),
        (("seed", "--brand", "b"), "--year"),
        (("seed", "--brand", "b", "--year", "--completejourney"), "--year"),
        (("submit", "tomorrow"), "is no date"),
    ],
)
@pytest.mark.usefixtures("data")
def test_bad_input_is_named(arguments: tuple[str, ...], why: str) -> None:
    assert why in refused(*arguments)


async def test_a_year_is_simulated_once_marked_and_never_mixed_with_a_brand_s_own(
    sqlite_url: str, valkey_url: str, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LINLI_DATABASE_URL", sqlite_url)
    monkeypatch.setattr(lake_seed, "YEAR_DAYS", 20)
    async with open_shop(sqlite_url, valkey_url):
        pass

    async def seed(*arguments: str) -> Any:
        command = ["lake", "seed", "--year", *arguments]
        return await asyncio.to_thread(CliRunner().invoke, app, command)

    lake = Lake(str(data / "lake"))
    totals = "SELECT SUM(CASE kind WHEN 'charge' THEN amount_fen ELSE -amount_fen END) FROM money"
    found = []
    for _ in range(2):
        assert (
            "rows of money, simulated" in (await seed("--brand", "b", "--households", "3")).output
        )
        found.append((lake.sql(totals)[1], lake.sql("SELECT SUM(gmv_fen) FROM sales_hourly")[1]))
    assert found[0] == found[1] and found[0][0] == found[0][1] != [(None,)]
    assert lake.sql("SELECT DISTINCT simulated FROM sales_hourly")[1] == [(True,)]
    assert lake.sql("SELECT DISTINCT source FROM order_lines")[1] == [("simulator",)]
    assert "'nobody' has no estates" in str((await seed("--brand", "nobody")).exception)
    [(last,)] = lake.sql("SELECT MAX(occurred_at) FROM money")[1]
    own = FactMaker(at_ms=int(last.timestamp()) * 1_000)
    own.order("o1", ("tea", 1, 990))
    writer = LakeWriter(lake)
    writer.position("record")
    writer.write(own.made)
    assert "is not mixed" in str((await seed("--brand", "b")).exception)


async def test_status_and_check_say_how_far_the_lake_is_and_what_differs(
    sqlite_url: str, valkey_url: str, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LINLI_DATABASE_URL", sqlite_url)
    monkeypatch.setenv("LINLI_REDIS_URL", valkey_url)
    bad = SpooledFact("card.eaten", 1, 5, 6, "b", "e1", {"room_id": "demo"})
    async with open_shop(sqlite_url, valkey_url) as shop:
        async with running(shop.commerce):
            for guest in ("h1", "h2"):
                await shop.commerce.orders.place(shop.tap(guest))
        spool = FactSpool(shop.redis)
        assert await spool.add("sender-1", [(1, bad), (2, bad)]) == 2
        writer = LakeWriter(Lake(str(data / "lake")))
        for source in (RecordSource(shop.commerce.facts), spool):
            writer.write(await source.read(writer.position(source.name), 1_000))
        assert await spool.add("sender-1", [(3, bad)]) == 1
        await _ask_all(data)


async def _ask_all(data: Path) -> None:
    async def run(*arguments: str) -> Any:
        return await asyncio.to_thread(CliRunner().invoke, app, ["lake", *arguments])

    found = json.loads((await run("status", "--json")).output)
    lags = {each["source"]: each["lag_ms"] for each in found["sources"]}
    assert lags["record"] == 0 and lags["pages"] > 0
    assert found["behind"] == 0
    assert found["rejected"] == [{"reason": "no topic 'card.eaten' of version 1", "facts": 2}]
    shown = (await run("status")).output
    assert "rejected 2: no topic 'card.eaten' of version 1" in shown
    assert "bronze/facts" in shown and "pages" in shown
    same = await run("check")
    assert same.exit_code == 0 and "the same" in same.output
    # Money that the record does not have is found, and named by its day.
    _lose_charges(Lake(str(data / "lake")))
    different = await run("check")
    assert different.exit_code == 1 and "charge: record 2 of 1980 fen" in different.output
    assert json.loads((await run("check", "--json")).output)["ok"] is False


def _lose_charges(lake: Lake) -> None:
    """Take money out of the lake past its writer, as a bug might."""
    lake.version(MONEY, "record")
    lake.overwrite(MONEY, "kind = 'charge'", [])
