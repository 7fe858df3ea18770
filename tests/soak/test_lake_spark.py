"""Gold by Spark, from the tables that the lake's writer made, beside the lake's own.

Needs `pip install 'linli[spark]'`, a Java 17, and Delta's jars in the machine's repository of
packages (`mvn dependency:get -Dartifact=io.delta:delta-spark_2.13:4.0.0`).
"""

import shutil
from pathlib import Path

import pytest

from insight.io.lake import Lake
from insight.io.writer import LakeWriter
from insight.tables import SALES_HOURLY, day_of
from tests.support.lake_facts import AT_MS, FactMaker

pytest.importorskip("pyspark", reason="linli[spark] is not installed")
if shutil.which("java") is None:
    pytest.skip("no Java", allow_module_level=True)

ORDERS = 300
ALL = "SELECT * FROM sales_hourly ORDER BY hour, product_id, estate, store_id"


# pyspark leaves sockets to the garbage collector.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_spark_computes_the_same_gold_to_the_fen_and_the_lake_goes_on_from_it(
    tmp_path: Path,
) -> None:
    from insight.io.spark import refresh_sales, sales_hourly, spark_session

    history = FactMaker()
    for number in range(ORDERS):
        lines = [("tea", 1 + number % 3, 990 + number), ("pear", 1, 7 * number % 501)]
        history.order(f"o{number}", *lines[: 1 + number % 2], person=f"p{number % 40}")
        history.at_ms += 20_000
        if number % 5 == 0:
            history.money(f"o{number}", "refund", 333 + number)
    lake = Lake(str(tmp_path / "lake"))
    writer = LakeWriter(lake)
    writer.position("record")
    writer.write(history.made)
    days = writer.refresh()
    ours = lake.sql(ALL)[1]
    assert days == [day_of(AT_MS)] and ours

    with spark_session(**{"spark.sql.warehouse.dir": str(tmp_path / "warehouse")}) as spark:
        order = ("hour", "product_id", "estate", "store_id")
        theirs = sales_hourly(spark, lake, days[0]).orderBy(*order).collect()
        assert [tuple(row)[1:] for row in theirs] == [row[1:] for row in ours]
        assert [row["hour"].timestamp() for row in theirs] == [row[0].timestamp() for row in ours]
        refresh_sales(spark, lake, days)
    after = Lake(str(tmp_path / "lake"))
    assert after.sql(ALL)[1] == ours
    writer.mark_stale(days)
    writer.refresh()
    assert after.sql(ALL)[1] == ours
    assert {entry["table"]: entry["rows"] for entry in after.status()}[
        f"{SALES_HOURLY.layer}/{SALES_HOURLY.name}"
    ] == len(ours)
