"""Calls the payment provider for intents, reads its webhooks, and ends what is not paid in time.

Any number of workers may do so: an intent is leased for a call, which is idempotent by its
reference, and what comes of it is booked once (payment_postings.py). A worker may die between any
two steps: the lease ends, the inbox keeps what was not handled.
"""

import asyncio
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace

import structlog
from sqlalchemy import Connection, select
from sqlalchemy.exc import DBAPIError

from commerce.io.ledger.consumer import Probe
from commerce.io.record.intent_rows import (
    BookedEvent,
    find_intent,
    handle_webhook,
    lease_intents,
    overdue_intents,
    own_event,
    payer_or_postpone,
    postpone_intent,
    set_action,
    store_webhook,
    unhandled_webhooks,
)
from commerce.io.record.payment_postings import book_event, expire_intent
from commerce.io.record.postings import Topic, enqueue
from commerce.io.record.schema import orders
from commerce.io.record.shutdown import stopping
from commerce.io.shop.context import ShopContext
from commerce.io.shop.payments.late import LatePayments
from commerce.io.shop.payments.notices import notify_of_late
from commerce.money.intents import (
    LEASE_MS,
    STRAY_MS,
    Intent,
    IntentEvent,
    IntentState,
    ends_at_provider_ms,
    next_query_ms,
    refund_reference,
)
from commerce.money.providers import (
    WHAT_CHARS_MAX,
    EventKind,
    IntentRequest,
    PaymentProvider,
    ProviderEvent,
    ProviderRefused,
    Unreachable,
    WebhookRefused,
)

CALLS_MAX = 16  # to the provider at a time, of a worker
BATCH_MAX = 100  # webhooks or overdue intents per pass
STEP_S = 1.0  # between two looks at what is due
CALL_S_MAX = LEASE_MS / 1_000 / 2

_KINDS = {
    EventKind.PAID: IntentEvent.PAID,
    EventKind.FAILED: IntentEvent.FAILED,
    EventKind.CLOSED: IntentEvent.EXPIRED,
}

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class ProviderLinks:
    """Addresses that the provider is given: of our webhooks, and where a buyer comes back to."""

    notify_url: str
    return_url: str


class Intents:
    """Moves intents on. Without a provider there are none, and every step does nothing."""

    def __init__(
        self,
        shop: ShopContext,
        provider: PaymentProvider | None,
        links: ProviderLinks,
        late: LatePayments,
        probe: Probe = lambda step: None,
    ) -> None:
        self._shop = shop
        self._links = links
        self._late = late
        self._probe = probe
        self._wake = asyncio.Event()
        self.provider = provider
        self.webhooks: Counter[str] = Counter()
        """Webhooks by what they report, by why they were refused, or `again`, or `other`."""

    def wake(self) -> None:
        """There may be something to do."""
        self._wake.set()

    async def run(self) -> None:
        """Do what is due, until cancelled."""
        if self.provider is None:
            return
        while not stopping():
            try:
                async with asyncio.timeout(STEP_S):
                    await self._wake.wait()
            except TimeoutError:
                pass
            self._wake.clear()
            try:
                await self.step()
            except (DBAPIError, OSError) as error:
                log.warning("payments wait", error=type(error).__name__)

    async def step(self) -> int:
        """Handle the inbox, expire what is overdue, call the provider; return how much was done."""
        if self.provider is None:
            return 0
        done = (
            await self._handle_inbox(self.provider)
            + await self._expire()
            + await self._call(self.provider)
        )
        if done:
            self._shop.on_commit()
        return done

    async def take_webhook(self, headers: Mapping[str, str], body: bytes) -> None:
        """Put what a webhook reports into the inbox; after that it may be acknowledged.

        Raises:
            WebhookRefused: It is not the provider's, or not of now.
        """
        assert self.provider
        try:
            event = self.provider.read_webhook(headers, body, now_ms=self._shop.clock())
        except WebhookRefused as error:
            self.webhooks[error.because.value] += 1
            raise
        if event is None:
            self.webhooks["other"] += 1
            return
        account, at_ms = self.provider.account, self._shop.clock()
        async with self._shop.record.write() as connection:
            new = await connection.run_sync(store_webhook, account, event, at_ms)
        self.webhooks[event.kind.value if new else "again"] += 1
        self._probe("stored")
        self.wake()

    async def _handle_inbox(self, provider: PaymentProvider) -> int:
        async with self._shop.record.read() as connection:
            found = await connection.run_sync(unhandled_webhooks, BATCH_MAX)
        done = 0
        for account, event, received_ms in found:
            async with self._shop.record.write() as connection:
                handled = await connection.run_sync(self._handle, account, event)
            if not handled and self._shop.clock() >= received_ms + STRAY_MS:
                handled = await self._give_back(provider, account, event)
            done += handled
            self._probe("handled")
        return done

    async def _give_back(
        self, provider: PaymentProvider, account: str, event: ProviderEvent
    ) -> bool:
        """Refund a payment of which the record knows nothing; whether it is over with."""
        if account != provider.account:
            return False
        fen = event.amount_fen
        try:
            async with asyncio.timeout(CALL_S_MAX):
                reference = refund_reference(event.reference, 0)
                await provider.refund(event.reference, reference, fen, fen)
        except (Unreachable, TimeoutError):
            return False
        except ProviderRefused as error:
            log.error("a stray payment stays", reference=event.reference, code=error.code)
        else:
            log.error("a stray payment went back", reference=event.reference, fen=fen)
        async with self._shop.record.write() as connection:
            now_ms = self._shop.clock()
            await connection.run_sync(handle_webhook, account, event.event_id, now_ms)
        return True

    def _handle(self, connection: Connection, account: str, event: ProviderEvent) -> bool:
        """Book an event of the inbox and mark it as handled."""
        now_ms = self._shop.clock()
        if event.kind not in _KINDS:
            _ask_for_refund(connection, event.reference, now_ms)
        elif not self._book(connection, account, event, now_ms) and event.kind is EventKind.PAID:
            return False  # of no intent that is known
        handle_webhook(connection, account, event.event_id, now_ms)
        return True

    def _book(
        self, connection: Connection, account: str, event: ProviderEvent, now_ms: int
    ) -> bool:
        """Book what the provider says of an attempt; False if there is no such intent."""
        intent = find_intent(connection, event.reference)
        if intent is None or intent.account != account:
            return False
        kind = _KINDS[event.kind]
        if kind is IntentEvent.PAID and event.amount_fen != intent.amount_fen:
            log.error("another amount was paid", intent=intent.id, fen=event.amount_fen)
            return True
        amount, ref = event.amount_fen, event.provider_ref
        booked = BookedEvent(kind, account, event.event_id, amount, event.at_ms, ref)
        if book_event(connection, intent.id, booked, now_ms) is IntentState.REFUNDING:
            notify_of_late(connection, intent.id, now_ms)
        return True

    async def _expire(self) -> int:
        now_ms = self._shop.clock()
        async with self._shop.record.read() as connection:
            overdue = await connection.run_sync(overdue_intents, now_ms, BATCH_MAX)
        expired = 0
        for intent_id in overdue:
            async with self._shop.record.write() as connection:
                expired += await connection.run_sync(expire_intent, intent_id, now_ms)
            self._probe("expired")
        return expired

    async def _call(self, provider: PaymentProvider) -> int:
        now_ms = self._shop.clock()
        async with self._shop.record.write() as connection:
            leased = await connection.run_sync(lease_intents, now_ms, now_ms + LEASE_MS, CALLS_MAX)
        self._probe("leased")
        await asyncio.gather(*[self._call_for(provider, intent) for intent in leased])
        if len(leased) == CALLS_MAX:
            self.wake()
        return len(leased)

    async def _call_for(self, provider: PaymentProvider, intent: Intent) -> None:
        """Make the call that an intent is due for, and book what came of it."""
        if intent.state is IntentState.PAID_LATE:
            await self._late.decide(intent)
            return
        try:
            if intent.account != provider.account:
                raise Unreachable(f"no such account: {intent.account}")
            async with asyncio.timeout(CALL_S_MAX):
                if intent.state is IntentState.CREATED:
                    await self._create(provider, intent)
                else:
                    await self._query(provider, intent)
        except ProviderRefused as error:
            log.error("the provider refused a call", intent=intent.id, code=error.code)
            await (self._failed if intent.state is IntentState.CREATED else self._postpone)(intent)
        except (Unreachable, TimeoutError):
            await self._postpone(intent)

    async def _create(self, provider: PaymentProvider, intent: Intent) -> None:
        now_ms = self._shop.clock()
        payer = None
        if provider.asks_payer:
            due_ms = next_query_ms(intent, now_ms)
            async with self._shop.record.write() as connection:
                payer = await connection.run_sync(payer_or_postpone, intent, due_ms)
            if payer is None:  # it is due when the buyer's page says who (payers.py)
                return
        action = await provider.create(
            IntentRequest(
                reference=intent.id,
                amount_fen=intent.amount_fen,
                what=await self._what(intent),
                expires_at_ms=ends_at_provider_ms(intent, now_ms),
                return_url=self._links.return_url,
                notify_url=self._links.notify_url,
                payer=payer,
            )
        )
        self._probe("created")

        def book(connection: Connection) -> None:
            event = own_event(intent.id, IntentEvent.ACTION, now_ms)
            if book_event(connection, intent.id, event, now_ms) is IntentState.ACTION:
                set_action(connection, intent.id, action)

        async with self._shop.record.write() as connection:
            await connection.run_sync(book)
        self._probe("action")

    async def _query(self, provider: PaymentProvider, intent: Intent) -> None:
        """Ask what became of an attempt; one that is over cannot be paid any more after this."""
        if intent.state is not IntentState.ACTION:
            await provider.close(intent.id)
            self._probe("closed")
        event = await provider.query(intent.id)
        self._probe("queried")
        if event is None:
            await self._postpone(intent)
            return
        found, now_ms = event, self._shop.clock()

        def book(connection: Connection) -> None:
            self._book(connection, intent.account, found, now_ms)
            # It is over for good, unless it is paid: then the intent has moved.
            postpone_intent(connection, intent, None)

        async with self._shop.record.write() as connection:
            await connection.run_sync(book)

    async def _postpone(self, intent: Intent) -> None:
        due_ms = next_query_ms(intent, self._shop.clock())
        async with self._shop.record.write() as connection:
            await connection.run_sync(postpone_intent, intent, due_ms)

    async def _failed(self, intent: Intent) -> None:
        """The provider has no such attempt and takes none."""
        now_ms = self._shop.clock()

        def book(connection: Connection) -> None:
            event = own_event(intent.id, IntentEvent.FAILED, now_ms)
            book_event(connection, intent.id, event, now_ms)
            postpone_intent(connection, replace(intent, state=IntentState.FAILED), None)

        async with self._shop.record.write() as connection:
            await connection.run_sync(book)

    async def _what(self, intent: Intent) -> str:
        """What the buyer sees in the provider's app."""
        async with self._shop.record.read() as connection:
            row = (
                await connection.execute(
                    select(orders.c.product_id, orders.c.number).where(
                        orders.c.id == intent.order_id
                    )
                )
            ).one()
        product = await self._shop.cache.product(row.product_id)
        number = f" #{row.number}"
        return f"{product.name.zh[: WHAT_CHARS_MAX - len(number)]}{number}"


def _ask_for_refund(connection: Connection, intent_id: str, at_ms: int) -> None:
    """The provider decided about a refund: the queue asks it what (refund_calls.py)."""
    intent = find_intent(connection, intent_id)
    if intent:
        enqueue(connection, Topic.REFUND, [intent.order_id], at_ms)
