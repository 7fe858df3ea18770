"""Commissions of leaders in the record: what is accrued and clawed back, and the transfers of it.

Every function runs inside the caller's transaction; `postings` posts the transfers it returns.
"""

from collections.abc import Mapping

from sqlalchemy import Connection, func, insert, select, update

from commerce.after_sales.claims import WINDOW_MS
from commerce.after_sales.refunds import WHOLE
from commerce.io.record.schema import estates, order_moves
from commerce.io.record.schema_leaders import commission_entries, commission_rates, commissions
from commerce.io.record.schema_refunds import refunds
from commerce.io.record.schema_staff import staff
from commerce.leaders.commission import (
    CommissionRate,
    clawback_fen,
    commission_fen,
    rate_bp_of,
)
from commerce.money.accounts import Account, account
from commerce.money.transfers import Transfer, TransferKind
from commerce.orders.order import OrderRow
from commerce.orders.states import WITH_BUYER_VALUES

LEADER = "leader"


def accrue(
    connection: Connection, order: OrderRow, refunded: Mapping[int, int], at_ms: int
) -> list[Transfer]:
    """Accrue the commission of an order that was just handed over.

    It goes to the leader who handed over, else to the first leader of the estate. `refunded` is
    what was given back by line.
    """
    brand_id = connection.scalar(select(estates.c.brand_id).where(estates.c.id == order.estate_id))
    found = connection.execute(
        select(commission_rates).where(commission_rates.c.brand_id == brand_id)
    )
    rates = [
        CommissionRate(row.estate_id, row.leader_id, row.product_id, row.rate_bp) for row in found
    ]
    leader_id = _leader_of(connection, order, str(brand_id)) if rates else ""
    if not leader_id:
        return []
    made = []
    kept = kept_of_lines(order, refunded)
    for number, line in enumerate(order.all_lines):
        of_line = {"estate_id": order.estate_id, "product_id": line.product_id}
        rate_bp = rate_bp_of(rates, leader_id=leader_id, **of_line)
        amount_fen = commission_fen(kept[number], rate_bp)
        if not amount_fen:
            continue
        key = {"order_id": order.id, "line": number}
        row = {"leader_id": leader_id, "store_id": order.store_id, **of_line}
        sums = {"base_fen": kept[number], "rate_bp": rate_bp, "amount_fen": amount_fen}
        available = {"available_at_ms": at_ms + WINDOW_MS}
        connection.execute(insert(commissions), {**key, **row, **sums, "clawed_fen": 0})
        entry = {**key, "n": 0, "leader_id": leader_id, "amount_fen": amount_fen, "at_ms": at_ms}
        connection.execute(insert(commission_entries), {**entry, **available})
        made.append(
            Transfer(
                order.id,
                TransferKind.COMMISSION,
                account(Account.COMMISSION, order.store_id),
                account(Account.LEADER, leader_id),
                amount_fen,
                at_ms,
                f"line:{number}",
            )
        )
    return made


def claw_back(connection: Connection, order: OrderRow, at_ms: int) -> list[Transfer]:
    """Take back the commission of what an order's buyer has got back by now."""
    rows = connection.execute(
        select(commissions)
        .where(commissions.c.order_id == order.id)
        .order_by(commissions.c.line)
        .with_for_update()
    ).all()
    if not rows:
        return []
    done = connection.execute(
        select(refunds.c.line, func.sum(refunds.c.amount_fen))
        .where(refunds.c.order_id == order.id, refunds.c.done_at_ms.is_not(None))
        .group_by(refunds.c.line)
    )
    kept = kept_of_lines(order, {line: int(fen) for line, fen in done})
    made = []
    for row in rows:
        fen = clawback_fen(row.base_fen, kept[row.line], row.rate_bp, row.clawed_fen)
        if not fen:
            continue
        key = (commissions.c.order_id == order.id, commissions.c.line == row.line)
        clawed = row.clawed_fen + fen
        connection.execute(update(commissions).where(*key).values(clawed_fen=clawed))
        entries = (
            commission_entries.c.order_id == order.id,
            commission_entries.c.line == row.line,
        )
        n, available_at_ms = connection.execute(
            select(
                func.max(commission_entries.c.n), func.max(commission_entries.c.available_at_ms)
            ).where(*entries)
        ).one()
        entry = {
            "order_id": order.id,
            "line": row.line,
            "n": n + 1,
            "leader_id": row.leader_id,
            "amount_fen": -fen,
            "at_ms": at_ms,
            "available_at_ms": max(at_ms, available_at_ms),
        }
        connection.execute(insert(commission_entries), entry)
        made.append(
            Transfer(
                order.id,
                TransferKind.CLAWBACK,
                account(Account.LEADER, row.leader_id),
                account(Account.COMMISSION, row.store_id),
                fen,
                at_ms,
                f"line:{row.line}:{n + 1}",
            )
        )
    return made


def kept_of_lines(order: OrderRow, refunded: Mapping[int, int]) -> list[int]:
    """Return what the buyer keeps of each line; what goes back as a whole empties them in turn."""
    kept = [
        max(0, line.total_fen - refunded.get(number, 0))
        for number, line in enumerate(order.all_lines)
    ]
    whole = refunded.get(WHOLE, 0)
    for number, fen in enumerate(kept):
        taken = min(fen, whole)
        kept[number], whole = fen - taken, whole - taken
    return kept


def _leader_of(connection: Connection, order: OrderRow, brand_id: str) -> str:
    """The leader who handed an order over, else the first active one of its estate, else nobody."""
    rows = connection.execute(
        select(staff.c.id, staff.c.roles, staff.c.estate_ids).where(
            staff.c.brand_id == brand_id, staff.c.active, staff.c.estate_ids != ""
        )
    )
    leaders = sorted(
        row.id
        for row in rows
        if LEADER in row.roles.split() and order.estate_id in row.estate_ids.split()
    )
    moved_by = connection.scalar(
        select(order_moves.c.moved_by)
        .where(
            order_moves.c.order_id == order.id,
            order_moves.c.to_state.in_(WITH_BUYER_VALUES),
        )
        .order_by(order_moves.c.version.desc())
        .limit(1)
    )
    if moved_by in leaders:
        return str(moved_by)
    return leaders[0] if leaders else ""
