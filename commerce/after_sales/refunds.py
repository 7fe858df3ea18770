"""Refunds by line and part: what of an order goes back, and by which calls of the provider.

An order is paid once and paid back in pieces. A piece belongs to a line and one of its parts; an
item is its own only part. Lines and parts are numbered from 0. Amounts are integer fen.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from commerce.catalogue.sets import split
from commerce.errors import RefundTooLarge
from commerce.orders.lines import OrderLine
from commerce.orders.order import OrderRow

WHOLE = -1  # line and part of a refund that is of the order as such

PartKey = tuple[int, int]  # line, part


@dataclass(frozen=True, slots=True)
class PartRefund:
    """Give `amount_fen` of a part back.

    `reason` is why, `source` names what asked for it, such as a claim; of one part, reason and
    source there is one refund, however often it is requested.
    """

    order_id: str
    line: int
    part: int
    reason: str
    source: str
    amount_fen: int

    @property
    def key(self) -> PartKey:
        """The part that it is of."""
        return self.line, self.part


@dataclass(frozen=True, slots=True)
class PaidPart:
    """A part of a line as it was paid: units of an item, and what all of them cost together."""

    line: int
    part: int
    item_id: str
    units: int
    amount_fen: int

    @property
    def key(self) -> PartKey:
        """Line and part."""
        return self.line, self.part


def paid_parts(order: OrderRow) -> tuple[PaidPart, ...]:
    """Return the parts of all lines; their amounts sum to the order's total."""
    return tuple(
        part for number, line in enumerate(order.all_lines) for part in line_parts(number, line)
    )


def line_parts(number: int, line: OrderLine) -> tuple[PaidPart, ...]:
    """Return the parts of one line."""
    if not line.parts:
        return (PaidPart(number, 0, line.product_id, line.units, line.total_fen),)
    return tuple(
        PaidPart(number, place, part.item_id, part.units, part.share_fen)
        for place, part in enumerate(line.parts)
    )


def refunded_by_part(earlier: Iterable[PartRefund]) -> dict[PartKey, int]:
    """Return what was given back of each part."""
    sums: dict[PartKey, int] = {}
    for refund in earlier:
        sums[refund.key] = sums.get(refund.key, 0) + refund.amount_fen
    return sums


def refunded_by_line(by_part: Mapping[PartKey, int]) -> dict[int, int]:
    """Return what was given back of each line."""
    sums: dict[int, int] = {}
    for (line, _), fen in by_part.items():
        sums[line] = sums.get(line, 0) + fen
    return sums


def discount_of_rest(order: OrderRow, refunded: Mapping[int, int]) -> int:
    """Return what came off the goods that are left; `refunded` is what was given back by line."""
    return sum(
        line.discount_fen - line.discount_fen * refunded.get(number, 0) // max(1, line.total_fen)
        for number, line in enumerate(order.all_lines)
    )


def refund_of_rest(
    order: OrderRow, reason: str, source: str, earlier: Mapping[PartKey, int]
) -> list[PartRefund]:
    """Give back all that is left of an order; `earlier` is what was given back by part."""
    if not order.paid_fen or WHOLE in {line for line, _ in earlier}:
        return []
    return [
        PartRefund(order.id, part.line, part.part, reason, source, left)
        for part in paid_parts(order)
        if (left := part.amount_fen - earlier.get(part.key, 0)) > 0
    ]


def refund_of_units(
    order: OrderRow,
    key: PartKey,
    units: int,
    reason: str,
    source: str,
    earlier: Mapping[PartKey, int],
) -> list[PartRefund]:
    """Give back what `units` of a part cost, or what is left of it; nothing if nothing is left.

    The price of a part is divided over its units by the largest remainder.

    Raises:
        RefundTooLarge: There is no such part, or it has fewer units.
    """
    part = next((part for part in paid_parts(order) if part.key == key), None)
    if part is None or not 0 < units <= part.units:
        raise RefundTooLarge(0 if part is None else part.units)
    wanted = sum(split(part.amount_fen, [1] * part.units)[:units])
    amount_fen = min(wanted, part.amount_fen - earlier.get(key, 0))
    if amount_fen <= 0:
        return []
    return [PartRefund(order.id, *key, reason, source, amount_fen)]


def refund_of_amount(
    order: OrderRow,
    line: int,
    amount_fen: int,
    reason: str,
    source: str,
    earlier: Mapping[PartKey, int],
) -> list[PartRefund]:
    """Give an amount of a line back, spread over its parts as what is left of them.

    Raises:
        RefundTooLarge: Less is left of the line.
    """
    parts = [part for part in paid_parts(order) if part.line == line]
    left = [part.amount_fen - earlier.get(part.key, 0) for part in parts]
    if not 0 < amount_fen <= sum(left):
        raise RefundTooLarge(sum(left))
    return [
        PartRefund(order.id, part.line, part.part, reason, source, share)
        for part, share in zip(parts, split(amount_fen, left), strict=True)
        if share
    ]
