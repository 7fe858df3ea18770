"""Stripe's API as the sandbox plays it: https://docs.stripe.com/api."""

import json
import re
from typing import Any
from urllib.parse import parse_qsl

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from commerce.io.payments.stripe import signature_of
from server.sandbox.book import BookRefused, Refund, Trade, TradeState, Why
from server.sandbox.notices import STRIPE_RETRIES_S, Notice, Post
from server.sandbox.parts import Desk

TRADE_TTL_MS = 365 * 86_400_000  # an intent is never ended by Stripe
WEBHOOK_PATH = "/hooks/payments/stripe"
KEYS_MAX = 100_000

_QUERY = re.compile(r"metadata\['reference'\]:'([0-9A-Za-z_-]+)'")
_STATES = {
    TradeState.WAITING: "requires_action",
    TradeState.PAID: "succeeded",
    TradeState.DECLINED: "requires_payment_method",
    TradeState.CLOSED: "canceled",
}
_EVENTS = {
    TradeState.PAID: "payment_intent.succeeded",
    TradeState.DECLINED: "payment_intent.payment_failed",
    TradeState.CLOSED: "payment_intent.canceled",
}
_REFUSALS = {
    Why.UNKNOWN: (404, "resource_missing"),
    Why.USED: (400, "idempotency_error"),
    Why.PAID: (400, "payment_intent_unexpected_state"),
    Why.CLOSED: (400, "payment_intent_unexpected_state"),
    Why.NOT_PAID: (400, "charge_not_refundable"),
    Why.TOO_MUCH: (400, "charge_already_refunded"),
    Why.TOO_MANY: (400, "charge_already_refunded"),
    Why.TOO_SOON: (429, "rate_limit"),
}


class StripeApi:
    """Implements `server.sandbox.parts.Played`. Events go to `webhook_url`, as to an endpoint."""

    name = "stripe"

    def __init__(self, desk: Desk, webhook_url: str) -> None:
        self._desk = desk
        self._webhook_url = webhook_url
        self._keys: dict[str, tuple[bytes, Trade]] = {}  # of idempotency

    def answer(self, request: Request, body: bytes, now_ms: int) -> Response:
        """See `Played`."""
        if request.headers.get("authorization") != f"Bearer {self._desk.keys.stripe_secret}":
            return _error(401, "invalid_api_key")
        try:
            form = dict(parse_qsl(body.decode("ascii"), keep_blank_values=True))
            return JSONResponse(self._answer(request, form, body, now_ms))
        except BookRefused as refused:
            return _error(*_REFUSALS[refused.why])
        except (ValueError, LookupError):
            return _error(400, "parameter_invalid")

    def too_many(self) -> Response:
        """See `Played`."""
        return _error(429, "rate_limit")

    def error(self) -> Response:
        """See `Played`."""
        return _error(500, "api_error")

    def _answer(
        self, request: Request, form: dict[str, str], body: bytes, now_ms: int
    ) -> dict[str, Any]:
        book, params, path = self._desk.book, request.path_params, request.url.path
        if path == "/v1/payment_intents":
            key = request.headers["idempotency-key"]
            return self._intent(self._create(form, body, key, now_ms), now_ms)
        if path.endswith("/search"):
            found = _QUERY.fullmatch(request.query_params["query"])
            trades = [trade for trade in book.trades(now_ms) if trade.provider == self.name]
            data = [
                self._intent(trade, now_ms)
                for trade in trades
                if found is not None and trade.reference == found[1]
            ]
            return {"object": "search_result", "data": data, "has_more": False}
        if path == "/v1/refunds" and request.method == "GET":
            trade = book.by_id(request.query_params["payment_intent"][3:], now_ms=now_ms)
            data = [_refund(trade, refund, now_ms) for refund in trade.refunds.values()]
            return {"object": "list", "data": data, "has_more": False}
        if path == "/v1/refunds":
            trade = book.by_id(form["payment_intent"][3:], now_ms=now_ms)
            reference = form["metadata[refund_reference]"]
            amount = int(form["amount"])
            refund, is_new = book.refund(trade, reference, amount, "", now_ms=now_ms)
            if is_new:
                self._desk.notices.add(self.refund_notice(trade, refund), now_ms=refund.ends_ms)
            return _refund(trade, refund, now_ms)
        trade = book.by_id(params["id"][3:], now_ms=now_ms)
        if path.endswith("/cancel"):
            if trade.state is TradeState.DECLINED:
                trade.state = TradeState.WAITING  # it could have been tried again
            if not book.end(trade, TradeState.CLOSED, now_ms=now_ms):
                raise BookRefused(Why.PAID)
            self._desk.notices.add(self.notice(trade), now_ms=now_ms)
        return self._intent(trade, now_ms)

    def _create(self, form: dict[str, str], body: bytes, key: str, now_ms: int) -> Trade:
        if key in self._keys:
            before, trade = self._keys[key]
            if before != body:
                raise BookRefused(Why.USED)
            return trade
        if form["currency"] != "cny" or form["confirm"] != "true":
            raise ValueError("currency or confirm")
        trade = Trade(
            self.name,
            reference=form["metadata[reference]"],
            amount_fen=int(form["amount"]),
            what=form["description"],
            notify_url=self._webhook_url,
            return_url=form["return_url"],
            expires_ms=now_ms + TRADE_TTL_MS,
            made_ms=now_ms,
        )
        trade = self._desk.book.create(trade, now_ms=now_ms)
        if len(self._keys) >= KEYS_MAX:
            del self._keys[next(iter(self._keys))]
        self._keys[key] = body, trade
        return trade

    def notice(self, trade: Trade) -> Notice:
        """See `Played`."""
        kind, ended_ms = _EVENTS[trade.state], trade.ended_ms
        return self._event(
            f"evt_{trade.id}{trade.state.value}", kind, ended_ms, self._intent(trade, ended_ms)
        )

    def refund_notice(self, trade: Trade, refund: Refund) -> Notice:
        """See `Played`."""
        kind = "refund.failed" if refund.fails else "refund.updated"
        ends_ms = refund.ends_ms
        return self._event(f"evt_{refund.id}", kind, ends_ms, _refund(trade, refund, ends_ms))

    def _event(self, id: str, kind: str, at_ms: int, found: dict[str, Any]) -> Notice:
        body = json.dumps(
            {
                "id": id,
                "object": "event",
                "type": kind,
                "created": at_ms // 1_000,
                "livemode": False,
                "data": {"object": found},
            }
        ).encode()

        def written(now_ms: int) -> Post:
            at_s = now_ms // 1_000
            signature = signature_of(self._desk.keys.webhook_secret, at_s, body)
            headers = {
                "Content-Type": "application/json; charset=utf-8",
                "Stripe-Signature": f"t={at_s},v1={signature}",
            }
            return Post(self._webhook_url, headers, body)

        return Notice(written, lambda status, _: 200 <= status < 300, STRIPE_RETRIES_S)

    def _intent(self, trade: Trade, _now_ms: int) -> dict[str, Any]:
        paid = trade.state is TradeState.PAID
        found: dict[str, Any] = {
            "id": f"pi_{trade.id}",
            "object": "payment_intent",
            "status": _STATES[trade.state],
            "amount": trade.amount_fen,
            "amount_received": trade.amount_fen if paid else 0,
            "currency": "cny",
            "created": trade.made_ms // 1_000,
            "metadata": {"reference": trade.reference},
            "next_action": None,
            "last_payment_error": None,
        }
        if trade.state is TradeState.WAITING:
            url = self._desk.page(trade)
            action = {"url": url, "return_url": trade.return_url}
            found["next_action"] = {
                "type": "alipay_handle_redirect",
                "alipay_handle_redirect": action,
            }
        if trade.state is TradeState.DECLINED:
            found["last_payment_error"] = {"code": "payment_intent_payment_attempt_failed"}
        return found


def _refund(trade: Trade, refund: Refund, now_ms: int) -> dict[str, Any]:
    status = "pending"
    if refund.done(now_ms):
        status = "succeeded"
    elif refund.failed(now_ms):
        status = "failed"
    return {
        "id": f"re_{refund.id}",
        "object": "refund",
        "amount": refund.amount_fen,
        "created": refund.made_ms // 1_000,
        "currency": "cny",
        "payment_intent": f"pi_{trade.id}",
        "status": status,
        "metadata": {"reference": trade.reference, "refund_reference": refund.reference},
    }


def _error(status: int, code: str) -> Response:
    return JSONResponse({"error": {"type": "invalid_request_error", "code": code}}, status)
