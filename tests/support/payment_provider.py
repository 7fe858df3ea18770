"""A payment provider in memory: the test pays, declines, loses answers and repeats webhooks."""

import itertools
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field

from commerce.money.providers import (
    Action,
    ActionKind,
    BuyerLogin,
    EventKind,
    IntentRequest,
    ProviderEvent,
    ProviderRefused,
    RefusedBecause,
    Unreachable,
    WebhookRefused,
)

SIGNATURE = "x-signature"


@dataclass(slots=True)
class Attempt:
    """An attempt to pay as the provider knows it."""

    request: IntentRequest
    end: ProviderEvent | None = None


@dataclass(slots=True)
class MemoryProvider:
    """Implements `commerce.money.providers.PaymentProvider`.

    `lost` calls were made, but their answers did not come; `down` ones did not arrive.
    """

    name: str = "memory"
    account: str = "m1"
    asks_payer: bool = False
    login: BuyerLogin | None = None
    attempts: dict[str, Attempt] = field(default_factory=dict)
    refunds: dict[str, ProviderEvent] = field(default_factory=dict)
    lost: set[str] = field(default_factory=set)
    down: set[str] = field(default_factory=set)
    refuses: set[str] = field(default_factory=set)
    calls: list[str] = field(default_factory=list)
    numbers: "itertools.count[int]" = field(default_factory=itertools.count)

    def pay(self, reference: str) -> ProviderEvent:
        """The buyer pays, even late; what was paid or closed stays so."""
        return self._end(reference, EventKind.PAID)

    def decline(self, reference: str) -> ProviderEvent:
        """The bank declines."""
        return self._end(reference, EventKind.FAILED)

    def webhook(self, event: ProviderEvent) -> tuple[dict[str, str], bytes]:
        """What the provider sends of an event: headers and body."""
        return {SIGNATURE: self.account}, json.dumps(asdict(event)).encode()

    def _end(self, reference: str, kind: EventKind) -> ProviderEvent:
        attempt = self.attempts[reference]
        if attempt.end is None:
            fen = attempt.request.amount_fen
            event_id = f"event-{next(self.numbers)}"
            ref = f"ref-{reference}"
            attempt.end = ProviderEvent(event_id, kind, reference, None, ref, fen, 1)
        return attempt.end

    def _called(self, call: str) -> None:
        self.calls.append(call)
        if call in self.down:
            raise Unreachable(call)

    def _answers(self, call: str) -> None:
        if call in self.lost:
            raise Unreachable(call)

    async def create(self, request: IntentRequest) -> Action:
        """Begin an attempt."""
        self._called("create")
        if "create" in self.refuses:
            raise ProviderRefused("NO_AUTH")
        self.attempts.setdefault(request.reference, Attempt(request))
        self._answers("create")
        return Action(ActionKind.QR, {"url": f"memory://pay/{request.reference}"})

    async def query(self, reference: str) -> ProviderEvent | None:
        """Return how an attempt ended."""
        self._called("query")
        attempt = self.attempts.get(reference)
        return attempt.end if attempt else None

    async def close(self, reference: str) -> None:
        """End an unpaid attempt."""
        self._called("close")
        if reference in self.attempts:
            self._end(reference, EventKind.CLOSED)

    async def refund(
        self, reference: str, refund_reference: str, amount_fen: int, total_fen: int
    ) -> ProviderEvent | None:
        """Give an amount back."""
        self._called("refund")
        end = self.attempts[reference].end
        if end is None or end.kind is not EventKind.PAID:
            raise ProviderRefused("NOT_PAID")
        given = sum(
            event.amount_fen for event in self.refunds.values() if event.reference == reference
        )
        if refund_reference not in self.refunds and given + amount_fen > total_fen:
            raise ProviderRefused("TOO_MUCH")
        self.refunds.setdefault(
            refund_reference,
            ProviderEvent(
                f"event-{next(self.numbers)}",
                EventKind.REFUNDED,
                reference,
                refund_reference,
                f"ref-{refund_reference}",
                amount_fen,
                1,
            ),
        )
        self._answers("refund")
        return self.refunds[refund_reference]

    async def query_refund(self, reference: str, refund_reference: str) -> ProviderEvent | None:
        """Return how a refund ended."""
        self._called("query_refund")
        return self.refunds.get(refund_reference)

    def read_webhook(
        self, headers: Mapping[str, str], body: bytes, *, now_ms: int
    ) -> ProviderEvent | None:
        """Check who signed, and read."""
        signed = headers.get(SIGNATURE)
        if signed is None:
            raise WebhookRefused(RefusedBecause.UNSIGNED)
        if signed == "stale":
            raise WebhookRefused(RefusedBecause.STALE)
        if signed != self.account:
            raise WebhookRefused(RefusedBecause.FOREIGN)
        values = json.loads(body)
        return ProviderEvent(**{**values, "kind": EventKind(values["kind"])})

    def acknowledge(self) -> tuple[int, bytes, str]:
        """Return what is taken as received."""
        return 200, b"success", "text/plain"


@dataclass(slots=True)
class MemoryLogin:
    """Implements `commerce.money.providers.BuyerLogin`: the code is what the buyer is known by."""

    def url(self, back: str, state: str) -> str:
        """Where the page goes."""
        return f"memory://login?back={back}&state={state}"

    async def client_of(self, code: str) -> str:
        """Who brought the code."""
        if code == "old":
            raise ProviderRefused("used")
        return code
