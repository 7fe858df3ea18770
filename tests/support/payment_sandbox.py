"""The payment sandbox on loopback with a clock of the test's, and an adapter that calls it."""

import contextlib
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field

import httpx

from commerce.io.payments import alipay, stripe, wechat
from commerce.io.payments.accounts import OpenProvider
from commerce.money.providers import IntentRequest, ProviderEvent, WebhookRefused
from server.sandbox.app import Sandbox
from server.sandbox.faults import Faults
from server.sandbox.keys import ALIPAY_APP_ID, APPID, KEY_ID, MCHID, SERIAL, STRIPE_ACCOUNT, Keys
from tests.support.payment_vectors import private, public
from tests.support.serving import serving

PROVIDERS = ("wechat", "alipay", "stripe")
HOOK = "http://127.0.0.1:9/hooks/payments"
NOON_MS = 1_796_011_200_000  # 2026-11-30 12:00 in Beijing
REQUEST = IntentRequest(
    "order-1-try-1", 8_880, "邻里 & 3 件", NOON_MS + 900_000, "http://a.example/back", HOOK
)


@dataclass
class Played:
    """A sandbox, an adapter and what the adapter was sent."""

    sandbox: Sandbox
    provider: OpenProvider
    url: str
    now_ms: int = NOON_MS
    events: list[ProviderEvent] = field(default_factory=list)
    refused: list[WebhookRefused] = field(default_factory=list)
    answers: list[int] = field(default_factory=list)  # of the next webhooks, instead of ours

    def clock(self) -> int:
        """The time on both sides."""
        return self.now_ms

    async def webhooks(self) -> int:
        """Send what is due; return how many were acknowledged."""
        transport = httpx.MockTransport(self._take)
        async with httpx.AsyncClient(transport=transport) as client:
            return await self.sandbox.notices.send_due(client, now_ms=self.now_ms)

    def _take(self, request: httpx.Request) -> httpx.Response:
        if self.answers:
            return httpx.Response(self.answers.pop(0))
        headers, body = dict(request.headers), request.content
        try:
            event = self.provider.read_webhook(headers, body, now_ms=self.now_ms)
        except WebhookRefused as refused:
            self.refused.append(refused)
            return httpx.Response(refused.status)
        if event is not None:
            self.events.append(event)
        status, content, kind = self.provider.acknowledge()
        return httpx.Response(status, content=content, headers={"Content-Type": kind})


def sandbox_keys() -> Keys:
    """Keys that need not be made."""
    return Keys(public("merchant"), private("provider"), "0" * 32, "sk_sandbox_1", "whsec_1")


def adapter(name: str, url: str, clock: Callable[[], int]) -> OpenProvider:
    """The adapter of a provider with the sandbox's account."""
    keys = sandbox_keys()
    if name == "wechat":
        return wechat.WechatPay(
            wechat.WechatAccount(
                MCHID,
                APPID,
                SERIAL,
                private("merchant"),
                keys.api_v3_key.encode(),
                {KEY_ID: public("provider")},
                url=url,
                refund_notify_url=f"{HOOK}/wechat",
            ),
            clock,
        )
    if name == "alipay":
        account = alipay.AlipayAccount(
            ALIPAY_APP_ID, private("merchant"), public("provider"), url=f"{url}/gateway.do"
        )
        return alipay.Alipay(account, clock)
    return stripe.Stripe(
        stripe.StripeAccount(STRIPE_ACCOUNT, keys.stripe_secret, keys.webhook_secret, url=url),
        clock,
    )


@contextlib.asynccontextmanager
async def played(
    name: str, faults: Faults | None = None, *, over_tcp: bool = False
) -> AsyncIterator[Played]:
    """Run the sandbox and an adapter until the block ends, in this process or over TCP."""
    found: list[Played] = []

    def clock() -> int:
        return found[0].now_ms if found else NOON_MS

    sandbox = Sandbox(
        sandbox_keys(), "http://pay.example", faults=faults, webhook_url=HOOK, clock=clock
    )
    async with contextlib.AsyncExitStack() as stack:
        if over_tcp:
            url = await stack.enter_async_context(serving(sandbox.app))
            provider = adapter(name, url, clock)
        else:
            url = "http://127.0.0.1:1"
            provider = adapter(name, url, clock)
            transport = httpx.ASGITransport(sandbox.app)
            calls = provider._calls  # type: ignore[attr-defined]
            calls._client = httpx.AsyncClient(transport=transport)
        stack.push_async_callback(provider.aclose)
        found.append(Played(sandbox, provider, url))
        yield found[0]
