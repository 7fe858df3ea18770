"""Refunds of orders that were paid by an intent go to its provider, all others as before."""

import asyncio
from collections.abc import Sequence

import structlog

from commerce.io.record.engine import Record
from commerce.io.record.intent_rows import taken_intents
from commerce.money.intents import Intent, refund_reference
from commerce.money.payments import Charge, PaymentOutcome, Payments, Refund
from commerce.money.providers import (
    EventKind,
    PaymentProvider,
    ProviderEvent,
    ProviderRefused,
    Unreachable,
)

CALLS_MAX = 16  # at a time
CALL_S_MAX = 15.0

log = structlog.get_logger()


class ProviderRefunds:
    """Implements `commerce.money.payments.Payments`: `charges` are of orders without an intent."""

    def __init__(self, record: Record, provider: PaymentProvider, charges: Payments) -> None:
        self._record = record
        self._provider = provider
        self._charges = charges
        self._calls = asyncio.Semaphore(CALLS_MAX)

    async def charge(self, charges: Sequence[Charge]) -> Sequence[PaymentOutcome]:
        """Charge each order once."""
        return await self._charges.charge(charges)

    async def refund(self, refunds: Sequence[Refund]) -> Sequence[PaymentOutcome]:
        """Make each refund once; UNKNOWN while the provider has not decided."""
        async with self._record.read() as connection:
            ids = [refund.order_id for refund in refunds]
            paid_by = await connection.run_sync(taken_intents, ids)
        others = [refund for refund in refunds if refund.order_id not in paid_by]
        outcomes = iter(await self._charges.refund(others) if others else ())
        asked = [
            self._refund(intent, refund)
            for refund in refunds
            if (intent := paid_by.get(refund.order_id))
        ]
        answers = iter(await asyncio.gather(*asked))
        return [next(answers if refund.order_id in paid_by else outcomes) for refund in refunds]

    async def _refund(self, intent: Intent, refund: Refund) -> PaymentOutcome:
        """Ask for it, and whether it was made; both may be done again."""
        reference = refund_reference(refund.order_id, refund.n)
        if intent.account != self._provider.account:
            log.error("a refund of another account waits", order=refund.order_id)
            return PaymentOutcome.UNKNOWN
        try:
            async with self._calls, asyncio.timeout(CALL_S_MAX):
                event = await self._provider.refund(
                    intent.id, reference, refund.amount_fen, intent.amount_fen
                )
                event = event or await self._provider.query_refund(intent.id, reference)
        except ProviderRefused as error:
            log.error("the provider refused a refund", order=refund.order_id, code=error.code)
            return PaymentOutcome.DECLINED
        except (Unreachable, TimeoutError):
            return PaymentOutcome.UNKNOWN
        return _outcome(event)


def _outcome(event: ProviderEvent | None) -> PaymentOutcome:
    if event is None:
        return PaymentOutcome.UNKNOWN
    made = event.kind is EventKind.REFUNDED
    return PaymentOutcome.PAID if made else PaymentOutcome.DECLINED
