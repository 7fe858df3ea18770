"""Gold in pieces: what each hour has is what the whole would have, and nothing else is computed."""

import random
from pathlib import Path
from typing import Any

import pytest

from insight.io.gold import Gold, hours_of
from insight.io.lake import Lake
from insight.io.writer import LakeWriter
from insight.tables import SALES_HOURLY, day_of, sales_hourly_sql
from tests.support.lake_facts import AT_MS, FactMaker

DAY_MS, HOUR_MS = 86_400_000, 3_600_000
NAMES = ", ".join(column.name for column in SALES_HOURLY.columns)
KEYS = "hour, product_id, estate, store_id"


def three_weeks(coins: random.Random) -> FactMaker:
    """Orders of three weeks, refunded an hour, a day or two weeks later, some never placed."""
    history, due = FactMaker(), list[tuple[int, str, int]]()
    for number in range(70):
        history.at_ms += coins.randrange(50_000_000)
        while due and due[0][0] <= history.at_ms:
            _, id, fen = due.pop(0)
            history.money(id, "refund", fen)
        lines = [
            (coins.choice(("tea", "pear", "eggs")), 1 + coins.randrange(3), coins.randrange(2_000))
            for _ in range(1 + coins.randrange(3))
        ]
        person = f"p{coins.randrange(20)}"
        for _ in range(1 + coins.randrange(3)):
            history.order(f"o{len(history.made)}", *lines, person=person)
        later_ms = coins.choice((HOUR_MS, DAY_MS, 14 * DAY_MS))
        total_fen = sum(fen for _, _, fen in lines)
        refund = (history.at_ms + later_ms, history.made[-1].trace, coins.randint(0, total_fen))
        due = sorted([*due, refund])
        if number % 50 == 0:
            history.money("of-no-lines", "charge", 5)
    return history


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[str]]:
    """A lake whose gold was computed by hours of which each is a piece, and its days."""
    folder = tmp_path_factory.mktemp("lake")
    lake = Lake(str(folder))
    writer = LakeWriter(lake)
    writer._gold = Gold(lake, transfers_max=1)
    writer.position("record")
    made = three_weeks(random.Random(24)).made
    for first in range(0, len(made), 300):
        writer.write(made[first : first + 300])
    return folder, writer.refresh()


def whole(lake: Lake, days: str) -> list[tuple[Any, ...]]:
    """Gold of days in one query, in the order of its keys."""
    return lake.sql(f"SELECT {NAMES} FROM ({sales_hourly_sql(days)}) ORDER BY {KEYS}")[1]


def kept(lake: Lake) -> list[tuple[Any, ...]]:
    """Gold as the lake has it."""
    return lake.sql(f"SELECT {NAMES} FROM sales_hourly ORDER BY {KEYS}")[1]


def test_pieces_are_what_the_whole_is(filled: tuple[Path, list[str]]) -> None:
    folder, days = filled
    lake = Lake(str(folder))
    ours = kept(lake)
    assert len(days) > 20 and len(ours) > 100
    assert ours == whole(lake, "TRUE")
    # Another size of the pieces changes nothing, and what is there is not added to.
    for transfers_max in (40, 1_000_000):
        gold = Gold(lake, transfers_max)
        pieces = list(gold.refresh([hour for day in days for hour in hours_of(day)], {}))
        assert kept(lake) == ours
        most = 24 if transfers_max == 40 else 1
        assert all(len([p for p in pieces if p.day == day]) <= most for day in days)
    batches = Gold(lake, 100).batches_of("record")
    assert sum(batch.num_rows for batch in batches) == len(ours)


def test_only_hours_whose_money_changed_are_computed_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lake = Lake(str(tmp_path))
    writer = LakeWriter(lake)
    writer.position("record")
    history = FactMaker()
    for _ in range(6):
        history.order(f"o{len(history.made)}", ("tea", 1, 700))
        history.at_ms += HOUR_MS
    writer.write(history.made)
    writer.refresh()
    overwritten: list[str] = []
    put = lake.overwrite

    def noted(table: Any, predicate: str, *more: Any) -> None:
        overwritten.append(predicate)
        put(table, predicate, *more)

    monkeypatch.setattr(lake, "overwrite", noted)
    assert writer.refresh() == [] and overwritten == []
    # A refund that comes now, of an hour that is over.
    done = len(history.made)
    history.at_ms = AT_MS + 2 * HOUR_MS
    history.money("o0", "refund", 200)
    writer.write(history.made[done:])
    assert writer.refresh() == [day_of(history.at_ms)]
    [predicate] = overwritten
    assert predicate == (
        "day = '2026-09-22' AND hour >= '2026-09-21T16:00:00+00:00' "
        "AND hour < '2026-09-21T17:00:00+00:00'"
    )
    assert lake.sql("SELECT SUM(gmv_fen) FROM sales_hourly")[1] == [(6 * 700 - 200,)]
    assert kept(lake) == whole(lake, "TRUE")


def test_gold_of_a_writer_that_ended_before_it_was_computed_is_computed_by_the_next(
    tmp_path: Path,
) -> None:
    history = FactMaker()
    history.order("o1", ("tea", 1, 700))
    first = LakeWriter(Lake(str(tmp_path)))
    first.position("record")
    first.write(history.made)
    first.refresh()
    history.at_ms -= 40 * DAY_MS  # of a day that no restart would think of
    history.order("o2", ("tea", 1, 300))
    first.write(history.made[2:])

    lake = Lake(str(tmp_path))
    second = LakeWriter(lake)
    assert second.position("record") == 4
    assert second.refresh() == [day_of(history.at_ms)]
    assert lake.sql("SELECT SUM(gmv_fen) FROM sales_hourly")[1] == [(1_000,)]
    third = LakeWriter(lake)
    third.position("record")
    assert third.refresh() == []
