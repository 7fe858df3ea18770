"""The lake's tables."""

from pathlib import Path

from insight.tables import markdown


def test_the_document_is_what_the_tables_are() -> None:
    document = Path(__file__).parents[2] / "docs" / "lake.md"
    assert document.read_text("utf-8") == markdown()
