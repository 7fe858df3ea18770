"""Files that cost more to read than they seem to, and files in other encodings."""

import io
import zipfile
from collections.abc import Mapping

import pytest
from xlsxwriter import Workbook

from commerce.catalogue.sheets import ROWS_MAX, Cell, Errors
from commerce.io.shop.lists.files import COLUMNS_MAX, read_lines

MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
SHEET = "xl/worksheets/sheet1.xml"
RELATIONS = "xl/_rels/workbook.xml.rels"


def read(data: bytes) -> tuple[list[list[Cell]], list[tuple[int, str, str]]]:
    """The lines of a file, and what is wrong with it."""
    errors = Errors()
    lines = [list(line) for line in read_lines(data, errors)]
    return lines, [(one.row, one.column, str(one.problem)) for one in errors.listed]


def workbook(rows: str, parts: Mapping[str, str] | None = None) -> bytes:
    """A workbook with this XML for rows, and other parts beside or instead of its own."""
    written, made = io.BytesIO(), io.BytesIO()
    book = Workbook(written)
    book.add_worksheet()
    book.close()
    sheet = f'<worksheet xmlns="{MAIN}"><sheetData>{rows}</sheetData></worksheet>'
    changed = {SHEET: sheet} | dict(parts or {})
    with zipfile.ZipFile(written) as old, zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            if name not in changed:
                new.writestr(name, old.read(name))
        for name, text in changed.items():
            new.writestr(name, text)
    return made.getvalue()


def cell(reference: str = "", content: str = "<v>1</v>") -> str:
    """The XML of a cell."""
    return f"<c{reference and f' r={chr(34)}{reference}{chr(34)}'}>{content}</c>"


FAR = f"<row>{cell('A1')}</row><row>{cell('XFD20000')}</row>"


@pytest.mark.parametrize(
    ("rows", "problem"),
    [
        (FAR, (20_000, "XFD", "not-a-table")),
        (f"<row>{cell('a1')}</row><row>{cell('xfd1048576')}</row>", (1, "A", "not-a-table")),
        (f"<row>{cell() * (COLUMNS_MAX + 1)}</row>", (1, "BI", "not-a-table")),
        (f"<row>{cell('A1048576')}</row>", (ROWS_MAX + 2, "A", "too-many-rows")),
        (f'<row r="1048576">{cell()}</row>', (ROWS_MAX + 2, "A", "too-many-rows")),
        (f"<row>{cell('B1', '<f>1+1</f><v>2</v>')}</row>", (1, "B", "formula")),
    ],
)
def test_a_few_cells_far_apart_are_no_table(rows: str, problem: tuple[int, str, str]) -> None:
    assert read(workbook(rows)) == ([], [problem])


def test_a_sheet_is_scanned_wherever_it_lies() -> None:
    far = f'<worksheet xmlns="{MAIN}"><sheetData>{FAR}</sheetData></worksheet>'
    with zipfile.ZipFile(io.BytesIO(workbook(""))) as archive:
        relations = archive.read(RELATIONS).decode()
    elsewhere = {
        RELATIONS: relations.replace("worksheets/sheet1.xml", "far.xml"),
        "xl/Far.xml": far,
    }
    assert read(workbook("", elsewhere)) == ([], [(20_000, "XFD", "not-a-table")])


@pytest.mark.parametrize(
    "parts",
    [
        {"XL/worksheets/SHEET1.xml": "<worksheet/>"},
        {"content.xml": "<office/>"},
        {RELATIONS: "<Relationships>"},
        {RELATIONS: "<!DOCTYPE x><Relationships/>"},
    ],
)
def test_a_workbook_that_is_also_something_else_is_refused(parts: dict[str, str]) -> None:
    assert read(workbook(f"<row>{cell()}</row>", parts)) == ([], [(1, "A", "not-a-table")])


def test_formats_of_empty_cells_do_not_widen_a_table() -> None:
    styled = cell("XFD1", "")
    assert read(workbook(f"<row>{cell('A1')}{styled}</row>")) == ([[1.0]], [])


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be"])
def test_utf_16_is_named_with_and_without_its_mark(encoding: str) -> None:
    lines, problems = read("id,name\ntea,茶\n".encode(encoding))
    assert (lines, problems) == ([], [(1, "A", "not-utf-8")])


def test_a_million_rows_that_end_with_carriage_returns_are_left_early() -> None:
    lines, _ = read(b"a,b\r" * 10**6)
    assert len(lines) == ROWS_MAX + 2
