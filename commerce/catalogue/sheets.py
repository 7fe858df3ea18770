"""Lists as tables of cells: what a column may hold, and which cells of a file cannot be read.

Rows are numbered as a spreadsheet numbers them: the header is row 1. Prices are yuan in the file
and fen inside; times are those of China (UTC+8) in the file and UTC milliseconds inside.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from typing import TypeAlias

from commerce.catalogue.values import Text

ROWS_MAX = 20_000  # of one file
ERRORS_MAX = 200  # that are listed; the others are counted
VALUE_CHARS = 40  # of a cell that an error shows
CHINA = timezone(timedelta(hours=8))
TIME_FORMAT = "%Y-%m-%d %H:%M"
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
_SEPARATORS = re.compile(r"[,;，；、\s/]+")
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:-]{0,63}")

Cell: TypeAlias = str | float | int | bool | datetime | date | None


class Problem(StrEnum):
    """Why a cell cannot be read."""

    DUPLICATE = "duplicate"  # an earlier row has the same key
    FORMULA = "formula"
    MERGED = "merged"
    MISSING = "missing"
    MISSING_COLUMN = "missing-column"
    NOT_A_CHOICE = "not-a-choice"
    NOT_A_NUMBER = "not-a-number"
    NOT_A_TABLE = "not-a-table"
    NOT_A_TIME = "not-a-time"
    NOT_AN_ID = "not-an-id"
    NOT_UTF_8 = "not-utf-8"
    OUT_OF_RANGE = "out-of-range"
    STALE = "stale"  # it was changed since the file was exported
    TOO_LONG = "too-long"
    TOO_MANY_ROWS = "too-many-rows"
    UNKNOWN = "unknown"  # it names something that does not exist
    UNKNOWN_COLUMN = "unknown-column"
    INCONSISTENT = "inconsistent"  # it does not fit another cell of its row


@dataclass(frozen=True, slots=True)
class CellError:
    """One cell that cannot be taken; `column` is the column's key, or what its header says."""

    row: int
    column: str
    problem: Problem
    value: str = ""


class BadCell(ValueError):
    """A cell that its column cannot read."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem)
        self.problem = problem


@dataclass(frozen=True, slots=True)
class Column:
    """A column: `read` gets a cell that is not empty; an empty one is `default`, or an error."""

    key: str
    title: Text
    read: Callable[[Cell], object]
    required: bool = True
    default: object = None


@dataclass(slots=True)
class Errors:
    """Errors in the order of the file, at most `ERRORS_MAX` of them, and how many there are."""

    listed: list[CellError] = field(default_factory=list)
    count: int = 0

    def add(self, row: int, column: str, problem: Problem, value: object = "") -> None:
        """Note one."""
        self.count += 1
        if len(self.listed) < ERRORS_MAX:
            shown = _shown(value)
            self.listed.append(CellError(row, column, problem, shown))


@dataclass(frozen=True, slots=True)
class Row:
    """What a row of the file says, by column key; columns that the file lacks are not there."""

    number: int
    values: dict[str, object]


def read_table(
    columns: Sequence[Column], key: Sequence[str], lines: Iterable[Sequence[Cell]], errors: Errors
) -> list[Row]:
    """Return the rows of a file whose first line is its header; `key` names each row."""
    found: list[Row] = []
    header: list[Column | None] | None = None
    seen: dict[tuple[object, ...], int] = {}
    for number, line in enumerate(lines, start=1):
        if header is None:
            header = _header(columns, line, errors)
            if errors.count:
                return []
            continue
        if all(_is_empty(cell) for cell in line):
            continue
        if len(found) >= ROWS_MAX:
            errors.add(number, columns[0].key, Problem.TOO_MANY_ROWS)
            return found
        values = _values(header, line, number, errors)
        own = tuple(values.get(name) for name in key)
        if own in seen and None not in own[:1]:
            errors.add(number, key[0], Problem.DUPLICATE, own[0])
        seen.setdefault(own, number)
        found.append(Row(number, values))
    if header is None and not errors.count:
        errors.add(1, columns[0].key, Problem.NOT_A_TABLE)
    return found


def _header(columns: Sequence[Column], line: Sequence[Cell], errors: Errors) -> list[Column | None]:
    named = {column.key: column for column in columns}
    for known in columns:
        named |= {known.title.zh: known, known.title.en.lower(): known}
    found: list[Column | None] = []
    for cell in line:
        name = str(cell or "").strip()
        column: Column | None = named.get(name) or named.get(name.lower())
        if name and column is None:
            errors.add(1, _shown(name), Problem.UNKNOWN_COLUMN, name)
        elif column is not None and column in found:
            errors.add(1, column.key, Problem.DUPLICATE, name)
        found.append(column)
    for known in columns:
        if known.required and known not in found:
            errors.add(1, known.key, Problem.MISSING_COLUMN)
    return found


def _values(
    header: Sequence[Column | None], line: Sequence[Cell], number: int, errors: Errors
) -> dict[str, object]:
    values: dict[str, object] = {}
    for at, column in enumerate(header):
        cell = line[at] if at < len(line) else None
        if column is None:
            continue
        if _is_empty(cell):
            if column.required:
                errors.add(number, column.key, Problem.MISSING)
            values[column.key] = column.default
            continue
        try:
            if isinstance(cell, str) and not cell.isascii() and _is_broken(cell):
                raise BadCell(Problem.NOT_UTF_8)
            values[column.key] = column.read(cell)
        except BadCell as error:
            errors.add(number, column.key, error.problem, cell)
    return values


def escaped(text: str) -> str:
    """Return text that no spreadsheet takes for a formula (OWASP, CSV injection)."""
    return f"'{text}" if text.startswith((*_FORMULA, "'")) else text


def words(chars_max: int) -> Callable[[Cell], object]:
    """A column of text in one line."""

    def read(cell: Cell) -> object:
        text = _text(cell)
        if text.startswith("'"):
            text = text[1:]
        elif text.startswith(_FORMULA):
            raise BadCell(Problem.FORMULA)
        if len(text) > chars_max or any(ord(char) < 32 or ord(char) == 127 for char in text):
            raise BadCell(Problem.TOO_LONG)
        return text

    return read


def identifier(cell: Cell) -> object:
    """A column of ids."""
    text = _text(cell)
    if text.startswith(_FORMULA):
        raise BadCell(Problem.FORMULA)
    if not _ID.fullmatch(text):
        raise BadCell(Problem.NOT_AN_ID)
    return text


def choice(*values: str) -> Callable[[Cell], object]:
    """A column of one of these words."""

    def read(cell: Cell) -> object:
        text = _text(cell).lower()
        if text.startswith(_FORMULA):
            raise BadCell(Problem.FORMULA)
        if text not in values:
            raise BadCell(Problem.NOT_A_CHOICE)
        return text

    return read


def several(names: Mapping[str, str]) -> Callable[[Cell], object]:
    """A column of some of these words, of any of their `names`; gives them after spaces."""
    values = list(dict.fromkeys(names.values()))

    def read(cell: Cell) -> object:
        text = _text(cell).lower()
        if text.startswith(_FORMULA):
            raise BadCell(Problem.FORMULA)
        if text in names:
            return names[text]
        found = [names.get(part) for part in _SEPARATORS.split(text) if part]
        if None in found:
            raise BadCell(Problem.NOT_A_CHOICE)
        return " ".join(value for value in values if value in found)

    return read


def yes_or_no(cell: Cell) -> object:
    """A column of yes and no, 是 and 否, 1 and 0, true and false."""
    if isinstance(cell, bool):
        return cell
    text = _text(cell).lower()
    if text in ("yes", "true", "1", "是", "y"):
        return True
    if text in ("no", "false", "0", "否", "n"):
        return False
    raise BadCell(Problem.FORMULA if text.startswith(_FORMULA) else Problem.NOT_A_CHOICE)


def whole(least: int, most: int) -> Callable[[Cell], object]:
    """A column of whole numbers."""

    def read(cell: Cell) -> object:
        number = _number(cell)
        if number != int(number) or not least <= number <= most:
            raise BadCell(Problem.OUT_OF_RANGE)
        return int(number)

    return read


def yuan(most_fen: int, least_fen: int = 1) -> Callable[[Cell], object]:
    """A column of prices in yuan; gives fen."""

    def read(cell: Cell) -> object:
        fen = _number(cell) * 100
        if fen != int(fen) or not least_fen <= fen <= most_fen:
            raise BadCell(Problem.OUT_OF_RANGE)
        return int(fen)

    return read


def moment(cell: Cell) -> object:
    """A column of times such as 2026-12-01 18:00, of China; gives UTC milliseconds."""
    if isinstance(cell, datetime):
        found = cell
    elif isinstance(cell, date):
        found = datetime(cell.year, cell.month, cell.day)  # noqa: DTZ001  # China's, see below
    else:
        text = _text(cell)
        if text.startswith(_FORMULA):
            raise BadCell(Problem.FORMULA)
        try:
            found = datetime.fromisoformat(text)
        except ValueError:
            raise BadCell(Problem.NOT_A_TIME) from None
    if not 2000 <= found.year < 2200:
        raise BadCell(Problem.OUT_OF_RANGE)
    return round(found.replace(tzinfo=found.tzinfo or CHINA).timestamp() * 1_000)


def yuan_text(fen: int | None) -> str:
    """How a price is written in a file."""
    return "" if fen is None else f"{fen // 100}.{fen % 100:02}"


def moment_text(time_ms: int | None) -> str:
    """How a time is written in a file: of China; 0 and None are empty."""
    if not time_ms:
        return ""
    moment = datetime.fromtimestamp(time_ms / 1_000, UTC).astimezone(CHINA)
    return moment.strftime(TIME_FORMAT if not time_ms % 60_000 else "%Y-%m-%d %H:%M:%S.%f")


def _number(cell: Cell) -> Decimal:
    if isinstance(cell, bool) or isinstance(cell, date):
        raise BadCell(Problem.NOT_A_NUMBER)
    text = repr(cell) if isinstance(cell, float) else _text(cell).removeprefix("'")
    if text.startswith(("=", "@")):
        raise BadCell(Problem.FORMULA)
    try:
        number = Decimal(text.removeprefix("¥").removeprefix("￥"))
    except InvalidOperation:
        raise BadCell(Problem.NOT_A_NUMBER) from None
    if not number.is_finite() or abs(number) > 10**12:
        raise BadCell(Problem.OUT_OF_RANGE)
    return number


def _text(cell: Cell) -> str:
    if isinstance(cell, float) and cell == int(cell):
        return str(int(cell))
    return str(cell).strip()


def _is_empty(cell: Cell) -> bool:
    return cell is None or (isinstance(cell, str) and not cell.strip())


def _is_broken(text: str) -> bool:
    """Whether it has octets that are not UTF-8 (they were read as lone surrogates)."""
    return any("\ud800" <= char <= "\udfff" for char in text)


def _shown(value: object) -> str:
    text = "".join(char if char.isprintable() else "\ufffd" for char in str(value))
    return text if len(text) <= VALUE_CHARS else text[: VALUE_CHARS - 1] + "…"
