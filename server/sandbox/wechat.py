"""WeChat Pay v3 as the sandbox plays it: https://pay.weixin.qq.com/doc/v3/merchant."""

import base64
import json
import re
import secrets
from collections.abc import Mapping
from typing import Any

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from commerce.io.payments.rsa import sign, verify
from commerce.io.payments.times import ms_of_rfc3339, rfc3339
from server.sandbox.book import BookRefused, Refund, Trade, TradeState, Why
from server.sandbox.keys import APPID, KEY_ID, MCHID, SERIAL
from server.sandbox.notices import WECHAT_RETRIES_S, Notice, Post
from server.sandbox.parts import Desk

SCHEME = "WECHATPAY2-SHA256-RSA2048"
CLOCK_DIFFERENCE_S = 300  # that a request's time may have
TRADE_TTL_MS = 2 * 3_600_000  # without time_expire

_PART = re.compile(r'(\w+)="([^"]*)"')
_STATES = {
    TradeState.WAITING: "NOTPAY",
    TradeState.PAID: "SUCCESS",
    TradeState.DECLINED: "PAYERROR",
    TradeState.CLOSED: "CLOSED",
}
_REFUSALS = {
    Why.UNKNOWN: (404, "ORDER_NOT_EXIST"),
    Why.USED: (403, "OUT_TRADE_NO_USED"),
    Why.PAID: (400, "ORDERPAID"),
    Why.CLOSED: (400, "ORDER_CLOSED"),
    Why.NOT_PAID: (400, "INVALID_REQUEST"),
    Why.TOO_MUCH: (400, "INVALID_REQUEST"),
    Why.TOO_MANY: (400, "INVALID_REQUEST"),
    Why.TOO_SOON: (429, "FREQUENCY_LIMITED"),
}


class Wechat:
    """Implements `server.sandbox.parts.Played`."""

    name = "wechat"

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._codes: set[str] = set()  # of logins, each good once

    def answer(self, request: Request, body: bytes, now_ms: int) -> Response:
        """See `Played`."""
        target = request.url.path + (f"?{request.url.query}" if request.url.query else "")
        if not self._is_signed(request, target, body, now_ms):
            return self._error(401, "SIGN_ERROR", now_ms)
        try:
            fields = json.loads(body) if body else {}
            return self._answer(request, fields, now_ms)
        except BookRefused as refused:
            status, code = _REFUSALS[refused.why]
            if refused.why is Why.UNKNOWN and "/refund/" in request.url.path:
                code = "RESOURCE_NOT_EXISTS"
            return self._error(status, code, now_ms)
        except (ValueError, LookupError, TypeError, AttributeError):
            return self._error(400, "PARAM_ERROR", now_ms)

    def too_many(self) -> Response:
        """See `Played`."""
        return Response(b'{"code":"FREQUENCY_LIMITED"}', 429, media_type="application/json")

    def error(self) -> Response:
        """See `Played`."""
        return Response(b'{"code":"SYSTEM_ERROR"}', 500, media_type="application/json")

    def _answer(self, request: Request, fields: dict[str, Any], now_ms: int) -> Response:
        book, path = self._desk.book, request.url.path
        params = request.path_params
        if path.endswith("/close"):
            _own(fields["mchid"])
            trade = book.find(self.name, params["reference"], now_ms=now_ms)
            if trade.state is TradeState.PAID:
                raise BookRefused(Why.PAID)
            book.end(trade, TradeState.CLOSED, now_ms=now_ms)
            return self._signed(204, b"", now_ms)
        if "reference" in params and "/pay/" in path:
            _own(request.query_params["mchid"])
            trade = book.find(self.name, params["reference"], now_ms=now_ms)
            return self._json(self._transaction(trade), now_ms)
        if "/pay/" in path:
            return self._create(params["method"], fields, now_ms)
        if request.method == "POST":
            return self._refund(fields, now_ms)
        for trade in book.trades(now_ms):
            if trade.provider == self.name and params["refund"] in trade.refunds:
                refund = trade.refunds[params["refund"]]
                return self._json(self._refund_fields(trade, refund, "status", now_ms), now_ms)
        raise BookRefused(Why.UNKNOWN)

    def login(self, query: Mapping[str, str]) -> Response:
        """Play the login of a page in WeChat: `code-NAME` is the code of the openid NAME, once."""
        code = query.get("code", "")
        if query.get("appid") != APPID or not query.get("secret"):
            return JSONResponse({"errcode": 40_125, "errmsg": "invalid appsecret"})
        if not code.startswith("code-"):
            return JSONResponse({"errcode": 40_029, "errmsg": "invalid code"})
        if code in self._codes:
            return JSONResponse({"errcode": 40_163, "errmsg": "code been used"})
        self._codes.add(code)
        openid = code.removeprefix("code-")
        answer = {"access_token": "t", "expires_in": 7_200, "openid": openid}
        return JSONResponse(answer | {"scope": "snsapi_base"})

    def _create(self, method: str, fields: dict[str, Any], now_ms: int) -> Response:
        _own(fields["mchid"])
        if fields["appid"] != APPID or fields["amount"].get("currency", "CNY") != "CNY":
            raise ValueError("appid or currency")
        if method == "jsapi" and not fields["payer"]["openid"]:
            raise ValueError("openid")
        if method == "h5" and not fields["scene_info"]["payer_client_ip"]:
            raise ValueError("payer_client_ip")
        expire = fields.get("time_expire")
        trade = Trade(
            self.name,
            reference=_reference(fields["out_trade_no"], 32),
            amount_fen=_positive(fields["amount"]["total"]),
            what=str(fields["description"]),
            notify_url=str(fields["notify_url"]),
            return_url="",
            expires_ms=ms_of_rfc3339(expire) if expire else now_ms + TRADE_TTL_MS,
            made_ms=now_ms,
        )
        trade = self._desk.book.create(trade, now_ms=now_ms)
        page = self._desk.page(trade)
        answers = {
            "jsapi": {"prepay_id": f"wx{trade.token}"},
            "h5": {"h5_url": f"{page}?h5=1"},
            "native": {"code_url": page},
        }
        return self._json(answers[method], now_ms)

    def _refund(self, fields: dict[str, Any], now_ms: int) -> Response:
        desk, amount = self._desk, fields["amount"]
        try:
            trade = desk.book.find(self.name, fields["out_trade_no"], now_ms=now_ms)
        except BookRefused:
            return self._error(404, "RESOURCE_NOT_EXISTS", now_ms)
        if amount["total"] != trade.amount_fen or amount["currency"] != "CNY":
            raise ValueError("total")
        reference = _reference(fields["out_refund_no"], 64)
        url = str(fields.get("notify_url", ""))
        fen = _positive(amount["refund"])
        refund, is_new = desk.book.refund(trade, reference, fen, url, now_ms=now_ms)
        notice = self.refund_notice(trade, refund)
        if is_new and notice is not None:
            desk.notices.add(notice, now_ms=refund.ends_ms)
        return self._json(self._refund_fields(trade, refund, "status", now_ms), now_ms)

    def notice(self, trade: Trade) -> Notice | None:
        """See `Played`: only a success is reported."""
        if trade.state is not TradeState.PAID:
            return None
        event = ("TRANSACTION.SUCCESS", "transaction", trade.ended_ms)
        plain = self._transaction(trade)
        return self._notice(trade.notify_url, f"EV-{trade.id}", event, lambda _: plain)

    def refund_notice(self, trade: Trade, refund: Refund) -> Notice | None:
        """See `Played`."""
        if not refund.notify_url:
            return None
        state = "ABNORMAL" if refund.fails else "SUCCESS"
        event = (f"REFUND.{state}", "refund", refund.ends_ms)

        def plain(now_ms: int) -> Mapping[str, object]:
            fields = self._refund_fields(trade, refund, "refund_status", now_ms)
            return fields | {"mchid": MCHID}

        return self._notice(refund.notify_url, f"EV-{refund.id}", event, plain)

    def _notice(self, url: str, id: str, event: tuple[str, str, int], plain: Any) -> Notice:
        kind, what, at_ms = event
        nonce = secrets.token_hex(6)

        def written(now_ms: int) -> Post:
            text = json.dumps(plain(now_ms), ensure_ascii=False).encode()
            aead = AESGCM(self._desk.keys.api_v3_key.encode())
            cipher = aead.encrypt(nonce.encode(), text, what.encode())
            resource = {
                "original_type": what,
                "algorithm": "AEAD_AES_256_GCM",
                "ciphertext": base64.b64encode(cipher).decode(),
                "associated_data": what,
                "nonce": nonce,
            }
            body = json.dumps(
                {
                    "id": id,
                    "create_time": rfc3339(at_ms),
                    "resource_type": "encrypt-resource",
                    "event_type": kind,
                    "summary": "通知",
                    "resource": resource,
                },
                ensure_ascii=False,
            ).encode()
            headers = {"Content-Type": "application/json", **self._headers(body, now_ms)}
            return Post(url, headers, body)

        return Notice(written, lambda status, _: status in (200, 204), WECHAT_RETRIES_S)

    def _transaction(self, trade: Trade) -> dict[str, object]:
        state = "REFUND" if trade.refunds else _STATES[trade.state]
        fields: dict[str, object] = {
            "mchid": MCHID,
            "appid": APPID,
            "out_trade_no": trade.reference,
            "trade_state": state,
            "trade_state_desc": state,
            "amount": {"total": trade.amount_fen, "currency": "CNY"},
        }
        if trade.state is TradeState.PAID:
            fields |= {
                "transaction_id": trade.id,
                "trade_type": "NATIVE",
                "success_time": rfc3339(trade.ended_ms),
                "payer": {"openid": "oSandboxBuyer"},
            }
        return fields

    def _refund_fields(
        self, trade: Trade, refund: Refund, state: str, now_ms: int
    ) -> dict[str, object]:
        status = "PROCESSING"
        more: dict[str, object] = {}
        if refund.failed(now_ms):
            status = "ABNORMAL"
        elif refund.done(now_ms):
            status, more = "SUCCESS", {"success_time": rfc3339(refund.ends_ms)}
        return more | {
            "refund_id": refund.id,
            "out_refund_no": refund.reference,
            "transaction_id": trade.id,
            "out_trade_no": trade.reference,
            "create_time": rfc3339(refund.made_ms),
            state: status,
            "amount": {"total": trade.amount_fen, "refund": refund.amount_fen, "currency": "CNY"},
        }

    def _is_signed(self, request: Request, target: str, body: bytes, now_ms: int) -> bool:
        scheme, _, rest = request.headers.get("authorization", "").partition(" ")
        parts = dict(_PART.findall(rest))
        at, nonce = parts.get("timestamp", ""), parts.get("nonce_str", "")
        message = f"{request.method}\n{target}\n{at}\n{nonce}\n".encode() + body + b"\n"
        return (
            scheme == SCHEME
            and (parts.get("mchid"), parts.get("serial_no")) == (MCHID, SERIAL)
            and at.isdecimal()
            and abs(int(at) - now_ms // 1_000) <= CLOCK_DIFFERENCE_S
            and verify(self._desk.keys.merchant, message, parts.get("signature", ""))
        )

    def _headers(self, body: bytes, now_ms: int) -> dict[str, str]:
        at, nonce = str(now_ms // 1_000), secrets.token_hex(16)
        signature = sign(self._desk.keys.provider, f"{at}\n{nonce}\n".encode() + body + b"\n")
        return {
            "Wechatpay-Timestamp": at,
            "Wechatpay-Nonce": nonce,
            "Wechatpay-Signature": signature,
            "Wechatpay-Signature-Type": SCHEME,
            "Wechatpay-Serial": KEY_ID,
        }

    def _json(self, fields: Mapping[str, object], now_ms: int) -> Response:
        return self._signed(200, json.dumps(fields, ensure_ascii=False).encode(), now_ms)

    def _error(self, status: int, code: str, now_ms: int) -> Response:
        return self._signed(status, json.dumps({"code": code, "message": code}).encode(), now_ms)

    def _signed(self, status: int, body: bytes, now_ms: int) -> Response:
        headers = self._headers(body, now_ms)
        return Response(body, status, headers, "application/json" if body else None)


def _own(mchid: object) -> None:
    if mchid != MCHID:
        raise ValueError("mchid")


def _positive(number: object) -> int:
    if not isinstance(number, int) or number <= 0:
        raise ValueError("amount")
    return number


def _reference(text: object, chars_max: int) -> str:
    if not isinstance(text, str) or not re.fullmatch(rf"[0-9A-Za-z_\-|*@]{{6,{chars_max}}}", text):
        raise ValueError("reference")
    return text
