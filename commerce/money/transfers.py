"""Money as double entry: every transfer takes an amount from one account and gives it to another.

A set of entries cannot fail to sum to zero, because a transfer is both of its entries at once
(the view `money_entries` shows them apart). Amounts are integer fen and positive.

    charge     provider → unearned                  the buyer paid, we owe the goods
    refund     unearned or refunds:{store} → provider   the buyer got it back
    earn       unearned → sales:{store}             the goods were handed over

What is refunded after the goods were handed over comes from `refunds:{store}`, so that sales and
what was taken off them are seen apart.
"""

from dataclasses import dataclass
from enum import StrEnum

PROVIDER = "provider"
UNEARNED = "unearned"
SALES = "sales:"
REFUNDS = "refunds:"


class TransferKind(StrEnum):
    """What a transfer is for; an order has at most one of each kind and source."""

    CHARGE = "charge"
    REFUND = "refund"
    EARN = "earn"


@dataclass(frozen=True, slots=True)
class Transfer:
    """`amount_fen` goes from `from_account` to `to_account`; `source` names what asked for it."""

    order_id: str
    kind: TransferKind
    from_account: str
    to_account: str
    amount_fen: int
    at_ms: int
    source: str = ""


def charged(order_id: str, amount_fen: int, at_ms: int) -> Transfer:
    """The transfer of a payment that arrived."""
    return Transfer(order_id, TransferKind.CHARGE, PROVIDER, UNEARNED, amount_fen, at_ms)


def refunded(
    order_id: str, amount_fen: int, at_ms: int, *, account: str = UNEARNED, source: str = ""
) -> Transfer:
    """The transfer of a payment that went back; `account` gave it."""
    return Transfer(order_id, TransferKind.REFUND, account, PROVIDER, amount_fen, at_ms, source)


def earned(order_id: str, store_id: str, amount_fen: int, at_ms: int) -> Transfer:
    """The transfer of goods that were handed over."""
    return Transfer(order_id, TransferKind.EARN, UNEARNED, SALES + store_id, amount_fen, at_ms)
