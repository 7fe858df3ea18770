"""Gold computed by Spark, from the same tables and the same SQL, for lakes beyond one machine.

`pyspark` is an extra (`linli[spark]`). With SPARK_REMOTE set, as in `sc://cluster:15002`, the work
is done there, and the cluster must reach the lake's address itself; otherwise a Spark in this
process does it, with Delta's jar from the machine's repository of packages.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from insight.tables import MONEY, ORDER_LINES, SALES_HOURLY, Table, sales_hourly_sql

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pyspark.sql import DataFrame, SparkSession

    from insight.io.lake import Lake

DELTA = "io.delta:delta-spark_2.13:4.0.0"  # goes with pyspark 4.0
REMOTE = "SPARK_REMOTE"
LOCAL: dict[str, str] = {
    "spark.master": "local[1]",
    "spark.driver.bindAddress": "127.0.0.1",
    "spark.driver.host": "127.0.0.1",
    "spark.driver.memory": "1g",
    "spark.ui.enabled": "false",
    "spark.jars.packages": DELTA,
    "spark.sql.extensions": "io.delta.sql.DeltaSparkSessionExtension",
    "spark.sql.catalog.spark_catalog": "org.apache.spark.sql.delta.catalog.DeltaCatalog",
    "spark.sql.shuffle.partitions": "4",
    "spark.databricks.delta.snapshotPartitions": "1",
}


@contextmanager
def spark_session(**more: str) -> Iterator[SparkSession]:
    """Open a session, at the cluster of SPARK_REMOTE or in this process."""
    from pyspark.sql import SparkSession

    builder: Any = SparkSession.builder.appName("linli lake")
    if REMOTE not in os.environ:
        for name, value in (LOCAL | more).items():
            builder = builder.config(name, value)
    spark = builder.getOrCreate()
    spark.conf.set("spark.sql.session.timeZone", "UTC")
    try:
        yield spark
    finally:
        spark.stop()


def sales_hourly(spark: SparkSession, lake: Lake, day: str) -> DataFrame:
    """Return the gold rows of a day."""
    for table in (MONEY, ORDER_LINES):
        _read(spark, lake, table).createOrReplaceTempView(table.name)
    names = [column.name for column in SALES_HOURLY.columns]
    return spark.sql(sales_hourly_sql(f"day = '{day}'")).select(*names)


def refresh_sales(spark: SparkSession, lake: Lake, days: Iterable[str]) -> None:
    """Compute the gold table of days again, each in one commit."""
    for day in days:
        made = sales_hourly(spark, lake, day).repartition(1)
        writer = made.write.format("delta").mode("overwrite")
        writer.option("replaceWhere", f"day = '{day}'").save(lake.uri(SALES_HOURLY))


def _read(spark: SparkSession, lake: Lake, table: Table) -> DataFrame:
    return spark.read.format("delta").load(lake.uri(table))
