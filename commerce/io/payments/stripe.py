"""Stripe: PaymentIntents for wallets that Stripe opens, refunds, and signed events.

A card needs Stripe's own script in the page, which our Content-Security-Policy does not allow: the
wallets `alipay` and `wechat_pay` are confirmed by the server. Source: https://docs.stripe.com/api
(payment_intents, refunds, idempotent_requests) and https://docs.stripe.com/webhooks.
"""

import hashlib
import hmac
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from urllib.parse import quote, urlencode

import msgspec

from commerce.io.payments.calls import Answer, Calls
from commerce.io.record.engine import Clock
from commerce.money.providers import (
    REPLAY_WINDOW_MS,
    WEBHOOK_BYTES_MAX,
    WHAT_CHARS_MAX,
    Action,
    ActionKind,
    EventKind,
    IntentRequest,
    ProviderEvent,
    ProviderRefused,
    RefusedBecause,
    Unreachable,
    WebhookRefused,
    is_reference,
)

LIVE_URL = "https://api.stripe.com"
API_VERSION = "2024-06-20"
CURRENCY = "cny"
IDS_MAX = 10_000  # of attempts, kept so that a query need not search
SIGNATURES_MAX = 8  # of an event, while a secret is rolled
ACKNOWLEDGED = b"{}"

_STATES = {
    "succeeded": EventKind.PAID,
    "canceled": EventKind.CLOSED,
}
_EVENTS = {
    "payment_intent.succeeded": EventKind.PAID,
    "payment_intent.payment_failed": EventKind.FAILED,
    "payment_intent.canceled": EventKind.CLOSED,
}
_REFUND_EVENTS = frozenset({"refund.created", "refund.updated", "refund.failed"})
_REFUND_STATES = {
    "succeeded": EventKind.REFUNDED,
    "failed": EventKind.REFUND_FAILED,
    "canceled": EventKind.REFUND_FAILED,
}


class Method(StrEnum):
    """The wallet that the buyer pays with."""

    ALIPAY = "alipay"
    WECHAT_PAY = "wechat_pay"


@dataclass(frozen=True, slots=True)
class StripeAccount:
    """An account, its secret key and the secret of its webhook endpoint."""

    account: str
    secret_key: str
    webhook_secret: str
    method: Method = Method.ALIPAY
    url: str = LIVE_URL


class _Redirect(msgspec.Struct):
    url: str = ""


class _Qr(msgspec.Struct):
    data: str = ""


class _NextAction(msgspec.Struct):
    alipay_handle_redirect: _Redirect | None = None
    redirect_to_url: _Redirect | None = None
    wechat_pay_display_qr_code: _Qr | None = None


class _Intent(msgspec.Struct):
    id: str
    status: str
    amount: int
    currency: str
    created: int
    amount_received: int = 0
    metadata: dict[str, str] = msgspec.field(default_factory=dict)
    next_action: _NextAction | None = None
    last_payment_error: dict[str, object] | None = None


class _Refund(msgspec.Struct):
    id: str
    amount: int
    created: int
    status: str | None = None
    metadata: dict[str, str] = msgspec.field(default_factory=dict)


class _Intents(msgspec.Struct):
    data: list[_Intent]


class _Refunds(msgspec.Struct):
    data: list[_Refund]


class _Error(msgspec.Struct):
    code: str = ""
    type: str = ""


class _Failure(msgspec.Struct):
    error: _Error


class _EventData(msgspec.Struct):
    object: msgspec.Raw


class _Event(msgspec.Struct):
    id: str
    type: str
    created: int
    data: _EventData


class Stripe:
    """Implements `commerce.money.providers.PaymentProvider`."""

    name = "stripe"
    asks_payer = False
    login = None

    def __init__(self, account: StripeAccount, clock: Clock) -> None:
        self.account = account.account
        self._of = account
        self._clock = clock
        self._calls = Calls(account.url)
        self._ids: OrderedDict[str, str] = OrderedDict()  # of intents by our reference

    async def create(self, request: IntentRequest) -> Action:
        """See the port. Stripe keeps a reference for 24 h, and ends no intent by itself: close."""
        method = self._of.method.value
        form = {
            "amount": str(request.amount_fen),
            "currency": CURRENCY,
            "confirm": "true",
            "description": request.what[:WHAT_CHARS_MAX],
            "metadata[reference]": request.reference,
            "payment_method_types[]": method,
            "payment_method_data[type]": method,
            "return_url": request.return_url,
        }
        if self._of.method is Method.WECHAT_PAY:
            form["payment_method_options[wechat_pay][client]"] = "web"
        answer = await self._send("POST", "/v1/payment_intents", form, key=request.reference)
        intent = _expect(answer).read(_Intent)
        self._keep(request.reference, intent.id)
        return _action(intent)

    async def query(self, reference: str) -> ProviderEvent | None:
        """See the port. What another worker began is found once Stripe's search has it."""
        intent = await self._find(reference)
        if intent is None:
            return None
        kind = _STATES.get(intent.status)
        if intent.status == "requires_payment_method" and intent.last_payment_error is not None:
            kind = EventKind.FAILED
        if kind is None:
            return None
        return _payment(intent, reference, kind, f"query:{reference}:{kind}", self._clock())

    async def close(self, reference: str) -> None:
        """See the port."""
        intent = await self._find(reference)
        if intent is None:
            return
        answer = await self._send("POST", f"/v1/payment_intents/{quote(intent.id)}/cancel", {})
        if answer.status >= 400 and _code(answer) != "payment_intent_unexpected_state":
            raise ProviderRefused(_code(answer))

    async def refund(
        self, reference: str, refund_reference: str, amount_fen: int, total_fen: int
    ) -> ProviderEvent | None:
        """See the port. A refund that Stripe made before is found by its reference."""
        intent = await self._find(reference)
        if intent is None:
            raise Unreachable("the payment is not found")
        made = await self._made(intent.id, refund_reference)
        if made is None:
            form = {
                "payment_intent": intent.id,
                "amount": str(amount_fen),
                "metadata[reference]": reference,
                "metadata[refund_reference]": refund_reference,
            }
            answer = await self._send("POST", "/v1/refunds", form, key=refund_reference)
            made = _expect(answer).read(_Refund)
        return _refund_event(made, f"query:{refund_reference}", self._clock())

    async def query_refund(self, reference: str, refund_reference: str) -> ProviderEvent | None:
        """See the port."""
        intent = await self._find(reference)
        made = await self._made(intent.id, refund_reference) if intent else None
        return _refund_event(made, f"query:{refund_reference}", self._clock()) if made else None

    def read_webhook(
        self, headers: Mapping[str, str], body: bytes, *, now_ms: int
    ) -> ProviderEvent | None:
        """See the port."""
        header = {name.lower(): headers[name] for name in headers}.get("stripe-signature", "")
        at_s = verified_at(self._of.webhook_secret, header, body)
        if abs(now_ms - at_s * 1_000) > REPLAY_WINDOW_MS:
            raise WebhookRefused(RefusedBecause.STALE)
        try:
            event = msgspec.json.decode(body, type=_Event)
            at_ms = event.created * 1_000
            if event.type in _EVENTS:
                intent = msgspec.json.decode(event.data.object, type=_Intent)
                reference = intent.metadata.get("reference", "")
                if is_reference(reference):
                    return _payment(intent, reference, _EVENTS[event.type], event.id, at_ms)
            elif event.type in _REFUND_EVENTS:
                refund = msgspec.json.decode(event.data.object, type=_Refund)
                return _refund_event(refund, event.id, at_ms)
        except ValueError:
            raise WebhookRefused(RefusedBecause.UNREADABLE) from None
        return None

    def acknowledge(self) -> tuple[int, bytes, str]:
        """See the port."""
        return 200, ACKNOWLEDGED, "application/json"

    async def aclose(self) -> None:
        """End the connections."""
        await self._calls.aclose()

    async def _find(self, reference: str) -> _Intent | None:
        known = self._ids.get(reference)
        if known is not None:
            answer = await self._send("GET", f"/v1/payment_intents/{quote(known)}")
            return _expect(answer).read(_Intent)
        query = urlencode({"query": f"metadata['reference']:'{reference}'"})
        answer = await self._send("GET", f"/v1/payment_intents/search?{query}")
        found = _expect(answer).read(_Intents).data
        if not found:
            return None
        self._keep(reference, found[0].id)
        return found[0]

    async def _made(self, intent_id: str, refund_reference: str) -> _Refund | None:
        query = urlencode({"payment_intent": intent_id, "limit": "100"})
        answer = await self._send("GET", f"/v1/refunds?{query}")
        for refund in _expect(answer).read(_Refunds).data:
            if refund.metadata.get("refund_reference") == refund_reference:
                return refund
        return None

    def _keep(self, reference: str, id: str) -> None:
        self._ids[reference] = id
        if len(self._ids) > IDS_MAX:
            self._ids.popitem(last=False)

    async def _send(
        self, method: str, target: str, form: Mapping[str, str] | None = None, key: str = ""
    ) -> Answer:
        headers = {
            "Authorization": f"Bearer {self._of.secret_key}",
            "Stripe-Version": API_VERSION,
        }
        if key:
            headers["Idempotency-Key"] = key
        if form is not None:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        answer = await self._calls.send(method, target, headers, urlencode(form or {}).encode())
        if answer.status == 409:  # the first call with this key has not ended
            raise Unreachable(_code(answer))
        return answer


def signature_of(secret: str, at_s: int, body: bytes) -> str:
    """Return the v1 signature of an event."""
    return hmac.new(secret.encode(), f"{at_s}.".encode() + body, hashlib.sha256).hexdigest()


def verified_at(secret: str, header: str, body: bytes) -> int:
    """Return the time in seconds at which Stripe signed an event.

    Raises:
        WebhookRefused: It did not.
    """
    if len(body) > WEBHOOK_BYTES_MAX:
        raise WebhookRefused(RefusedBecause.UNREADABLE)
    pairs = [part.strip().partition("=") for part in header.split(",")]
    times = [value for name, _, value in pairs if name == "t"]
    signatures = [value for name, _, value in pairs if name == "v1"][:SIGNATURES_MAX]
    if len(times) != 1 or not signatures:
        raise WebhookRefused(RefusedBecause.UNSIGNED)
    [at] = times
    if not (at.isascii() and at.isdecimal() and len(at) <= 12):
        raise WebhookRefused(RefusedBecause.UNREADABLE)
    expected = signature_of(secret, int(at), body).encode()
    if not any(hmac.compare_digest(expected, one.encode()) for one in signatures):
        raise WebhookRefused(RefusedBecause.BAD_SIGNATURE)
    return int(at)


def _action(intent: _Intent) -> Action:
    step = intent.next_action
    if step is not None:
        for redirect in (step.alipay_handle_redirect, step.redirect_to_url):
            if redirect is not None and redirect.url:
                return Action(ActionKind.REDIRECT, {"url": redirect.url})
        if step.wechat_pay_display_qr_code is not None:
            return Action(ActionKind.QR, {"url": step.wechat_pay_display_qr_code.data})
    return Action(ActionKind.NONE)


def _payment(
    intent: _Intent, reference: str, kind: EventKind, event_id: str, at_ms: int
) -> ProviderEvent:
    fen = intent.amount_received if kind is EventKind.PAID else intent.amount
    if intent.currency != CURRENCY:
        fen = 0  # never the amount that was asked for
    return ProviderEvent(event_id, kind, reference, None, intent.id, fen, at_ms)


def _refund_event(refund: _Refund, event_id: str, at_ms: int) -> ProviderEvent | None:
    """Return what a refund came to; None while it is pending, or if it is not ours."""
    kind = _REFUND_STATES.get(refund.status or "")
    reference = refund.metadata.get("reference", "")
    refund_reference = refund.metadata.get("refund_reference", "")
    if kind is None or not is_reference(reference) or not is_reference(refund_reference):
        return None
    if event_id.startswith("query:"):
        event_id = f"{event_id}:{kind}"
    return ProviderEvent(
        event_id, kind, reference, refund_reference, refund.id, refund.amount, at_ms
    )


def _code(answer: Answer) -> str:
    try:
        error = answer.read(_Failure).error
    except Unreachable:
        return f"status {answer.status}"
    return error.code or error.type or f"status {answer.status}"


def _expect(answer: Answer) -> Answer:
    if answer.status >= 400:
        raise ProviderRefused(_code(answer))
    return answer
