"""DuckDB on the lake's files: the gold table's own SQL over silver, and the same to the fen."""

from pathlib import Path

import duckdb
from deltalake import DeltaTable

from insight.io.lake import Lake
from insight.io.writer import LakeWriter
from insight.tables import MONEY, ORDER_LINES, SALES_HOURLY, sales_hourly_sql
from tests.support.lake_facts import FactMaker


def test_duckdb_computes_the_same_gold_to_the_fen(tmp_path: Path) -> None:
    history = FactMaker()
    history.order("o1", ("tea", 2, 1_000), ("pear", 1, 501), person="p1")
    history.order("o2", ("tea", 1, 500), person="p2")
    history.money("o1", "refund", 500)
    lake = Lake(str(tmp_path))
    writer = LakeWriter(lake)
    writer.position("record")
    writer.write(history.made)
    [day] = writer.refresh()
    with duckdb.connect() as duck:
        for table in (MONEY, ORDER_LINES, SALES_HOURLY):
            files = [uri.removeprefix("file://") for uri in DeltaTable(lake.uri(table)).file_uris()]
            duck.execute(
                f"CREATE TABLE {table.name} AS SELECT * FROM "
                "read_parquet($files, hive_partitioning = true, hive_types_autocast = false)",
                {"files": files},
            )
        names = "product_id, units, orders, buyers, paid_fen, refunded_fen, gmv_fen, simulated"
        gold = sales_hourly_sql(f"day = '{day}'")
        theirs = duck.sql(f"SELECT {names} FROM ({gold}) ORDER BY product_id").fetchall()
        kept = duck.sql(f"SELECT {names} FROM sales_hourly ORDER BY product_id").fetchall()
    ours = lake.sql(f"SELECT {names} FROM sales_hourly ORDER BY product_id")[1]
    assert theirs == kept == ours
    assert [row[-2] for row in ours] == [334, 1_167]
