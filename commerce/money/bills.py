"""A payment provider's bill of a day, and how it differs from our books.

The bill is CSV (RFC 4180) in UTF-8 with LF: `kind,order_id,n,amount_fen,fee_fen,at_ms`, sorted, so
that a bill made again is the same bit for bit. `kind` is `charge` or `refund`, `n` the number of a
refund, 0 of a charge.

BadBill     a bill that cannot be read; names the line
"""

import csv
import io
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from commerce.errors import CommerceError

HEADER = ("kind", "order_id", "n", "amount_fen", "fee_fen", "at_ms")
FEE_BP = 60  # of a charge, as WeChat Pay takes of groceries
LINES_MAX = 1_000_000
BILL_CHARS_MAX = 100_000_000
NEAR_MIDNIGHT_MS = 10 * 60 * 1_000  # both sides may have another day for what lies so near


class BadBill(CommerceError):
    """A bill that cannot be read; `line` counts from 1, with the header."""

    def __init__(self, line: int) -> None:
        super().__init__(line)
        self.line = line

    def __str__(self) -> str:
        return f"line {self.line} cannot be read"


class BillKind(StrEnum):
    """What a line of a bill is about."""

    CHARGE = "charge"
    REFUND = "refund"


@dataclass(frozen=True, slots=True, order=True)
class BillLine:
    """A charge or refund, as the provider or as our books have it."""

    kind: BillKind
    order_id: str
    n: int
    amount_fen: int
    fee_fen: int
    at_ms: int

    @property
    def key(self) -> tuple[BillKind, str, int]:
        """What both sides know it by."""
        return self.kind, self.order_id, self.n


class DifferenceKind(StrEnum):
    """How bill and books differ."""

    NOT_IN_BOOKS = "not_in_books"
    NOT_IN_BILL = "not_in_bill"
    AMOUNT = "amount"
    OTHER_DAY = "other_day"  # so near midnight that the other side may have another day


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing in which bill and books differ; an amount is 0 where there is none."""

    kind: DifferenceKind
    of: BillKind
    order_id: str
    n: int
    billed_fen: int
    booked_fen: int


def fee_of(amount_fen: int) -> int:
    """Return what the provider takes of a charge, rounded half up."""
    return (2 * amount_fen * FEE_BP + 10_000) // 20_000


def write_bill(lines: Iterable[BillLine]) -> str:
    """Return a bill as text."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(HEADER)
    for line in sorted(lines):
        writer.writerow(
            (line.kind, line.order_id, line.n, line.amount_fen, line.fee_fen, line.at_ms)
        )
    return out.getvalue()


def read_bill(text: str) -> list[BillLine]:
    """Return the lines of a bill.

    Raises:
        BadBill: It cannot be read.
    """
    if len(text) > BILL_CHARS_MAX:
        raise BadBill(1)
    rows = csv.reader(io.StringIO(text), strict=True)
    lines: list[BillLine] = []
    try:
        if tuple(next(rows, ())) != HEADER:
            raise BadBill(1)
        for row in rows:
            kind, order_id, *numbers = row
            n, amount_fen, fee_fen, at_ms = (_number(text) for text in numbers)
            lines.append(BillLine(BillKind(kind), order_id, n, amount_fen, fee_fen, at_ms))
            if len(lines) > LINES_MAX:
                raise BadBill(len(lines) + 1)
    except (csv.Error, ValueError):
        raise BadBill(len(lines) + 2) from None
    return lines


def _number(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) <= 15):
        raise ValueError(text)
    return int(text)


def differences(
    bill: Collection[BillLine], books: Collection[BillLine], begins_ms: int, ends_ms: int
) -> list[Difference]:
    """Return how a bill of a day differs from our books of it, sorted.

    Args:
        bill: What the provider has for the day.
        books: What we have for the day, or for an order that the bill names.
        begins_ms: The first moment of the day.
        ends_ms: The first moment after it.
    """
    billed, booked = _by_key(bill), _by_key(books)
    found = []
    for key in sorted(billed.keys() | booked.keys()):
        theirs, ours = billed.get(key), booked.get(key)
        kind = _difference(theirs, ours, begins_ms, ends_ms)
        if kind is not None:
            fen = tuple(side.amount_fen if side else 0 for side in (theirs, ours))
            found.append(Difference(kind, *key, *fen))
    return found


def _difference(
    theirs: BillLine | None, ours: BillLine | None, begins_ms: int, ends_ms: int
) -> DifferenceKind | None:
    if theirs and ours:
        return None if theirs.amount_fen == ours.amount_fen else DifferenceKind.AMOUNT
    side = theirs or ours
    assert side is not None
    if theirs is None and not begins_ms <= side.at_ms < ends_ms:
        return None  # of another day, and not in this bill
    if min(abs(side.at_ms - begins_ms), abs(ends_ms - side.at_ms)) <= NEAR_MIDNIGHT_MS:
        return DifferenceKind.OTHER_DAY
    return DifferenceKind.NOT_IN_BILL if theirs is None else DifferenceKind.NOT_IN_BOOKS


def _by_key(lines: Iterable[BillLine]) -> Mapping[tuple[BillKind, str, int], BillLine]:
    """One line per key; a charge that a bill has twice has the sum, and so differs."""
    found: dict[tuple[BillKind, str, int], BillLine] = {}
    for line in lines:
        known = found.get(line.key)
        amount_fen = line.amount_fen + (known.amount_fen if known else 0)
        found[line.key] = BillLine(*line.key, amount_fen, line.fee_fen, line.at_ms)
    return found
