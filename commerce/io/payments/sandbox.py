"""The sandbox payment provider: durable books of its own, and faults on demand.

It behaves as a real provider does: it remembers every order id, may decline, and may do its work
and yet not answer in time.
"""

from collections.abc import Callable, Sequence
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection, or_, select
from sqlalchemy.dialects.postgresql import insert as insert_postgresql
from sqlalchemy.dialects.sqlite import insert as insert_sqlite

from commerce.io.record.engine import Clock, Record, wall_clock
from commerce.io.record.schema import orders, sandbox_charges, sandbox_refunds, stores
from commerce.money.bills import BillKind, BillLine, fee_of, write_bill
from commerce.money.payments import Charge, PaymentOutcome, Refund


class Fault(StrEnum):
    """What goes wrong with one call for one order."""

    NONE = "none"
    DECLINE = "decline"
    LOST = "lost"  # the question never arrived
    MUTE = "mute"  # it was done, but the answer never came


def no_faults(_call: str, _order_id: str) -> Fault:
    """Nothing goes wrong."""
    return Fault.NONE


class SandboxPayments:
    """Implements `commerce.money.payments.Payments` on tables of the same database.

    `fault(call, order_id)` with call "charge" or "refund" decides what goes wrong, each time asked.
    """

    def __init__(
        self,
        record: Record,
        fault: Callable[[str, str], Fault] = no_faults,
        clock: Clock = wall_clock,
    ) -> None:
        self._record = record
        self._clock = clock
        self.fault = fault
        self._insert: Any = insert_sqlite if record.is_sqlite else insert_postgresql

    async def charge(self, charges: Sequence[Charge]) -> Sequence[PaymentOutcome]:
        """Charge each order once."""
        faults = [self.fault("charge", charge.order_id) for charge in charges]
        at_ms = self._clock()
        rows = [
            {
                "order_id": charge.order_id,
                "amount_fen": charge.amount_fen,
                "outcome": "declined" if fault is Fault.DECLINE else "paid",
                "at_ms": at_ms,
            }
            for charge, fault in zip(charges, faults, strict=True)
            if fault is not Fault.LOST
        ]
        outcomes: dict[str, PaymentOutcome] = {}
        if rows:
            # A charge that is lost in a power cut was not answered with a durable commit either.
            outcomes = await self._record.transact(
                lambda connection: self._charge(connection, rows), durable=False
            )
        return [
            PaymentOutcome.UNKNOWN
            if fault in (Fault.LOST, Fault.MUTE)
            else outcomes[charge.order_id]
            for charge, fault in zip(charges, faults, strict=True)
        ]

    def _charge(
        self, connection: Connection, rows: Sequence[dict[str, Any]]
    ) -> dict[str, PaymentOutcome]:
        connection.execute(self._insert(sandbox_charges).on_conflict_do_nothing(), rows)
        found = connection.execute(
            select(sandbox_charges.c.order_id, sandbox_charges.c.outcome).where(
                sandbox_charges.c.order_id.in_([row["order_id"] for row in rows])
            )
        )
        return {order_id: PaymentOutcome(outcome) for order_id, outcome in found}

    async def bill(self, brand_id: str, begins_ms: int, ends_ms: int) -> str:
        """Return the bill of a brand's account for a day, as CSV (commerce/money/bills.py)."""
        of_brand = or_(stores.c.brand_id == brand_id, stores.c.brand_id.is_(None))

        def lines(connection: Connection) -> list[BillLine]:
            found = []
            for table, kind in (
                (sandbox_charges, BillKind.CHARGE),
                (sandbox_refunds, BillKind.REFUND),
            ):
                query = (
                    select(table)
                    .outerjoin(orders, orders.c.id == table.c.order_id)
                    .outerjoin(stores, stores.c.id == orders.c.store_id)
                    .where(of_brand, table.c.at_ms >= begins_ms, table.c.at_ms < ends_ms)
                )
                if kind is BillKind.CHARGE:
                    query = query.where(table.c.outcome == PaymentOutcome.PAID.value)
                for row in connection.execute(query).mappings():
                    fen = row["amount_fen"]
                    fee_fen = fee_of(fen) if kind is BillKind.CHARGE else 0
                    order_id, n = row["order_id"], row.get("n", 0)
                    found.append(BillLine(kind, order_id, n, fen, fee_fen, row["at_ms"]))
            return found

        return write_bill(await self._record.query(lines))

    async def refund(self, refunds: Sequence[Refund]) -> Sequence[PaymentOutcome]:
        """Make each refund once, of an order never more than was paid."""
        faults = [self.fault("refund", refund.order_id) for refund in refunds]
        arrived = [
            refund
            for refund, fault in zip(refunds, faults, strict=True)
            if fault not in (Fault.LOST, Fault.DECLINE)
        ]
        made: set[tuple[str, int]] = set()
        if arrived:
            made = await self._record.transact(
                lambda connection: self._refund(connection, arrived), durable=False
            )
        return [
            PaymentOutcome.UNKNOWN
            if fault in (Fault.LOST, Fault.MUTE)
            else PaymentOutcome.PAID
            if (refund.order_id, refund.n) in made
            else PaymentOutcome.DECLINED
            for refund, fault in zip(refunds, faults, strict=True)
        ]

    def _refund(self, connection: Connection, arrived: Sequence[Refund]) -> set[tuple[str, int]]:
        """Book what is new and possible; return order and number of what is made, now or before."""
        order_ids = {refund.order_id for refund in arrived}
        charged = connection.execute(
            select(sandbox_charges.c.order_id, sandbox_charges.c.amount_fen)
            .where(
                sandbox_charges.c.order_id.in_(order_ids),
                sandbox_charges.c.outcome == PaymentOutcome.PAID.value,
            )
            .order_by(sandbox_charges.c.order_id)
            .with_for_update()
        )
        left = {order_id: amount_fen for order_id, amount_fen in charged}
        made: set[tuple[str, int]] = set()
        for order_id, n, amount_fen in connection.execute(
            select(
                sandbox_refunds.c.order_id, sandbox_refunds.c.n, sandbox_refunds.c.amount_fen
            ).where(sandbox_refunds.c.order_id.in_(order_ids))
        ):
            left[order_id] -= amount_fen
            made.add((order_id, n))
        rows = []
        for refund in arrived:
            key = refund.order_id, refund.n
            if key not in made and refund.amount_fen <= left.get(refund.order_id, 0):
                left[refund.order_id] -= refund.amount_fen
                made.add(key)
                rows.append(
                    {
                        "order_id": refund.order_id,
                        "n": refund.n,
                        "amount_fen": refund.amount_fen,
                        "at_ms": self._clock(),
                    }
                )
        if rows:
            connection.execute(self._insert(sandbox_refunds).on_conflict_do_nothing(), rows)
        return made
