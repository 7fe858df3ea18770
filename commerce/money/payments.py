"""The port to a payment provider, and a provider in memory."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol


class PaymentOutcome(StrEnum):
    """What a provider said."""

    PAID = "paid"
    DECLINED = "declined"
    UNKNOWN = "unknown"  # no answer in time: call again with the same id
    LATER = "later"  # the buyer has to do something first (commerce/money/intents.py)


@dataclass(frozen=True, slots=True)
class Charge:
    """Take `amount_fen` from the buyer of an order."""

    order_id: str
    guest_id: str
    amount_fen: int


@dataclass(frozen=True, slots=True)
class Refund:
    """Give `amount_fen` of an order back, by its call number `n`."""

    order_id: str
    amount_fen: int
    n: int = 1


class Payments(Protocol):
    """A payment provider.

    Charges are idempotent by order id, refunds by order id and number: a repeated call, at any time
    and from any worker, has no second effect and returns the first final outcome; that is how an
    unknown one is asked for. Outcomes are in the order of the arguments.
    UNKNOWN is not final. A provider that cannot be reached answers UNKNOWN and does not raise.
    """

    async def charge(self, charges: Sequence[Charge]) -> Sequence[PaymentOutcome]:
        """Charge each order once."""
        ...

    async def refund(self, refunds: Sequence[Refund]) -> Sequence[PaymentOutcome]:
        """Make each refund once; PAID means that the buyer has the money back.

        All refunds of an order never exceed what was paid.
        """
        ...


class MemoryPayments:
    """A provider in memory. `declines` are guests whose payments are declined."""

    def __init__(self) -> None:
        self.declines: set[str] = set()
        self.charged: dict[str, tuple[PaymentOutcome, int]] = {}
        self.refunded: dict[tuple[str, int], int] = {}  # by order and number

    async def charge(self, charges: Sequence[Charge]) -> Sequence[PaymentOutcome]:
        """Charge each order once."""
        for charge in charges:
            declined = charge.guest_id in self.declines
            outcome = PaymentOutcome.DECLINED if declined else PaymentOutcome.PAID
            self.charged.setdefault(charge.order_id, (outcome, charge.amount_fen))
        return [self.charged[charge.order_id][0] for charge in charges]

    async def refund(self, refunds: Sequence[Refund]) -> Sequence[PaymentOutcome]:
        """Make each refund once, of an order never more than was paid."""
        return [self._refund(refund) for refund in refunds]

    def _refund(self, refund: Refund) -> PaymentOutcome:
        outcome, paid_fen = self.charged.get(refund.order_id, (PaymentOutcome.DECLINED, 0))
        key = refund.order_id, refund.n
        if key in self.refunded:
            return PaymentOutcome.PAID
        given = sum(fen for (order_id, _), fen in self.refunded.items() if order_id == key[0])
        if outcome is not PaymentOutcome.PAID or given + refund.amount_fen > paid_fen:
            return PaymentOutcome.DECLINED
        self.refunded[key] = refund.amount_fen
        return PaymentOutcome.PAID
