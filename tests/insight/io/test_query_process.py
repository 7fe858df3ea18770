"""Queries in a process of their own."""

from pathlib import Path

import pytest

from insight.errors import BadQuery
from insight.io.lake import Lake
from insight.io.query_process import QueryProcess
from insight.io.writer import LakeWriter
from tests.support.lake_facts import FactMaker

QUERY = "SELECT order_id, occurred_at, amount_fen FROM money ORDER BY sequence"


def test_a_query_has_the_rows_of_the_lake_also_after_its_process_was_killed(tmp_path: Path) -> None:
    history = FactMaker()
    history.order("o1", ("tea", 2, 1_000))
    history.order("o2", ("tea", 1, 500))
    writer = LakeWriter(Lake(str(tmp_path)))
    writer.position("record")
    writer.write(history.made[:2])
    queries = QueryProcess(Lake(str(tmp_path)))
    try:
        assert queries.sql(QUERY) == Lake(str(tmp_path)).sql(QUERY)
        with pytest.raises(BadQuery, match="nowhere"):
            queries.sql("SELECT nothing FROM nowhere")
        assert queries._process is not None
        queries._process.kill()
        queries._process.wait()
        writer.write(history.made)
        assert [row[2] for row in queries.sql(QUERY)[1]] == [1_000, 500]
    finally:
        queries.close()
    queries.close()
