"""Money as double entry: every transfer takes an amount from one account and gives it to another.

A set of entries cannot fail to sum to zero, because a transfer is both of its entries at once
(the view `money_entries` shows them apart). Amounts are integer fen and positive.

    charge     provider → unearned        the buyer paid, we owe the goods
    refund     unearned → provider        the buyer got it back
    earn       unearned → sales:{store}   the goods were handed over
"""

from dataclasses import dataclass
from enum import StrEnum

PROVIDER = "provider"
UNEARNED = "unearned"
SALES = "sales:"


class TransferKind(StrEnum):
    """What a transfer is for; an order has at most one of each."""

    CHARGE = "charge"
    REFUND = "refund"
    EARN = "earn"


@dataclass(frozen=True, slots=True)
class Transfer:
    """`amount_fen` goes from `from_account` to `to_account`."""

    order_id: str
    kind: TransferKind
    from_account: str
    to_account: str
    amount_fen: int
    at_ms: int


def charged(order_id: str, amount_fen: int, at_ms: int) -> Transfer:
    """The transfer of a payment that arrived."""
    return Transfer(order_id, TransferKind.CHARGE, PROVIDER, UNEARNED, amount_fen, at_ms)


def refunded(order_id: str, amount_fen: int, at_ms: int) -> Transfer:
    """The transfer of a payment that went back."""
    return Transfer(order_id, TransferKind.REFUND, UNEARNED, PROVIDER, amount_fen, at_ms)


def earned(order_id: str, store_id: str, amount_fen: int, at_ms: int) -> Transfer:
    """The transfer of goods that were handed over."""
    return Transfer(order_id, TransferKind.EARN, UNEARNED, SALES + store_id, amount_fen, at_ms)
