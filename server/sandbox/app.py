"""The sandbox as an application: the providers' routes, the pay pages, and the queue of notices."""

import asyncio
import time
from collections.abc import Awaitable, Callable

import httpx
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from server.sandbox.alipay import AlipayGateway
from server.sandbox.book import Book, BookRefused, TradeState
from server.sandbox.faults import Faults
from server.sandbox.keys import Keys
from server.sandbox.notices import Notices
from server.sandbox.pages import list_page, pay_page
from server.sandbox.parts import Desk, Played
from server.sandbox.stripe import WEBHOOK_PATH, StripeApi
from server.sandbox.wechat import Wechat

BODY_BYTES_MAX = 64 * 1024
LIST_MAX = 200
TICK_S = 0.2
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'",
    "Cache-Control": "no-store",
}

Endpoint = Callable[[Request], Awaitable[Response]]


def wall_ms() -> int:
    """The clock of a sandbox that a person uses."""
    return time.time_ns() // 1_000_000


class Sandbox:
    """The sandbox. `url` is its own address, `webhook_url` where Stripe's events go."""

    def __init__(
        self,
        keys: Keys,
        url: str,
        *,
        faults: Faults | None = None,
        webhook_url: str = "",
        clock: Callable[[], int] = wall_ms,
    ) -> None:
        self.faults = faults or Faults()
        self.notices = Notices(self.faults)
        self.book = Book(self.faults)
        self._clock = clock
        desk = Desk(self.book, self.notices, self.faults, keys, url)
        self._wechat, self._alipay = Wechat(desk), AlipayGateway(desk)
        self._stripe = StripeApi(desk, webhook_url or f"http://127.0.0.1:8080{WEBHOOK_PATH}")
        self._played: dict[str, Played] = {
            played.name: played for played in (self._wechat, self._alipay, self._stripe)
        }
        self.app = Starlette(routes=self._routes())

    async def run(self) -> None:
        """Send notices when they are due, until cancelled."""
        async with httpx.AsyncClient(trust_env=False) as client:  # it calls this machine
            while True:
                await self.notices.send_due(client, now_ms=self._clock())
                await asyncio.sleep(TICK_S)

    def _routes(self) -> list[Route]:
        wechat, refunds = self._api(self._wechat), "/v3/refund/domestic/refunds"
        stripe = self._api(self._stripe)
        by_reference = "/v3/pay/transactions/out-trade-no/{reference}"
        return [
            Route("/", self._list),
            Route("/pay/{token}", self._pay_page, methods=["GET"]),
            Route("/pay/{token}", self._pay, methods=["POST"]),
            Route(by_reference, wechat),
            Route(f"{by_reference}/close", wechat, methods=["POST"]),
            Route("/v3/pay/transactions/{method}", wechat, methods=["POST"]),
            Route(refunds, self._api(self._wechat, refund=True), methods=["POST"]),
            Route(f"{refunds}/{{refund}}", wechat),
            Route("/sns/oauth2/access_token", self._login),
            Route("/gateway.do", self._api(self._alipay), methods=["GET", "POST"]),
            Route("/v1/payment_intents", stripe, methods=["POST"]),
            Route("/v1/payment_intents/search", stripe),
            Route("/v1/payment_intents/{id}", stripe),
            Route("/v1/payment_intents/{id}/cancel", stripe, methods=["POST"]),
            Route("/v1/refunds", stripe, methods=["GET", "POST"]),
        ]

    def _api(self, played: Played, *, refund: bool = False) -> Endpoint:
        async def endpoint(request: Request) -> Response:
            now_ms, faults = self._clock(), self.faults
            body = await request.body()
            if len(body) > BODY_BYTES_MAX:
                return Response(status_code=413)
            if faults.is_too_many(played.name, refund=refund, now_ms=now_ms):
                return played.too_many()
            if faults.is_error():
                return played.error()
            answer = played.answer(request, body, now_ms)
            return played.error() if faults.is_mute() else answer

        return endpoint

    async def _login(self, request: Request) -> Response:
        return self._wechat.login(request.query_params)

    async def _list(self, _request: Request) -> Response:
        trades = self.book.trades(self._clock())[:LIST_MAX]
        return HTMLResponse(list_page(trades), headers=HEADERS)

    async def _pay_page(self, request: Request) -> Response:
        try:
            token = request.path_params["token"]
            trade = self.book.by_token(token, now_ms=self._clock())
        except BookRefused:
            return HTMLResponse("没有这笔交易 No such trade.", 404, headers=HEADERS)
        if "redirect_url" in request.query_params:  # H5: where WeChat goes back to
            trade.return_url = request.query_params["redirect_url"]
        return HTMLResponse(pay_page(trade, trade.return_url), headers=HEADERS)

    async def _pay(self, request: Request) -> Response:
        form = await request.body()
        answers = {b"answer=pay": TradeState.PAID, b"answer=decline": TradeState.DECLINED}
        token = request.path_params["token"]
        if form not in answers:
            return Response(status_code=400)
        try:
            self.decide(token, answers[form])
        except BookRefused:
            return HTMLResponse("没有这笔交易 No such trade.", 404, headers=HEADERS)
        return RedirectResponse(f"/pay/{token}", 303)

    def decide(self, token: str, state: TradeState) -> None:
        """Pay or decline a trade, as its page does; nothing happens to one that has ended.

        Raises:
            BookRefused: No trade has this token.
        """
        now_ms = self._clock()
        trade = self.book.by_token(token, now_ms=now_ms)
        if not self.book.end(trade, state, now_ms=now_ms):
            return
        notice = self._played[trade.provider].notice(trade)
        if notice is not None:
            self.notices.add(notice, now_ms=now_ms)
