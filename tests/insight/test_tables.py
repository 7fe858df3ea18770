"""The lake's tables."""

from pathlib import Path

from insight.tables import TABLES, markdown, rows_of
from tests.support.lake_facts import FactMaker


def test_the_document_is_what_the_tables_are() -> None:
    document = Path(__file__).parents[2] / "docs" / "lake.md"
    assert document.read_text("utf-8") == markdown()


def test_rows_have_the_columns_of_their_tables() -> None:
    history = FactMaker()
    history.order("o1", ("tea", 2, 1_000), ("pear", 1, 501))
    history.moved("o1", 2, "new", "picking")
    place = {"room_id": "demo", "product_id": "tea"}
    history.add("card.opened", {**place, "dwell_ms": 900})
    history.add("live.watched", {"room_id": "demo", "watched_ms": 30_000})
    history.add("bag.added", {**place, "units": 2})
    found = rows_of(history.made)
    columns = {table.name: {column.name for column in table.columns} for table in TABLES}
    assert all(set(row) == columns[name] for name, rows in found.items() for row in rows)
    assert "rejected" not in found
    lines = [(row["line"], row["before_fen"]) for row in found["order_lines"]]
    assert lines == [(0, 0), (1, 1_000)]
    assert [(row["units"], row["duration_ms"]) for row in found["page_events"]] == [
        (0, 900),
        (0, 30_000),
        (2, 0),
    ]
