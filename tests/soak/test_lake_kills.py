"""The lake's writer is killed again and again, wherever it is: every fact is there once."""

import random
import subprocess
import sys
from pathlib import Path

from insight.io.lake import Lake
from insight.io.writer import LakeWriter
from tests.support.figures import Figures
from tests.support.lake_child import history

FACTS = 30_000
KILLS = 25
SEED = 20261129
RUN_S_MAX = 1.2
END_S_MAX = 600


def begin(folder: Path) -> "subprocess.Popen[str]":
    """Start a writer and wait until it knows where the lake is."""
    arguments = [sys.executable, "-m", "tests.support.lake_child", str(folder), str(FACTS)]
    child = subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True)
    assert child.stdout is not None
    assert child.stdout.readline() == "begun\n"
    return child


def test_a_writer_that_is_killed_anywhere_leaves_every_fact_once(
    tmp_path: Path, figures: Figures
) -> None:
    coins = random.Random(SEED)
    killed = 0
    for _ in range(KILLS):
        child = begin(tmp_path)
        try:
            child.wait(coins.uniform(0.0, RUN_S_MAX))
        except subprocess.TimeoutExpired:
            child.kill()
            killed += 1
        child.communicate()
    last = begin(tmp_path)
    last.communicate(timeout=END_S_MAX)
    assert last.returncode == 0

    made = history(FACTS).made
    paid = sum(f.payload["amount_fen"] for f in made if f.topic == "money.moved")
    lake = Lake(str(tmp_path))
    counts = "SELECT COUNT(*), COUNT(DISTINCT sequence), MAX(sequence) FROM facts"
    assert lake.sql(counts)[1] == [(len(made),) * 3]
    assert lake.sql("SELECT SUM(amount_fen) FROM money")[1] == [(paid,)]
    # Gold of days whose writer was killed before it was computed.
    writer = LakeWriter(lake)
    days = lake.sql("SELECT DISTINCT day FROM money")[1]
    writer.mark_stale(day for (day,) in days)
    writer.refresh()
    assert lake.sql("SELECT SUM(gmv_fen) FROM sales_hourly")[1] == [(paid,)]
    figures.seen("writers of the lake killed", killed)
    assert killed > 0
