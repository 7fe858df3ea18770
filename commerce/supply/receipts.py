"""What a till's receipts mean for stock, in whatever order and however often they arrive.

A line is known by (till, receipt number, line). A void takes back all lines of its receipt, those
that arrive after it, too. So the units that have moved in the end are those of all distinct lines
of receipts that are not voided.
"""

import hashlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

LINES_MAX = 500  # of all receipts that are sent together


class LineKind(StrEnum):
    """What a line does: a return goes back on the shelf, or is destroyed."""

    SALE = "sale"
    RETURN = "return"
    RETURN_DESTROYED = "return_destroyed"


class LineStatus(StrEnum):
    """What became of a line that was sent."""

    BOOKED = "booked"
    KNOWN = "known"  # it was booked before
    VOIDED = "voided"  # its receipt is void
    CONFLICT = "conflict"  # another line is booked under its number
    UNKNOWN_PRODUCT = "unknown_product"  # kept, but no stock moves


@dataclass(frozen=True, slots=True)
class ReceiptLine:
    """One line of a receipt. `at_ms` is the till's clock; an unknown product has an empty id.

    `item` is what the till sent in place of a product: a barcode, or the product's id. A set has
    the parts of its `recipe_version`, an item 0; lines without `payment` are not in the books.
    """

    number: str
    line: int
    kind: LineKind
    product_id: str
    units: int
    amount_fen: int
    at_ms: int
    item: str = ""
    payment: str = ""
    recipe_version: int = 0

    @property
    def key(self) -> tuple[str, int]:
        """What the till knows it by."""
        return self.number, self.line

    @property
    def body_hash(self) -> str:
        """Differs between lines that say different things."""
        parts = (self.kind, self.item, self.units, self.amount_fen, self.at_ms)
        material = "\x00".join(str(part) for part in parts).encode()
        return hashlib.blake2b(material, digest_size=8).hexdigest()

    @property
    def leaving(self) -> int:
        """By how many units the shelf has fewer; negative when they come back."""
        if not self.product_id or self.kind is LineKind.RETURN_DESTROYED:
            return 0
        return self.units if self.kind is LineKind.SALE else -self.units


@dataclass(slots=True)
class Known:
    """What is booked of some receipts of a till."""

    lines: dict[tuple[str, int], ReceiptLine] = field(default_factory=dict)
    hashes: dict[tuple[str, int], str] = field(default_factory=dict)
    voids: set[str] = field(default_factory=set)


@dataclass(slots=True)
class Booking:
    """What to write: new lines and voids; which lines move stock now, and which take it back."""

    lines: list[ReceiptLine] = field(default_factory=list)
    voids: list[str] = field(default_factory=list)
    moved: list[ReceiptLine] = field(default_factory=list)
    reversed: list[ReceiptLine] = field(default_factory=list)
    statuses: list[LineStatus] = field(default_factory=list)

    def leaving(self) -> Mapping[str, int]:
        """By how many units the shelf has fewer in sum, by product."""
        sums: dict[str, int] = {}
        for sign, lines in ((1, self.moved), (-1, self.reversed)):
            for line in lines:
                sums[line.product_id] = sums.get(line.product_id, 0) + sign * line.leaving
        return sums


def book(known: Known, lines: Sequence[ReceiptLine], voids: Collection[str]) -> Booking:
    """Decide what was sent together; `statuses` are those of `lines`, in their order."""
    result = Booking(voids=[number for number in dict.fromkeys(voids) if number not in known.voids])
    result.reversed = [
        line
        for line in known.lines.values()
        if line.number in set(result.voids) and line.product_id
    ]
    void = known.voids | set(voids)
    hashes = dict(known.hashes)
    for line in lines:
        result.statuses.append(_book_line(line, hashes, void, result))
    return result


def _book_line(
    line: ReceiptLine, hashes: dict[tuple[str, int], str], void: set[str], result: Booking
) -> LineStatus:
    booked = hashes.get(line.key)
    if booked is not None and booked != line.body_hash:
        return LineStatus.CONFLICT
    if booked is None:
        hashes[line.key] = line.body_hash
        result.lines.append(line)
    if line.number in void:
        return LineStatus.VOIDED
    if booked is not None:
        return LineStatus.KNOWN
    if not line.product_id:
        return LineStatus.UNKNOWN_PRODUCT
    result.moved.append(line)
    return LineStatus.BOOKED
