"""Rows of refunds and of the calls that carry them; `postings` alone calls what writes them."""

from collections.abc import Collection, Sequence

from sqlalchemy import Connection, bindparam, func, insert, select, tuple_, update

from commerce.after_sales.refunds import PartKey, PartRefund, refunded_by_part
from commerce.io.record.schema_refunds import refund_calls, refunds
from commerce.money.refund_calls import CallState, RefundCall, Turn, turn_of
from commerce.money.transfers import UNEARNED

IDS_MAX = 500  # orders per statement


def refunds_of(connection: Connection, order_ids: Collection[str]) -> dict[str, list[PartRefund]]:
    """Return what was requested for these orders, by order."""
    found: dict[str, list[PartRefund]] = {}
    ids = sorted(set(order_ids))
    for at in range(0, len(ids), IDS_MAX):
        for row in connection.execute(
            select(refunds)
            .where(refunds.c.order_id.in_(ids[at : at + IDS_MAX]))
            .order_by(refunds.c.requested_at_ms, refunds.c.line, refunds.c.part)
        ):
            refund = PartRefund(
                row.order_id, row.line, row.part, row.reason, row.source, row.amount_fen
            )
            found.setdefault(row.order_id, []).append(refund)
    return found


def refunded_parts(
    connection: Connection, order_ids: Collection[str]
) -> dict[str, dict[PartKey, int]]:
    """Return how much of each part of these orders goes back, by order."""
    found = refunds_of(connection, order_ids)
    return {order_id: refunded_by_part(found.get(order_id, ())) for order_id in order_ids}


def refund_turns(connection: Connection, order_ids: Collection[str]) -> dict[str, Turn]:
    """Return what the refunds of these orders need next, of those that need something."""
    waiting = set(
        connection.execute(
            select(refunds.c.order_id).where(
                refunds.c.order_id.in_(order_ids),
                refunds.c.done_at_ms.is_(None),
                refunds.c.call_n.is_(None),
            )
        ).scalars()
    )
    calls = calls_of(connection, order_ids)
    turns = {id: turn_of(calls.get(id, ()), id in waiting) for id in dict.fromkeys(order_ids)}
    return {order_id: turn for order_id, turn in turns.items() if turn is not None}


def insert_refunds(
    connection: Connection, requested: Sequence[tuple[PartRefund, str]], at_ms: int
) -> None:
    """Write refunds, each with the account that gives the money."""
    connection.execute(
        insert(refunds),
        [
            {
                "order_id": refund.order_id,
                "line": refund.line,
                "part": refund.part,
                "reason": refund.reason,
                "source": refund.source,
                "amount_fen": refund.amount_fen,
                "account": account,
                "requested_at_ms": at_ms,
            }
            for refund, account in requested
        ],
    )


def make_call(connection: Connection, order_id: str, n: int, at_ms: int) -> RefundCall:
    """Give all refunds of an order that wait for a call its next one, `n`.

    One statement takes them and says how much they are: another one may be requested at any time,
    and must not be in a call whose amount is without it.
    """
    taken = connection.execute(
        update(refunds)
        .where(
            refunds.c.order_id == order_id,
            refunds.c.done_at_ms.is_(None),
            refunds.c.call_n.is_(None),
        )
        .values(call_n=n)
        .returning(refunds.c.amount_fen)
    )
    call = RefundCall(order_id, n, sum(taken.scalars()), CallState.QUEUED, 0, at_ms, None, None)
    connection.execute(
        insert(refund_calls),
        {
            "order_id": order_id,
            "n": n,
            "amount_fen": call.amount_fen,
            "state": call.state.value,
            "made_at_ms": at_ms,
        },
    )
    return call


def calls_of(connection: Connection, order_ids: Collection[str]) -> dict[str, list[RefundCall]]:
    """Return the calls of these orders, by order, in their order."""
    found: dict[str, list[RefundCall]] = {}
    for row in connection.execute(
        select(refund_calls)
        .where(refund_calls.c.order_id.in_(order_ids))
        .order_by(refund_calls.c.order_id, refund_calls.c.n)
    ).mappings():
        call = RefundCall(**{**row, "state": CallState(row["state"])})
        found.setdefault(call.order_id, []).append(call)
    return found


_MOVE_CALL = (
    update(refund_calls)
    .where(
        refund_calls.c.order_id == bindparam("o"),
        refund_calls.c.n == bindparam("call"),
        refund_calls.c.state == bindparam("before"),
    )
    .values(
        state=bindparam("after"),
        attempts=refund_calls.c.attempts + bindparam("tries"),
        sent_at_ms=func.coalesce(bindparam("sent"), refund_calls.c.sent_at_ms),
        ended_at_ms=func.coalesce(bindparam("ended"), refund_calls.c.ended_at_ms),
    )
)


def move_calls(
    connection: Connection, moves: Sequence[tuple[RefundCall, CallState]], at_ms: int
) -> list[tuple[RefundCall, CallState]]:
    """Move calls from where the caller read them; return those that moved."""
    moved = []
    for call, to in moves:
        sends = to is CallState.SENT
        ends = to in (CallState.DONE, CallState.FAILED)
        values = {
            "o": call.order_id,
            "call": call.n,
            "before": call.state.value,
            "after": to.value,
            "tries": int(sends),
            "sent": at_ms if sends else None,
            "ended": at_ms if ends else None,
        }
        if connection.execute(_MOVE_CALL, values).rowcount:
            moved.append((call, to))
    return moved


def finish_refunds(
    connection: Connection, keys: Collection[tuple[str, int]], at_ms: int
) -> list[tuple[PartRefund, str]]:
    """Mark the refunds that these calls carried as done; return them with their accounts."""
    rows = connection.execute(
        update(refunds)
        .where(
            tuple_(refunds.c.order_id, refunds.c.call_n).in_(keys), refunds.c.done_at_ms.is_(None)
        )
        .values(done_at_ms=at_ms)
        .returning(
            refunds.c.order_id,
            refunds.c.line,
            refunds.c.part,
            refunds.c.reason,
            refunds.c.source,
            refunds.c.amount_fen,
            refunds.c.account,
        )
    )
    return [(PartRefund(*row[:-1]), row.account) for row in rows]


def taken_back(
    connection: Connection, order_id: str, n: int
) -> tuple[dict[int, int], dict[int, int]]:
    """Return what was booked as not earned, or as given back, by line: before a call, and after.

    What was requested before the handover was never earned, and so was never taxed.
    """
    before: dict[int, int] = {}
    call: dict[int, int] = {}
    for row in connection.execute(select(refunds).where(refunds.c.order_id == order_id)):
        if row.account == UNEARNED or (row.done_at_ms is not None and row.call_n != n):
            before[row.line] = before.get(row.line, 0) + row.amount_fen
        elif row.call_n == n:
            call[row.line] = call.get(row.line, 0) + row.amount_fen
    lines = before.keys() | call.keys()
    return before, {line: before.get(line, 0) + call.get(line, 0) for line in lines}
