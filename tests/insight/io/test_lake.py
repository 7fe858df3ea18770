"""The lake's tables over time: new columns, older versions, compaction, erasure and vacuum."""

from dataclasses import replace
from pathlib import Path

import pytest
from deltalake import DeltaTable, QueryBuilder

from insight.io import lake as lake_module
from insight.io import writer as writer_module
from insight.io.lake import Lake
from insight.io.writer import LakeWriter
from insight.tables import FACTS, MONEY, ORDER_LINES, SALES_HOURLY, TABLES
from tests.support.lake_facts import FactMaker

SUMS = "SELECT COUNT(*), COUNT(DISTINCT sequence), SUM(amount_fen) FROM money"


def written(lake: Lake, batches: int) -> FactMaker:
    """A lake with so many batches of one order each, of two people in turns."""
    history = FactMaker()
    writer = LakeWriter(lake)
    writer.position("record")
    for number in range(batches):
        history.order(f"o{number}", ("tea", 1, 100 + number), person=f"p{number % 2}")
        writer.write(history.made[-2:])
        writer.refresh()
        writer.tidy()
    return history


def files(folder: Path, lake: Lake) -> set[Path]:
    """The data files of the table of order lines, of all versions."""
    return set((folder / ORDER_LINES.layer / ORDER_LINES.name).glob("day=*/*.parquet"))


def test_a_column_that_is_new_is_null_in_older_rows_and_there_in_later_ones(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    older = replace(
        MONEY, columns=tuple(column for column in MONEY.columns if column.name != "trace")
    )
    before = tuple(older if table is MONEY else table for table in TABLES)
    monkeypatch.setattr(lake_module, "TABLES", before)
    lake, history = Lake(str(tmp_path)), FactMaker()
    lake.create()
    history.order("o1", ("tea", 1, 100))
    row = {column.name: ["x"] for column in older.columns} | {
        "sequence": [2],
        "amount_fen": [100],
        "occurred_at": [history.at_ms],
    }
    lake.version(older, "record")
    lake.append(older, row, "record", 2)

    monkeypatch.setattr(lake_module, "TABLES", TABLES)
    newer = Lake(str(tmp_path))
    writer = LakeWriter(newer)
    assert writer.position("record") == 0
    history.order("o2", ("tea", 1, 200))
    writer.write(history.made)
    found = newer.sql("SELECT sequence, amount_fen, trace FROM money ORDER BY sequence")[1]
    assert found == [(2, 100, None), (4, 200, "o2")]
    # Who reads the version of before sees what it had.
    then = DeltaTable(lake.uri(older), version=1)
    assert "trace" not in {field.name for field in then.schema().fields}


def test_an_older_version_is_read_as_it_was_also_after_compaction(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer_module, "COMPACT_COMMITS", 4)
    monkeypatch.setattr(lake_module, "REOPEN_COMMITS", 3)
    lake = Lake(str(tmp_path))
    history = written(lake, 10)
    assert lake.sql(SUMS)[1] == [(10, 10, sum(range(100, 110)))]
    operations = [each["operation"] for each in DeltaTable(lake.uri(MONEY)).history()]
    assert operations.count("OPTIMIZE") == 2
    # Compaction leaves fewer files than commits, and the number of the last fact.
    live = {each["table"]: each["files"] for each in lake.status()}
    assert live["silver/money"] <= 4
    assert LakeWriter(Lake(str(tmp_path))).position("record") == len(history.made)
    # The version before each of the compactions, and the first with a row.
    for version, rows in ((1, 1), (3, 3), (4, 3), (5, 4), (12, 10)):
        then = DeltaTable(lake.uri(MONEY), version=version)
        assert sum(then.get_add_actions(flatten=True).column("num_records").to_pylist()) == rows
        assert then.transaction_version("record") == 2 * rows
    # Gold does not grow by what is computed again.
    assert live["gold/sales_hourly"] == 1
    assert DeltaTable(lake.uri(SALES_HOURLY)).version() >= 10


def test_after_erasure_and_vacuum_no_file_has_the_person_and_sums_are_what_they_were(
    tmp_path: Path,
) -> None:
    lake = Lake(str(tmp_path))
    written(lake, 6)
    before = lake.sql(SUMS)[1]
    old = files(tmp_path, lake)
    assert set(lake.erase(["p0", "it's"])) == {FACTS.name, ORDER_LINES.name}
    assert lake.erase(["p0"]) == []
    assert lake.sql(SUMS)[1] == before
    people = "SELECT person, COUNT(*) FROM order_lines GROUP BY person ORDER BY person"
    assert lake.sql(people)[1] == [("", 3), ("p1", 3)]
    # An older version has the person until the vacuum, which leaves what is younger than a week.
    lake.vacuum()
    assert files(tmp_path, lake) >= old
    lake.vacuum(retention_hours=0)
    kept = files(tmp_path, lake)
    live = {
        Path(uri.removeprefix("file://")) for uri in DeltaTable(lake.uri(ORDER_LINES)).file_uris()
    }
    assert kept == live
    assert lake.sql(people)[1] == [("", 3), ("p1", 3)]
    older = QueryBuilder().register("older", DeltaTable(lake.uri(ORDER_LINES), version=2))
    with pytest.raises(Exception, match=r"No such file|not found"):
        older.execute("SELECT person FROM older").read_all()


def test_a_writer_that_ends_before_it_has_compacted_leaves_it_to_the_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (writer_module, lake_module):
        monkeypatch.setattr(module, "COMPACT_COMMITS", 5)
    history = FactMaker()
    for number in range(7):
        lake = Lake(str(tmp_path))
        writer = LakeWriter(lake)
        writer.position("record")
        history.order(f"o{number}", ("tea", 1, 100))
        writer.write(history.made[-2:])
        writer.tidy()
    operations = [each["operation"] for each in DeltaTable(lake.uri(MONEY)).history()]
    assert "OPTIMIZE" in operations
    assert lake.sql(SUMS)[1] == [(7, 7, 700)]
