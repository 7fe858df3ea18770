"""The calls of readmit.lua and end_hold.lua: keys and arguments, and what the first answers."""

from typing import Any

from commerce.errors import Refusal
from commerce.io.gate.keys import GateKeys
from commerce.orders.gate import HOLD_MS, IDEMPOTENCY_MS, LIMIT_WINDOW_MS
from commerce.orders.late import LateOrder
from commerce.orders.lines import encode_units
from commerce.orders.order import OrderRow
from commerce.orders.tap import Decision, Status

SEATS_KEPT_MS = 24 * 3_600 * 1_000  # seats outlive their group, so that replays find them

_LIMITS = f"{HOLD_MS}|{LIMIT_WINDOW_MS}|{SEATS_KEPT_MS}|{IDEMPOTENCY_MS}"


def readmit_arguments(keys: GateKeys, late: LateOrder, at_ms: int) -> list[Any]:
    """Return the keys and arguments of readmit.lua."""
    names = [
        keys.epoch,
        keys.group(late.group_id),
        keys.seats(late.group_id),
        keys.available,
        keys.held,
        keys.holds,
        keys.hold,
        keys.coupon(late.coupon_id),
        *[keys.bought(late.household_id, product_id) for product_id, _, _ in late.counted],
    ]
    order = (late.order_id, late.household_id, late.group_id, late.store_id, late.slots)
    first = late.counted[0][:2]
    limits = [number for _, units, limit in late.counted for number in (units, limit)]
    taken = encode_units(late.needs), encode_units(late.quotas), late.coupon_id
    return [len(names), *names, at_ms, _LIMITS, *order, *taken, *first, *limits]


def read_decision(reply: list[bytes]) -> Decision:
    """Return what readmit.lua answered."""
    status = Status(reply[0].decode())
    match status:
        case Status.ADMITTED:
            return Decision(status, slot=reply[1].decode())
        case Status.REFUSED:
            return Decision(status, Refusal(reply[1].decode()))
        case _:
            return Decision(status)


def end_hold_arguments(keys: GateKeys, order: OrderRow, *, sold: bool) -> list[Any]:
    """Return the keys and arguments of end_hold.lua."""
    names = [
        keys.available,
        keys.held,
        keys.holds,
        keys.hold,
        keys.seats(order.group_id),
        *[keys.bought(order.household, product_id) for product_id, _ in order.counted],
    ]
    units = [units for _, units in order.counted]
    return [len(names), *names, order.id, order.household, int(sold), *units]
