"""Books the money of a till's receipts, each line once; a void takes back what was booked."""

from collections.abc import Callable, Sequence
from dataclasses import replace

from sqlalchemy import Connection, select

from commerce.io.record.book_rows import tax_rates
from commerce.io.record.postings import post_transfers
from commerce.io.record.schema import money_transfers
from commerce.io.shop.stock.tills import Till
from commerce.money.tax import RATE_BP
from commerce.money.tills import PaymentKind, till_return, till_sale, void_of
from commerce.money.transfers import Transfer, TransferKind
from commerce.supply.receipts import LineKind, ReceiptLine

_BOOKED = (
    TransferKind.POS_SALE.value,
    TransferKind.POS_RETURN.value,
    TransferKind.TAX.value,
    TransferKind.TAX_BACK.value,
)


def book_money(
    connection: Connection,
    till: Till,
    new: Sequence[ReceiptLine],
    voided: Sequence[ReceiptLine],
    sold_at_ms: Callable[[ReceiptLine], int],
    at_ms: int,
) -> None:
    """Post what `new` lines brought or cost, and take back what `voided` ones did."""
    rates = tax_rates(connection, {line.product_id for line in new})
    made: list[Transfer] = []
    for line in new:
        made += (till_sale if line.kind is LineKind.SALE else till_return)(
            till.store_id,
            PaymentKind(line.payment),
            line.amount_fen,
            rates.get(line.product_id, RATE_BP),
            _source(till, line),
            sold_at_ms(line),
        )
    made += [void_of(transfer, at_ms) for transfer in _booked(connection, till, voided)]
    post_transfers(connection, [replace(one, brand_id=till.brand_id) for one in made])


def _booked(connection: Connection, till: Till, lines: Sequence[ReceiptLine]) -> list[Transfer]:
    of = money_transfers.c
    sources = {_source(till, line) for line in lines}
    rows = connection.execute(
        select(of.kind, of.from_account, of.to_account, of.amount_fen, of.at_ms, of.source)
        .where(of.order_id.is_(None), of.source.in_(sources), of.kind.in_(_BOOKED))
        .order_by(of.id)
    )
    return [Transfer("", TransferKind(kind), *ends) for kind, *ends in rows]


def _source(till: Till, line: ReceiptLine) -> str:
    return f"pos:{till.id}:{line.number}:{line.line}"
