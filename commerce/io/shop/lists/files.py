"""XLSX and CSV files as lines of cells, and back, with bounded memory.

What a file costs is known before it is parsed: a workbook is scanned first, which finds formulas
and merged cells, too, and ends at `ROWS_MAX` rows or `SHEET_BYTES_MAX` inflated octets.
"""

import csv
import io
import re
import tempfile
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, Protocol
from xml.parsers import expat

from commerce.catalogue.sheets import ROWS_MAX, Cell, Errors, Problem, escaped

FILE_BYTES_MAX = 8 * 1024 * 1024
SHEET_BYTES_MAX = 64 * 1024 * 1024  # of one part of a workbook, inflated
CELL_CHARS_MAX = 2_000
COLUMNS_MAX = 60
CHUNK_BYTES = 65_536
_UTF_16 = (b"\xff\xfe", b"\xfe\xff")
_NUMBER = re.compile(r"(0|[1-9][0-9]{0,11})(\.[0-9]{1,2})?")
_RELATIONS = "xl/_rels/workbook.xml.rels"
_OTHER_FORMATS = frozenset({"mimetype", "content.xml", "xl/workbook.bin"})
_SHEET = re.compile(r"xl/worksheets/[^/]+\.xml")
_REFERENCE = re.compile(r"([A-Z]{1,3})([0-9]{1,7})")


def read_lines(data: bytes, errors: Errors) -> Iterator[Sequence[Cell]]:
    """Return the lines of a file, the first sheet of a workbook; what is wrong goes to `errors`."""
    if data[:4] == b"PK\x03\x04":
        return _workbook_lines(data, errors)
    if data[:2] in _UTF_16:
        errors.add(1, "A", Problem.NOT_UTF_8)
        return iter(())
    # A cell may not hold a line feed, so these are rows.
    if data.count(b"\n") > ROWS_MAX + 1:
        errors.add(ROWS_MAX + 2, "A", Problem.TOO_MANY_ROWS)
        return iter(())
    return _text_lines(data, errors)


def _text_lines(data: bytes, errors: Errors) -> Iterator[Sequence[Cell]]:
    text = data.removeprefix(b"\xef\xbb\xbf").decode("utf-8", "surrogateescape")
    lines = csv.reader(io.StringIO(text, newline=""), strict=True)
    for number in range(1, ROWS_MAX + 3):  # the header, and one that is too many
        try:
            line = next(lines)
        except StopIteration:
            return
        except csv.Error:
            errors.add(number, "A", Problem.NOT_A_TABLE)
            return
        if "\0" in "".join(line):
            errors.add(number, "A", Problem.NOT_UTF_8)
            return
        if len(line) > COLUMNS_MAX or any(len(cell) > CELL_CHARS_MAX for cell in line):
            errors.add(number, "A", Problem.NOT_A_TABLE)
            return
        yield line


def _workbook_lines(data: bytes, errors: Errors) -> Iterator[Sequence[Cell]]:
    # It is imported by those alone who import workbooks.
    from python_calamine import CalamineError, CalamineWorkbook

    before = errors.count
    try:
        _scan(data, errors)
        if errors.count > before:
            return
        book = CalamineWorkbook.from_filelike(io.BytesIO(data))
        for row in book.get_sheet_by_index(0).iter_rows():
            cells: list[Any] = row[:COLUMNS_MAX]
            yield [None if cell == "" else cell for cell in cells]
    except (
        CalamineError,
        zipfile.BadZipFile,
        expat.ExpatError,
        _Unreadable,
        NotImplementedError,  # a compression that is not known
        RuntimeError,  # it is encrypted
        EOFError,
        OSError,
        ValueError,
    ):
        errors.add(1, "A", Problem.NOT_A_TABLE)


class _Unreadable(Exception):
    """A workbook that is not parsed any further."""


def _scan(data: bytes, errors: Errors) -> None:
    """Note formulas, merged cells, and too many rows or columns of all sheets."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        names = archive.namelist()
        sheets = _sheets(archive, names)
        for name in names:
            scan = _SheetScan(errors) if name in sheets else None
            with archive.open(name) as part:
                inflated = 0
                while chunk := part.read(CHUNK_BYTES):
                    inflated += len(chunk)
                    if inflated > SHEET_BYTES_MAX:
                        errors.add(1, "A", Problem.TOO_MANY_ROWS)
                        return
                    if scan and not scan.feed(chunk):
                        return


def _sheets(archive: zipfile.ZipFile, names: Sequence[str]) -> set[str]:
    """Names of all parts that the workbook may name as a sheet: each of them is scanned.

    The reader of workbooks takes names in any case, and takes other formats in a ZIP file, too.

    Raises:
        _Unreadable: It is another kind of file, or says two things at once.
    """
    by_name = {name.lower(): name for name in names}
    if len(by_name) < len(names) or by_name.keys() & _OTHER_FORMATS:
        raise _Unreadable
    if _RELATIONS not in by_name:
        raise _Unreadable
    info = archive.getinfo(by_name[_RELATIONS])
    if info.file_size > CHUNK_BYTES:
        raise _Unreadable
    targets: list[str] = []
    parser = expat.ParserCreate()

    def start(tag: str, attributes: dict[str, str]) -> None:
        targets.append(attributes.get("Target", ""))

    parser.StartElementHandler = start
    parser.StartDoctypeDeclHandler = _refuse
    parser.Parse(archive.read(info)[: CHUNK_BYTES + 1], True)
    paths = [each.removeprefix("/").lower() for each in targets]
    found = {by_name.get(path if path.startswith("xl/") else f"xl/{path}") for path in paths}
    found |= {name for name in names if _SHEET.fullmatch(name.lower())}
    return {name for name in found if name is not None}


def _refuse(*_: object) -> None:
    raise _Unreadable


class _SheetScan:
    """Reads the XML of a sheet for what its values do not say.

    What a sheet costs to read is its last row times its last column, however few cells it has.
    """

    def __init__(self, errors: Errors) -> None:
        self._errors = errors
        self._row, self._column, self._letters = 0, 0, "A"
        self._in_data = False
        self._ended = False
        self._parser = expat.ParserCreate()
        self._parser.StartElementHandler = self._start
        self._parser.StartDoctypeDeclHandler = _refuse

    def feed(self, chunk: bytes) -> bool:
        """Read on; False if it is enough."""
        self._parser.Parse(chunk, False)
        return not self._ended

    def _start(self, tag: str, attributes: dict[str, str]) -> None:
        name = tag.rpartition(":")[2]
        if name == "mergeCell":
            found = _REFERENCE.match(attributes.get("ref", ""))
            row, column = (int(found[2]), found[1]) if found else (self._row, self._letters)
            self._errors.add(row, column, Problem.MERGED, attributes.get("ref", ""))
        elif name == "sheetData":
            self._in_data = True
        elif self._in_data and not self._ended:
            self._read(name, attributes)

    def _read(self, name: str, attributes: dict[str, str]) -> None:
        if name == "row":
            number = attributes.get("r", "")
            self._row = int(number) if number.isdecimal() else self._row + 1
            self._column = 0
            if self._row > ROWS_MAX + 1:
                self._end(ROWS_MAX + 2, "A", Problem.TOO_MANY_ROWS)
        elif name == "c":
            self._move(attributes.get("r"))
        elif name in ("v", "is", "f") and self._column > COLUMNS_MAX:
            self._end(self._row, self._letters, Problem.NOT_A_TABLE)
        elif name == "f":
            self._errors.add(self._row, self._letters, Problem.FORMULA)

    def _move(self, reference: str | None) -> None:
        if reference is None:
            self._column += 1
            self._letters = _letters(self._column)
            return
        found = _REFERENCE.fullmatch(reference)
        if found is None:
            raise _Unreadable
        self._row, self._letters = int(found[2]), found[1]
        self._column = _column(found[1])
        if self._row > ROWS_MAX + 1:
            self._end(ROWS_MAX + 2, "A", Problem.TOO_MANY_ROWS)

    def _end(self, row: int, column: str, problem: Problem) -> None:
        if not self._ended:
            self._errors.add(row, column, problem)
        self._ended = True


def _column(letters: str) -> int:
    """Return the number of a column: 1 for A, 27 for AA."""
    number = 0
    for letter in letters:
        number = number * 26 + ord(letter) - ord("A") + 1
    return number


def _letters(column: int) -> str:
    letters = ""
    while column:
        column, rest = divmod(column - 1, 26)
        letters = chr(ord("A") + rest) + letters
    return letters


class FileWriter(Protocol):
    """Writes a file line by line."""

    def add(self, lines: Iterable[Sequence[str]]) -> bytes:
        """Write lines; return what can be sent already."""
        ...

    def finish(self) -> Iterator[bytes]:
        """Return the rest of the file."""
        ...

    def close(self) -> None:
        """Delete what lies on disk."""
        ...


class CsvWriter:
    """CSV (RFC 4180), with the mark by which Excel knows UTF-8."""

    def __init__(self) -> None:
        self._mark = b"\xef\xbb\xbf"

    def add(self, lines: Iterable[Sequence[str]]) -> bytes:
        """Write lines."""
        text = io.StringIO(newline="")
        csv.writer(text).writerows([escaped(cell) for cell in line] for line in lines)
        mark, self._mark = self._mark, b""
        return mark + text.getvalue().encode()

    def finish(self) -> Iterator[bytes]:
        """Nothing is left."""
        return iter(())

    def close(self) -> None:
        """Nothing lies on disk."""


class XlsxWriter:
    """A workbook of texts and numbers, written row by row into a temporary folder."""

    def __init__(self, name: str) -> None:
        # It is imported by those alone who export workbooks.
        from xlsxwriter import Workbook

        self._folder = tempfile.TemporaryDirectory()
        self._path = Path(self._folder.name) / "list.xlsx"
        options = {"constant_memory": True, "tmpdir": self._folder.name}
        self._book = Workbook(str(self._path), options)
        self._sheet = self._book.add_worksheet(name)
        self._sheet.freeze_panes(1, 0)
        self._bold = self._book.add_format({"bold": True})
        self._rows = 0

    def add(self, lines: Iterable[Sequence[str]]) -> bytes:
        """Write lines; the first of all is bold."""
        for line in lines:
            style = None if self._rows else self._bold
            for at, cell in enumerate(line):
                if _NUMBER.fullmatch(cell):
                    self._sheet.write_number(self._rows, at, float(cell), style)
                else:
                    self._sheet.write_string(self._rows, at, escaped(cell), style)
            self._rows += 1
        return b""

    def finish(self) -> Iterator[bytes]:
        """Return the workbook."""
        self._book.close()
        with self._path.open("rb") as written:
            while chunk := written.read(CHUNK_BYTES):
                yield chunk

    def close(self) -> None:
        """Delete the folder."""
        self._folder.cleanup()
