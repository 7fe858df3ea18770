"""Providers' bills beside the books of a brand: read, compared by order and refund, kept."""

import asyncio
import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from sqlalchemy import Connection, insert, select, update

from commerce.io.record.postings import post_transfers
from commerce.io.record.schema import money_transfers as _T
from commerce.io.record.schema_books import provider_bills
from commerce.io.record.schema_payments import intents
from commerce.io.shop.books.books import bounds_of, first_and_last
from commerce.io.shop.context import ShopContext
from commerce.money.accounts import Account, account
from commerce.money.bills import BillKind, BillLine, Difference, DifferenceKind, differences
from commerce.money.provider_bills import decode_bill, read_provider_bill
from commerce.money.transfers import PROVIDER, Transfer, TransferKind

IDS_MAX = 500  # orders per statement


@dataclass(frozen=True, slots=True)
class Reconciliation:
    """What a bill of the provider comes to, and how it differs from our books."""

    period: str
    charges_fen: int
    refunds_fen: int
    fee_fen: int
    differences: list[Difference]


class Bills:
    """The use cases around providers' bills."""

    def __init__(self, shop: ShopContext) -> None:
        self._shop = shop

    async def reconciled(self, brand_id: str, period: str) -> list[Reconciliation]:
        """Return what bills of a day or month said when they were last read.

        Raises:
            InvalidField: The period is neither.
        """
        first, last = first_and_last(period)
        query = (
            select(provider_bills)
            .where(
                provider_bills.c.brand_id == brand_id,
                provider_bills.c.period.between(first, last),
            )
            .order_by(provider_bills.c.period)
        )
        async with self._shop.record.read() as connection:
            rows = (await connection.execute(query)).all()
        return [
            Reconciliation(
                row.period,
                row.charges_fen,
                row.refunds_fen,
                row.fee_fen,
                [_difference(one) for one in json.loads(row.differences)],
            )
            for row in rows
        ]

    async def reconcile(self, brand_id: str, day: str, bill: bytes) -> Reconciliation:
        """Compare a provider's bill of a day with our books, and book its fee once.

        The bill is that of the sandbox, of WeChat Pay or of Alipay (provider_bills.py).

        Raises:
            InvalidField: The day is none.
            BadBill: The bill cannot be read.
        """
        begins_ms, ends_ms = bounds_of(day)
        lines = await asyncio.to_thread(lambda: read_provider_bill(decode_bill(bill)))
        at_ms = self._shop.clock()
        async with self._shop.record.write() as connection:
            lines = await connection.run_sync(_of_orders, lines)
            named = sorted({line.order_id for line in lines})
            ours = await connection.run_sync(_booked, brand_id, begins_ms, ends_ms, named)
            found = Reconciliation(
                day,
                sum(line.amount_fen for line in lines if line.kind is BillKind.CHARGE),
                sum(line.amount_fen for line in lines if line.kind is BillKind.REFUND),
                sum(line.fee_fen for line in lines),
                differences(lines, ours, begins_ms, ends_ms),
            )
            await connection.run_sync(_write_bill, brand_id, bill, found, at_ms)
        return found


def _booked(
    connection: Connection, brand_id: str, begins_ms: int, ends_ms: int, named: Sequence[str]
) -> list[BillLine]:
    """Charges and refunds in our books: of the day, and of orders that the bill names."""
    kinds = [TransferKind.CHARGE.value, TransferKind.REFUND.value]
    columns = select(_T.c.id, _T.c.kind, _T.c.order_id, _T.c.source, _T.c.amount_fen, _T.c.at_ms)
    ours = columns.where(_T.c.kind.in_(kinds), _T.c.brand_id == brand_id)
    rows = {
        row.id: row
        for row in connection.execute(ours.where(_T.c.at_ms >= begins_ms, _T.c.at_ms < ends_ms))
    }
    for at in range(0, len(named), IDS_MAX):
        part = named[at : at + IDS_MAX]
        rows |= {row.id: row for row in connection.execute(ours.where(_T.c.order_id.in_(part)))}
    sums: dict[tuple[BillKind, str, int], tuple[int, int]] = {}
    for row in rows.values():
        kind = BillKind(row.kind)
        # The source of a refund begins with the number of its call.
        number = row.source.partition(":")[0]
        n = 0 if kind is BillKind.CHARGE else int(number) if number.isdecimal() else 1
        fen, _ = sums.get((kind, row.order_id, n), (0, 0))
        sums[kind, row.order_id, n] = (fen + row.amount_fen, row.at_ms)
    return [BillLine(*key, fen, 0, at_ms) for key, (fen, at_ms) in sums.items()]


def _of_orders(connection: Connection, lines: Sequence[BillLine]) -> list[BillLine]:
    """Name the order of each line instead of our reference at the provider, where it is one."""
    references = sorted({line.order_id for line in lines})
    known: dict[str, str] = {}
    for at in range(0, len(references), IDS_MAX):
        part = intents.c.id.in_(references[at : at + IDS_MAX])
        rows = connection.execute(select(intents.c.id, intents.c.order_id).where(part))
        known |= {id: order_id for id, order_id in rows}
    return [replace(line, order_id=known.get(line.order_id, line.order_id)) for line in lines]


def _difference(kept: dict[str, Any]) -> Difference:
    return Difference(**{**kept, "kind": DifferenceKind(kept["kind"]), "of": BillKind(kept["of"])})


def _write_bill(
    connection: Connection, brand_id: str, bill: bytes, found: Reconciliation, at_ms: int
) -> None:
    """Keep what the bill says; its fee is booked once, with the first bill of the day."""
    which = (provider_bills.c.brand_id == brand_id) & (provider_bills.c.period == found.period)
    known = connection.scalar(select(provider_bills.c.period).where(which))
    values = {
        "sha256": hashlib.sha256(bill).hexdigest(),
        "charges_fen": found.charges_fen,
        "refunds_fen": found.refunds_fen,
        "fee_fen": found.fee_fen,
        "differences": json.dumps([asdict(one) for one in found.differences]),
        "read_at_ms": at_ms,
    }
    if known is not None:
        connection.execute(update(provider_bills).where(which).values(values))
        return
    key = {"brand_id": brand_id, "period": found.period}
    connection.execute(insert(provider_bills), {**key, **values})
    if found.fee_fen:
        source = f"bill:{brand_id}:{found.period}"
        # Fees that are given back with refunds may be more than those of the day.
        giver, taker = account(Account.FEE), PROVIDER
        if found.fee_fen < 0:
            giver, taker = taker, giver
        fen = abs(found.fee_fen)
        fee = Transfer("", TransferKind.FEE, giver, taker, fen, at_ms, source, brand_id)
        post_transfers(connection, [fee])
