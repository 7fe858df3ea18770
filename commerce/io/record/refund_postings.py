"""Refunds: requested by part, sent in calls, and booked as the provider answered (postings.py)."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from sqlalchemy import Connection, bindparam, select, update

from commerce.after_sales.price_drops import REASON as PRICE_DROP
from commerce.after_sales.refunds import PartKey, PartRefund, refund_of_rest
from commerce.catalogue.sets import split
from commerce.io.record.book_rows import (
    taxed_lines,
)
from commerce.io.record.commissions import claw_back
from commerce.io.record.order_lines import orders_of
from commerce.io.record.postings import Topic, enqueue, post_transfers
from commerce.io.record.refund_rows import (
    calls_of,
    finish_refunds,
    insert_refunds,
    make_call,
    move_calls,
    refund_turns,
    taken_back,
)
from commerce.io.record.schema import (
    orders,
)
from commerce.money.accounts import Account, account, kind_of
from commerce.money.refund_calls import CallState, RefundCall, RefundPace, choose
from commerce.money.tax import tax_of_rest
from commerce.money.transfers import (
    UNEARNED,
    Transfer,
    refunded,
    tax_given_back,
)
from commerce.orders.order import OrderRow


def request_refunds(
    connection: Connection, paid: Sequence[tuple[OrderRow, str]], at_ms: int
) -> None:
    """Have all that is left of paid orders go back; each order with the reason."""
    refunds = rest_of(connection, paid, {})
    request_part_refunds(connection, [order for order, _ in paid], refunds, at_ms)


def request_part_refunds(
    connection: Connection,
    of_orders: Sequence[OrderRow],
    refunds: Sequence[PartRefund],
    at_ms: int,
) -> None:
    """Have parts of orders that the caller has locked go back (commerce/after_sales/refunds.py).

    What was handed over is given from the store's refunds, or its discounts if a price fell; the
    rest from what is not earned yet.

    Raises:
        IntegrityError: More would go back than was paid, or one was requested before.
    """
    if not refunds:
        return
    by_id = {order.id: order for order in of_orders}
    given = [(refund, _giver(by_id[refund.order_id], refund)) for refund in refunds]
    insert_refunds(connection, given, at_ms)
    enqueue(connection, Topic.REFUND, list(dict.fromkeys(r.order_id for r in refunds)), at_ms)


def _giver(order: OrderRow, refund: PartRefund) -> str:
    if order.handed_over_at_ms is None:
        return UNEARNED
    kind = Account.DISCOUNT if refund.reason == PRICE_DROP else Account.REFUNDS
    return account(kind, order.store_id)


def rest_of(
    connection: Connection,
    paid: Sequence[tuple[OrderRow, str]],
    earlier: Mapping[str, Mapping[PartKey, int]],
) -> list[PartRefund]:
    """Return what is left of paid orders after `earlier` refunds, each order with its reason."""
    return [
        refund
        for order, reason in paid
        for refund in refund_of_rest(order, reason, "", earlier.get(order.id, {}))
    ]


def send_refund_calls(
    connection: Connection, order_ids: Sequence[str], pace: RefundPace, at_ms: int
) -> tuple[list[RefundCall], dict[str, int]]:
    """Mark as sent what these orders' refunds may send now; return it, and when others are due.

    A call is made only when it may be sent, so that it carries all that waits until then. One that
    was not answered is sent again under its own number.
    """
    turns = refund_turns(connection, order_ids)
    now, later = choose(turns, pace, at_ms)
    known = calls_of(connection, now)
    sent = [
        turns[id].call or make_call(connection, id, len(known.get(id, ())) + 1, at_ms) for id in now
    ]
    fresh = [(call, CallState.SENT) for call in sent if call.state is not CallState.SENT]
    move_calls(connection, fresh, at_ms)
    return sent, later


def retry_refund_call(connection: Connection, call: RefundCall, at_ms: int) -> bool:
    """Have a failed call sent again; False if it is not failed any more."""
    moved = move_calls(connection, [(call, CallState.QUEUED)], at_ms)
    enqueue(connection, Topic.REFUND, [call.order_id for call, _ in moved], at_ms)
    return bool(moved)


_ADD_REFUNDED = (
    update(orders)
    .where(orders.c.id == bindparam("o"))
    .values(refunded_fen=orders.c.refunded_fen + bindparam("fen"))
)


def book_refund_calls(
    connection: Connection, answered: Sequence[tuple[RefundCall, CallState]], at_ms: int
) -> None:
    """Book what the provider answered to calls that are sent, each once however often it does."""
    sent = [(replace(call, state=CallState.SENT), to) for call, to in answered]
    moved = move_calls(connection, sent, at_ms)
    done = [call for call, to in moved if to is CallState.DONE]
    for call in done:
        finished = finish_refunds(connection, [(call.order_id, call.n)], at_ms)
        _book_finished(connection, call, finished, at_ms)
    if done:
        connection.execute(
            _ADD_REFUNDED, [{"o": call.order_id, "fen": call.amount_fen} for call in done]
        )
    enqueue(connection, Topic.ORDER, [call.order_id for call, _ in moved], at_ms)


def _book_finished(
    connection: Connection,
    call: RefundCall,
    finished: Sequence[tuple[PartRefund, str]],
    at_ms: int,
) -> None:
    """One transfer per account that gave, and one of the tax in what had been handed over."""
    sums: dict[str, int] = {}
    for refund, giver in finished:
        sums[giver] = sums.get(giver, 0) + refund.amount_fen
    made = [
        refunded(call.order_id, fen, at_ms, account=giver, source=f"{call.n}:{giver}")
        for giver, fen in sorted(sums.items())
    ]
    givers = sorted(set(sums) - {UNEARNED})
    if givers:
        [order] = orders_of(connection, select(orders).where(orders.c.id == call.order_id))
        before, after = taken_back(connection, call.order_id, call.n)
        lines = taxed_lines(connection, order)
        tax = tax_of_rest(lines, before) - tax_of_rest(lines, after)
        made += _tax_back(order, call, {giver: sums[giver] for giver in givers}, tax, at_ms)
        made += claw_back(connection, order, at_ms)
    post_transfers(connection, made)


def _tax_back(
    order: OrderRow, call: RefundCall, given: Mapping[str, int], tax_fen: int, at_ms: int
) -> list[Transfer]:
    """Return the tax in what was given back after the handover, to each account that gave it."""
    if tax_fen <= 0:
        return []
    parts = zip(given, split(tax_fen, list(given.values())), strict=True)
    return [
        tax_given_back(order.id, giver, fen, at_ms, source)
        for giver, fen in parts
        if fen
        for source in [str(call.n) if kind_of(giver) is Account.REFUNDS else f"{call.n}:{giver}"]
    ]
