"""When a group's price falls, what goes back of an order that was paid at a higher one.

A refund of this reason has its group as source: of one order there is one, however often it is
asked for. It takes off the group's line alone, spread over the parts of a set, and never more than
is left of that line.
"""

from collections.abc import Mapping

from commerce.after_sales.refunds import (
    WHOLE,
    PartKey,
    PartRefund,
    refund_of_amount,
    refunded_by_line,
)
from commerce.orders.order import OrderRow

REASON = "price-drop"
GROUP_LINE = 0  # an order that joins a group has its product in the first line


def refund_of_drop(
    order: OrderRow, price_fen: int, earlier: Mapping[PartKey, int]
) -> list[PartRefund]:
    """Return what goes back so that a unit has cost `price_fen` in the end.

    Args:
        order: A paid order of the group.
        price_fen: What a unit costs now.
        earlier: What was given back of the order, by part.
    """
    given = refunded_by_line(earlier)
    if not order.paid_fen or WHOLE in given:
        return []
    line = order.all_lines[GROUP_LINE]
    left_fen = line.total_fen - given.get(GROUP_LINE, 0)
    if left_fen <= 0 or line.price_fen <= price_fen:
        return []
    # What was given back before, such as a bad unit, is not discounted again.
    due_fen = line.units * (line.price_fen - price_fen) * left_fen // line.total_fen
    if due_fen < 1:
        return []
    return refund_of_amount(
        order, GROUP_LINE, min(due_fen, left_fen), REASON, order.group_id, earlier
    )
