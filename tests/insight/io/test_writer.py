"""The lake's writer: every fact once, whatever ends it, and gold that sums to what was paid."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from insight.errors import BadQuery, LakeConflict
from insight.io.lake import Lake
from insight.io.writer import LakeWriter
from insight.tables import CURVES_SQL, FACTS, MONEY, day_of
from insight.wall import bucket_of, day_curves
from tests.support.lake_facts import AT_MS, FactMaker

HOURLY = "SELECT product_id, units, orders, buyers, paid_fen, refunded_fen, gmv_fen "
HOURLY += "FROM sales_hourly ORDER BY product_id"


class Killed(BaseException):
    """The process ends here."""


def facts() -> FactMaker:
    """Two neighbours' orders, a fact that no topic admits, and a refund of a third."""
    history = FactMaker()
    history.order("o1", ("tea", 2, 1_000), ("pear", 1, 501), person="p1")
    history.add("order.eaten", {"order_id": "o1"})
    history.order("o2", ("tea", 1, 500), person="p2")
    history.money("o1", "refund", 500)
    return history


def opened(folder: Path, probe: Callable[[str], None] = lambda table: None) -> LakeWriter:
    """A writer whose tables are there."""
    writer = LakeWriter(Lake(str(folder)), probe)
    writer.position("record")
    return writer


def rows(lake: Lake, query: str) -> list[tuple[object, ...]]:
    return lake.sql(query)[1]


def test_gold_sums_to_what_was_paid_less_what_went_back_to_the_fen(tmp_path: Path) -> None:
    lake = Lake(str(tmp_path))
    writer = LakeWriter(lake)
    assert writer.position("record") == 0
    writer.write(facts().made)
    assert writer.refresh() == [day_of(AT_MS)]
    # The refund of 500 of 1,501 fen: 333 of the tea (500 × 1,000 ÷ 1,501), the other 167 of pears.
    assert rows(lake, HOURLY) == [
        ("pear", 1, 1, 1, 501, 167, 334),
        ("tea", 3, 2, 2, 1_500, 333, 1_167),
    ]
    reason = "no topic 'order.eaten' of version 1"
    assert rows(lake, "SELECT topic, reason FROM rejected") == [("order.eaten", reason)]
    with pytest.raises(BadQuery):
        lake.sql("SELECT nothing FROM nowhere")


@pytest.mark.parametrize("at", ["order_lines", "money", "rejected", "facts"])
def test_a_writer_killed_before_any_commit_leaves_no_row_twice_and_none_lost(
    tmp_path: Path, at: str
) -> None:
    history = facts().made

    def kill(table: str) -> None:
        if table == at:
            raise Killed

    with pytest.raises(Killed):
        opened(tmp_path, kill).write(history[:4])
    lake = Lake(str(tmp_path))
    writer = LakeWriter(lake)
    assert writer.position("record") == 0
    # The next batches need not be cut where the lost one was.
    writer.write(history[:2])
    writer.write(history[2:])
    writer.write(history)
    assert writer.position("record") == len(history)
    assert rows(lake, "SELECT sequence FROM facts ORDER BY sequence") == [
        (fact.sequence,) for fact in history
    ]
    assert rows(lake, "SELECT count(*), sum(amount_fen) FROM money") == [(3, 1_501 + 500 + 500)]
    assert rows(lake, "SELECT count(*) FROM order_lines") == [(3,)]


def test_of_two_writers_with_the_same_batch_one_loses(tmp_path: Path) -> None:
    history = facts().made
    opened(tmp_path).write(history[:2])

    def write_first(table: str) -> None:
        if table == MONEY.name:
            opened(tmp_path).write(history)

    with pytest.raises(LakeConflict):
        opened(tmp_path, write_first).write(history)
    assert rows(Lake(str(tmp_path)), "SELECT count(*) FROM money") == [(3,)]


def test_a_replayed_day_is_the_same_day(tmp_path: Path) -> None:
    lake = Lake(str(tmp_path))
    writer = LakeWriter(lake)
    assert writer.position("record") == 0
    writer.write(facts().made)
    writer.refresh()
    before = rows(lake, HOURLY)
    assert writer.replay(day_of(AT_MS)) == len(facts().made)
    lake.compact(FACTS)
    assert rows(lake, HOURLY) == before
    assert rows(lake, "SELECT count(*) FROM money") == [(3,)]
    assert writer.position("record") == len(facts().made)
    assert {entry["table"]: entry["rows"] for entry in lake.status()}["bronze/facts"] == 6


def test_a_replay_leaves_what_bronze_does_not_have_yet_and_never_had(tmp_path: Path) -> None:
    """A batch that its writer is about to put into bronze, and a simulator's rows."""

    def kill(table: str) -> None:
        if table == FACTS.name:
            raise Killed

    lake, history = Lake(str(tmp_path)), facts().made
    opened(tmp_path).write(history[:3])
    simulated = FactMaker("simulator")
    simulated.order("s1", ("tea", 5, 2_500))
    with pytest.raises(Killed):
        opened(tmp_path, kill).write(simulated.made)
    with pytest.raises(Killed):
        opened(tmp_path, kill).write(history)
    for _ in range(2):
        assert LakeWriter(lake).replay(day_of(AT_MS)) == 3
    moved = "SELECT source, count(*), sum(amount_fen) FROM money GROUP BY source ORDER BY source"
    assert rows(lake, moved) == [("record", 3, 2_501), ("simulator", 1, 2_500)]
    assert rows(lake, "SELECT sum(gmv_fen) FROM sales_hourly") == [(1_501 + 2_500,)]
    # The writer goes on where it was.
    opened(tmp_path).write(history)
    assert rows(lake, moved) == [("record", 3, 2_501), ("simulator", 1, 2_500)]
    assert rows(lake, "SELECT count(*), count(DISTINCT sequence) FROM facts") == [(6, 6)]


def test_a_replay_beside_a_writer_of_the_same_day_loses_and_leaves_the_table_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    history = facts().made
    opened(tmp_path).write(history[:3])
    lake = Lake(str(tmp_path))
    put = lake.overwrite

    def late(table: Any, *more: Any) -> None:
        if table is MONEY:
            opened(tmp_path).write(history)
        put(table, *more)

    monkeypatch.setattr(lake, "overwrite", late)
    with pytest.raises(LakeConflict):
        LakeWriter(lake).replay(day_of(AT_MS))
    monkeypatch.undo()
    assert rows(lake, "SELECT count(*) FROM money") == [(3,)]
    assert LakeWriter(lake).replay(day_of(AT_MS)) == 6
    assert rows(lake, "SELECT count(*), sum(amount_fen) FROM money") == [(3, 2_501)]


def test_a_day_s_curve_is_what_each_ten_minutes_sold_and_says_if_some_is_simulated(
    tmp_path: Path,
) -> None:
    lake = Lake(str(tmp_path))
    writer = LakeWriter(lake)
    for source in ("record", "simulator"):
        history = FactMaker(source, at_ms=AT_MS if source == "record" else AT_MS + 7 * 86_400_000)
        history.order("o1", ("tea", 2, 1_000))
        history.at_ms += 600_000
        history.money("o1", "refund", 300)
        writer.position(source)
        writer.write(history.made)
    for at_ms, is_simulated in ((AT_MS, False), (AT_MS + 7 * 86_400_000, True)):
        curves = day_curves(lake.sql(CURVES_SQL.format(day=day_of(at_ms)))[1])
        assert list(curves) == ["b"]
        curve, first = curves["b"].gmv_fen, bucket_of(at_ms)
        assert (curve[first], curve[first + 1], sum(curve)) == (1_000, -300, 700)
        assert curves["b"].is_simulated is is_simulated
