"""What a till's receipts are in the books: the drawer or the card terminal against the sales.

    pos_sale    sales ← cash or card            what the customer paid
    tax         sales → tax                     the tax in it
    pos_return  refunds → cash or card          what the customer got back
    tax_back    tax → refunds                   the tax in that
    pos_void    the same backwards              the receipt never was

A till's sales are in the same account as those of the store's orders, so that both are one sum.
"""

from enum import StrEnum

from commerce.money.accounts import Account, account
from commerce.money.tax import tax_of
from commerce.money.transfers import Transfer, TransferKind


class PaymentKind(StrEnum):
    """How a receipt was paid, or paid back."""

    CASH = "cash"
    CARD = "card"


_DRAWERS = {PaymentKind.CASH: Account.CASH, PaymentKind.CARD: Account.CARD}


def till_sale(
    store_id: str, paid: PaymentKind, amount_fen: int, rate_bp: int, source: str, at_ms: int
) -> list[Transfer]:
    """The transfers of a line that was sold; none for one that cost nothing."""
    drawer = account(_DRAWERS[paid], store_id)
    sales, tax = account(Account.SALES, store_id), account(Account.TAX, store_id)
    return _some(
        Transfer("", TransferKind.POS_SALE, drawer, sales, amount_fen, at_ms, source),
        Transfer("", TransferKind.TAX, sales, tax, tax_of(amount_fen, rate_bp), at_ms, source),
    )


def till_return(
    store_id: str, paid: PaymentKind, amount_fen: int, rate_bp: int, source: str, at_ms: int
) -> list[Transfer]:
    """The transfers of a line that was paid back."""
    drawer = account(_DRAWERS[paid], store_id)
    refunds, tax = account(Account.REFUNDS, store_id), account(Account.TAX, store_id)
    tax_fen = tax_of(amount_fen, rate_bp)
    return _some(
        Transfer("", TransferKind.POS_RETURN, refunds, drawer, amount_fen, at_ms, source),
        Transfer("", TransferKind.TAX_BACK, tax, refunds, tax_fen, at_ms, source),
    )


def void_of(booked: Transfer, at_ms: int) -> Transfer:
    """The transfer that takes back one of a receipt."""
    source = f"{booked.source}:{booked.kind.value}"
    return Transfer(
        "",
        TransferKind.POS_VOID,
        booked.to_account,
        booked.from_account,
        booked.amount_fen,
        at_ms,
        source,
    )


def _some(*transfers: Transfer) -> list[Transfer]:
    return [transfer for transfer in transfers if transfer.amount_fen > 0]
