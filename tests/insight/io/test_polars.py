"""polars at the lake's addresses: the money of the wall and of the lake's own SQL, to the fen."""

import random
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from insight.io.lake import Lake
from insight.io.writer import LakeWriter
from insight.tables import FACTS, MONEY, ORDER_LINES, SALES_HOURLY, Table, day_of
from insight.wall import Wall, figures
from tests.support.lake_facts import FactMaker

pl = pytest.importorskip("polars", reason="polars is not installed")

HOUR_MS = 3_600_000


def test_polars_and_the_lake_s_sql_have_the_gmv_of_the_wall_to_the_fen(tmp_path: Path) -> None:
    coins, history = random.Random(24), FactMaker()
    for number in range(60):
        lines = [(f"p{coins.randrange(4)}", 1 + coins.randrange(3), coins.randrange(1, 1_000))]
        lines += [("tea", 1, coins.randrange(1, 500))] * coins.randrange(3)
        history.order(f"o{number}", *lines, person=f"p{coins.randrange(9)}")
        if number % 4 == 0:
            history.money(f"o{number}", "refund", coins.randrange(1, lines[0][2] + 1))
        history.at_ms += HOUR_MS // 5
    lake, wall = Lake(str(tmp_path)), Wall()
    writer = LakeWriter(lake)
    writer.position("record")
    writer.write(history.made)
    writer.refresh()
    for fact in history.made:
        wall.apply(fact)
    shown = figures(wall, None, now_ms=history.at_ms)

    def scan(table: Table) -> Any:
        return pl.scan_delta(lake.uri(table))

    today = pl.col("day") == day_of(history.at_ms)
    sums = [pl.col(name).sum() for name in ("gmv_fen", "paid_fen", "refunded_fen", "units")]
    gold = scan(SALES_HOURLY).filter(today).select(sums).collect().row(0)
    assert gold == (shown.gmv_fen, shown.paid_fen, shown.refunded_fen, shown.units)
    signed = pl.when(pl.col("kind") == "charge").then(1).otherwise(-1) * pl.col("amount_fen")
    silver = scan(MONEY).filter(today).select(signed.sum()).collect().item()
    [(ours,)] = lake.sql(f"SELECT SUM(gmv_fen) FROM sales_hourly WHERE day = '{shown.day}'")[1]
    assert shown.gmv_fen == silver == ours > 0
    # By product, too, over both days, and with the times as they are: UTC.
    by = "SELECT product_id, SUM(gmv_fen) FROM sales_hourly GROUP BY product_id ORDER BY 1"
    theirs = scan(SALES_HOURLY).group_by("product_id").agg(pl.col("gmv_fen").sum())
    assert theirs.sort("product_id").collect().rows() == lake.sql(by)[1]
    lines = scan(ORDER_LINES).select(pl.col("occurred_at").max(), pl.len()).collect().row(0)
    assert lines == lake.sql("SELECT MAX(occurred_at), COUNT(*) FROM order_lines")[1][0]
    assert lines[0] == datetime.fromtimestamp((history.at_ms - HOUR_MS // 5) / 1_000, UTC)
    assert scan(FACTS).select(pl.len()).collect().item() == len(history.made)
