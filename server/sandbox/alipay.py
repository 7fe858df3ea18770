"""Alipay's gateway as the sandbox plays it: https://opendocs.alipay.com."""

import json
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import parse_qsl, urlencode

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from commerce.io.payments.alipay import fen, signed_text, yuan
from commerce.io.payments.rsa import sign, verify
from commerce.io.payments.times import ms_of_spaced, spaced
from server.sandbox.book import BookRefused, Refund, Trade, TradeState, Why
from server.sandbox.keys import ALIPAY_APP_ID
from server.sandbox.notices import ALIPAY_RETRIES_S, Notice, Post
from server.sandbox.parts import Desk

CLOCK_DIFFERENCE_MS = 900_000  # that a request's time may have
TRADE_TTL_MS = 2 * 3_600_000  # without time_expire
PAGES = ("alipay.trade.wap.pay", "alipay.trade.page.pay")

_STATES = {
    TradeState.WAITING: "WAIT_BUYER_PAY",
    TradeState.PAID: "TRADE_SUCCESS",
    TradeState.DECLINED: "WAIT_BUYER_PAY",
    TradeState.CLOSED: "TRADE_CLOSED",
}
_REFUSALS = {
    Why.UNKNOWN: "ACQ.TRADE_NOT_EXIST",
    Why.USED: "ACQ.CONTEXT_INCONSISTENT",
    Why.PAID: "ACQ.TRADE_HAS_SUCCESS",
    Why.CLOSED: "ACQ.TRADE_HAS_CLOSE",
    Why.NOT_PAID: "ACQ.TRADE_STATUS_ERROR",
    Why.TOO_MUCH: "ACQ.REFUND_AMT_NOT_EQUAL_TOTAL",
    Why.TOO_MANY: "ACQ.REFUND_TIME_EXCEED_LIMIT",
    Why.TOO_SOON: "ACQ.SYSTEM_ERROR",
}


class AlipayGateway:
    """Implements `server.sandbox.parts.Played`."""

    name = "alipay"

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._methods: Mapping[str, Callable[[dict[str, Any], dict[str, str], int], Any]] = {
            "alipay.trade.precreate": self._create,
            "alipay.trade.query": self._query,
            "alipay.trade.close": self._close,
            "alipay.trade.refund": self._refund,
            "alipay.trade.fastpay.refund.query": self._query_refund,
        }

    def answer(self, request: Request, body: bytes, now_ms: int) -> Response:
        """See `Played`."""
        text = request.url.query if request.method == "GET" else body.decode("ascii", "replace")
        fields = dict(parse_qsl(text, keep_blank_values=True))
        method = fields.get("method", "")
        if not self._is_signed(dict(fields), now_ms):
            return _json(b"error_response", b'{"code":"40002","sub_code":"isv.invalid-signature"}')
        try:
            content = json.loads(fields["biz_content"])
            if method in PAGES:
                trade = self._trade(content, fields, now_ms)
                return RedirectResponse(self._desk.page(trade), 302)
            found = self._methods[method](content, fields, now_ms)
            return self._response(method, {"code": "10000", "msg": "Success", **found})
        except BookRefused as refused:
            code = {"code": "40004", "msg": "Business Failed", "sub_code": _REFUSALS[refused.why]}
            return self._response(method, code)
        except (ValueError, LookupError, TypeError):
            code = {"code": "40002", "msg": "Invalid Arguments", "sub_code": "isv.invalid-argument"}
            return self._response(method, code)

    def too_many(self) -> Response:
        """See `Played`: the gateway answers 200 and names the limit."""
        code = {"code": "40006", "msg": "limited", "sub_code": "isv.app-call-limited"}
        return _json(b"error_response", json.dumps(code).encode())

    def error(self) -> Response:
        """See `Played`."""
        return Response("Bad Gateway", 502)

    def _trade(self, content: dict[str, Any], fields: dict[str, str], now_ms: int) -> Trade:
        expire = content.get("time_expire")
        trade = Trade(
            self.name,
            reference=str(content["out_trade_no"]),
            amount_fen=fen(content["total_amount"]),
            what=str(content["subject"]),
            notify_url=fields.get("notify_url", ""),
            return_url=fields.get("return_url", ""),
            expires_ms=ms_of_spaced(expire) if expire else now_ms + TRADE_TTL_MS,
            made_ms=now_ms,
        )
        return self._desk.book.create(trade, now_ms=now_ms)

    def _create(self, content: dict[str, Any], fields: dict[str, str], now_ms: int) -> Any:
        trade = self._trade(content, fields, now_ms)
        return {"out_trade_no": trade.reference, "qr_code": self._desk.page(trade)}

    def _find(self, content: dict[str, Any], now_ms: int) -> Trade:
        return self._desk.book.find(self.name, content["out_trade_no"], now_ms=now_ms)

    def _query(self, content: dict[str, Any], _fields: dict[str, str], now_ms: int) -> Any:
        trade = self._find(content, now_ms)
        found = {
            "trade_no": trade.id,
            "out_trade_no": trade.reference,
            "trade_status": _status(trade),
            "total_amount": yuan(trade.amount_fen),
        }
        if trade.state is TradeState.PAID:
            found["send_pay_date"] = spaced(trade.ended_ms)
        return found

    def _close(self, content: dict[str, Any], _fields: dict[str, str], now_ms: int) -> Any:
        trade = self._find(content, now_ms)
        if not self._desk.book.end(trade, TradeState.CLOSED, now_ms=now_ms):
            raise BookRefused(Why.NOT_PAID)
        return {"trade_no": trade.id, "out_trade_no": trade.reference}

    def _refund(self, content: dict[str, Any], _fields: dict[str, str], now_ms: int) -> Any:
        trade = self._find(content, now_ms)
        refund, is_new = self._desk.book.refund(
            trade,
            str(content["out_request_no"]),
            fen(content["refund_amount"]),
            "",
            now_ms=now_ms,
        )
        return {
            "trade_no": trade.id,
            "out_trade_no": trade.reference,
            "fund_change": "Y" if is_new and refund.done(now_ms) else "N",
            "refund_fee": yuan(trade.refunded_fen),
        }

    def _query_refund(self, content: dict[str, Any], _fields: dict[str, str], now_ms: int) -> Any:
        trade = self._find(content, now_ms)
        refund = trade.refunds.get(content["out_request_no"])
        if refund is None or not refund.done(now_ms):
            return {}
        return {
            "trade_no": trade.id,
            "out_trade_no": trade.reference,
            "out_request_no": refund.reference,
            "refund_amount": yuan(refund.amount_fen),
            "refund_status": "REFUND_SUCCESS",
            "gmt_refund_pay": spaced(refund.ends_ms),
        }

    def notice(self, trade: Trade) -> Notice | None:
        """See `Played`: a trade that was declined still waits."""
        if trade.state not in (TradeState.PAID, TradeState.CLOSED) or not trade.notify_url:
            return None
        fields = {
            "notify_type": "trade_status_sync",
            "notify_id": f"{trade.id}00{trade.state.value}",
            "app_id": ALIPAY_APP_ID,
            "charset": "utf-8",
            "version": "1.0",
            "trade_no": trade.id,
            "out_trade_no": trade.reference,
            "trade_status": _status(trade),
            "total_amount": yuan(trade.amount_fen),
            "subject": trade.what,
            "gmt_create": spaced(trade.made_ms),
        }
        if trade.state is TradeState.PAID:
            fields["gmt_payment"] = spaced(trade.ended_ms)

        def written(now_ms: int) -> Post:
            text = fields | {"notify_time": spaced(now_ms)}
            signature = sign(self._desk.keys.provider, signed_text(text).encode())
            form = urlencode(text | {"sign_type": "RSA2", "sign": signature}).encode()
            headers = {"Content-Type": "application/x-www-form-urlencoded; charset=utf-8"}
            return Post(trade.notify_url, headers, form)

        return Notice(written, lambda _, body: body.strip() == b"success", ALIPAY_RETRIES_S)

    def refund_notice(self, _trade: Trade, _refund: Refund) -> Notice | None:
        """See `Played`: a refund is answered at once."""
        return None

    def _is_signed(self, fields: dict[str, str], now_ms: int) -> bool:
        signature = fields.pop("sign", "")
        try:
            is_now = abs(ms_of_spaced(fields["timestamp"]) - now_ms) <= CLOCK_DIFFERENCE_MS
        except (ValueError, LookupError):
            return False
        return (
            is_now
            and fields.get("app_id") == ALIPAY_APP_ID
            and fields.get("sign_type") == "RSA2"
            and verify(self._desk.keys.merchant, signed_text(fields).encode(), signature)
        )

    def _response(self, method: str, found: Mapping[str, str]) -> Response:
        # As the gateway writes it: slashes escaped.
        text = json.dumps(found, ensure_ascii=False, separators=(",", ":")).replace("/", "\\/")
        signature = sign(self._desk.keys.provider, text.encode())
        return _json(method.replace(".", "_").encode() + b"_response", text.encode(), signature)


def _status(trade: Trade) -> str:
    if trade.state is TradeState.PAID and trade.refunded_fen == trade.amount_fen:
        return "TRADE_CLOSED"
    return _STATES[trade.state]


def _json(member: bytes, text: bytes, signature: str = "") -> Response:
    more = b',"sign":"' + signature.encode() + b'"' if signature else b""
    body = b'{"' + member + b'":' + text + more + b"}"
    return Response(body, media_type="text/html;charset=utf-8")
