"""Cells of files: what columns read, and that every cell that cannot be read is named."""

from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from commerce.catalogue.sheets import (
    ERRORS_MAX,
    BadCell,
    Cell,
    Column,
    Errors,
    Problem,
    Row,
    choice,
    escaped,
    identifier,
    moment,
    moment_text,
    read_table,
    several,
    whole,
    words,
    yuan,
    yuan_text,
)
from commerce.catalogue.values import Text

COLUMNS = (
    Column("id", Text("编号", "Id"), identifier),
    Column("name", Text("名称", "Name"), words(10)),
    Column("price", Text("价格", "Price"), yuan(100_000)),
    Column("units", Text("数量", "Units"), whole(0, 99), False, 7),
)
HEADER: list[Cell] = ["Id", "名称", "price"]


def read(*lines: list[Cell]) -> tuple[list[Row], list[tuple[int, str, Problem]]]:
    """The rows of a table, and what is wrong in it."""
    errors = Errors()
    rows = read_table(COLUMNS, ("id",), lines, errors)
    return rows, [(error.row, error.column, error.problem) for error in errors.listed]


def test_a_table_is_read_by_titles_of_both_languages_and_keys() -> None:
    rows, errors = read(HEADER, ["tea", "绿茶", 9.9], [None, "", None], ["rice", "米", "¥12.90"])
    assert errors == []
    assert [row.number for row in rows] == [2, 4]
    assert rows[0].values == {"id": "tea", "name": "绿茶", "price": 990}
    assert rows[1].values["price"] == 1_290
    [row], _ = read([*HEADER, "units"], ["tea", "a", 1, None])
    assert row.values["units"] == 7


def test_every_bad_cell_is_named() -> None:
    gbk = "绿茶".encode("gbk").decode("utf-8", "surrogateescape")
    _, errors = read(
        HEADER,
        ["tea", "=1+1", "abc"],
        ["tea", "a" * 11, 1.005],
        ["not an id", None, "-3"],
        ["rice", gbk, True],
        ["@x", "+x", "=9"],
    )
    assert errors == [
        (2, "name", Problem.FORMULA),
        (2, "price", Problem.NOT_A_NUMBER),
        (3, "name", Problem.TOO_LONG),
        (3, "price", Problem.OUT_OF_RANGE),
        (3, "id", Problem.DUPLICATE),
        (4, "id", Problem.NOT_AN_ID),
        (4, "name", Problem.MISSING),
        (4, "price", Problem.OUT_OF_RANGE),
        (5, "name", Problem.NOT_UTF_8),
        (5, "price", Problem.NOT_A_NUMBER),
        (6, "id", Problem.FORMULA),
        (6, "name", Problem.FORMULA),
        (6, "price", Problem.FORMULA),
    ]


def test_a_header_must_have_each_needed_column_once() -> None:
    assert read() == ([], [(1, "id", Problem.NOT_A_TABLE)])
    assert read(["id", "name", "colour", "Name"]) == (
        [],
        [
            (1, "colour", Problem.UNKNOWN_COLUMN),
            (1, "name", Problem.DUPLICATE),
            (1, "price", Problem.MISSING_COLUMN),
        ],
    )


def test_errors_beyond_the_limit_are_counted_only() -> None:
    errors = Errors()
    lines: list[list[Cell]] = [[f"p{n}", "a", "x"] for n in range(ERRORS_MAX + 50)]
    read_table(COLUMNS, ("id",), [HEADER, *lines], errors)
    assert (len(errors.listed), errors.count) == (ERRORS_MAX, ERRORS_MAX + 50)


def test_times_are_those_of_china() -> None:
    assert moment("2026-12-01 08:00") == moment("2026-12-01T00:00+00:00") == 1_796_083_200_000
    assert moment(datetime(2026, 12, 1, 8)) == 1_796_083_200_000  # noqa: DTZ001  # as a workbook has it
    assert moment_text(1_796_083_200_000) == "2026-12-01 08:00"
    for cell in ("tomorrow", "1999-01-01", "=NOW()", 45_000.5):
        with pytest.raises(BadCell):
            moment(cell)


def test_choices_are_read_in_any_case() -> None:
    assert choice("city", "estate")(" City ") == "city"
    with pytest.raises(BadCell):
        choice("city")("town")


def test_several_choices_are_read_by_any_of_their_names() -> None:
    read = several({"milk": "milk", "乳": "milk", "tree nuts": "nuts", "nuts": "nuts"})
    assert read("nuts、乳; Milk") == "milk nuts"
    assert read("Tree nuts") == "nuts"
    with pytest.raises(BadCell):
        read("milk, gold")


def test_negative_numbers_are_read_as_they_are_written() -> None:
    assert whole(-60, 60)(escaped("-18")) == -18


@given(st.integers(1, 100_000))
def test_prices_are_read_as_they_are_written(fen: int) -> None:
    assert yuan(100_000)(yuan_text(fen)) == fen
    assert yuan(100_000)(float(yuan_text(fen))) == fen


@given(st.text(st.characters(codec="utf-8", categories=["L", "N", "P", "S"]), min_size=1))
def test_text_is_read_as_it_is_written_and_never_a_formula(text: str) -> None:
    assert not escaped(text).startswith(("=", "+", "-", "@"))
    assert words(10_000)(escaped(text)) == text


@given(st.integers(0, 4_000_000_000_000).filter(lambda ms: 946_684_800_000 < ms))
def test_times_are_read_as_they_are_written(time_ms: int) -> None:
    assert moment(moment_text(time_ms)) == time_ms
