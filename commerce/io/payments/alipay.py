"""Alipay, open platform: payments by QR code or by a page, refunds, and asynchronous notices.

Forms are signed by RSA2 (RSA with SHA-256) over their fields in order. Source:
https://opendocs.alipay.com, the pages 签名与验签, 异步通知说明, alipay.trade.precreate, .wap.pay,
.query, .close, .refund and .fastpay.refund.query.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from urllib.parse import parse_qsl, urlencode

import msgspec
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey

from commerce.io.payments.calls import Answer, Calls, readable
from commerce.io.payments.rsa import sign, verify
from commerce.io.payments.times import ms_of_spaced, spaced
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
)

LIVE_URL = "https://openapi.alipay.com/gateway.do"
FORM = "application/x-www-form-urlencoded;charset=utf-8"
FIELDS_MAX = 100
ACKNOWLEDGED = b"success"
# A notice that was not acknowledged comes again for 24 h 22 min, as it was signed the first time.
REPLAY_WINDOW_ALIPAY_MS = 25 * 3_600_000

_AMOUNT = re.compile(r"([0-9]{1,9})(?:\.([0-9]{1,2}))?")
_STATES = {
    "TRADE_SUCCESS": EventKind.PAID,
    "TRADE_FINISHED": EventKind.PAID,  # it was, and can no longer be refunded
    "TRADE_CLOSED": EventKind.CLOSED,
}
_LATER = frozenset(
    {
        *("20000", "ACQ.SYSTEM_ERROR", "aop.ACQ.SYSTEM_ERROR", "isp.unknow-error"),
        *("isv.app-call-limited", "isp.call-limited"),
    }
)
_UNKNOWN_TRADE = "ACQ.TRADE_NOT_EXIST"


class Method(StrEnum):
    """How the buyer comes into Alipay."""

    QR = "qr"  # alipay.trade.precreate
    WAP = "wap"  # a phone's browser, which opens Alipay
    PAGE = "page"  # a desktop's browser


_PAGES = {
    Method.WAP: ("alipay.trade.wap.pay", "QUICK_WAP_WAY"),
    Method.PAGE: ("alipay.trade.page.pay", "FAST_INSTANT_TRADE_PAY"),
}


@dataclass(frozen=True, slots=True)
class AlipayAccount:
    """An application's account; `key` is Alipay's public key, not the application's."""

    app_id: str
    private_key: RSAPrivateKey
    key: RSAPublicKey
    method: Method = Method.QR
    url: str = LIVE_URL


class _Response(msgspec.Struct):
    """The fields of all the responses that are read here."""

    code: str
    sub_code: str = ""
    msg: str = ""
    qr_code: str = ""
    out_trade_no: str = ""
    trade_no: str = ""
    trade_status: str = ""
    total_amount: str = "0"
    send_pay_date: str = ""
    fund_change: str = ""
    refund_fee: str = "0"
    refund_status: str = ""
    refund_amount: str = "0"
    gmt_refund_pay: str = ""


class Alipay:
    """Implements `commerce.money.providers.PaymentProvider`."""

    name = "alipay"
    asks_payer = False
    login = None

    def __init__(self, account: AlipayAccount, clock: Clock) -> None:
        self.account = account.app_id
        self._of = account
        self._clock = clock
        self._calls = Calls(account.url)

    async def create(self, request: IntentRequest) -> Action:
        """See the port. A page's trade begins when the buyer opens the page."""
        content = {
            "out_trade_no": request.reference,
            "total_amount": yuan(request.amount_fen),
            "subject": request.what[:WHAT_CHARS_MAX],
            "time_expire": spaced(request.expires_at_ms),
        }
        more = {"notify_url": request.notify_url}
        if self._of.method is not Method.QR:
            method, content["product_code"] = _PAGES[self._of.method]
            fields = self._fields(method, content, more | {"return_url": request.return_url})
            return Action(ActionKind.REDIRECT, {"url": f"{self._of.url}?{urlencode(fields)}"})
        response = await self._send("alipay.trade.precreate", content, more)
        if response.sub_code == "ACQ.TRADE_HAS_SUCCESS":
            return Action(ActionKind.NONE)
        _expect(response)
        if not response.qr_code:
            raise Unreachable("the answer has no QR code")
        return Action(ActionKind.QR, {"url": response.qr_code})

    async def query(self, reference: str) -> ProviderEvent | None:
        """See the port. A QR code that nobody scanned is a trade that Alipay does not know."""
        response = await self._send("alipay.trade.query", {"out_trade_no": reference})
        if response.sub_code == _UNKNOWN_TRADE:
            return None
        _expect(response)
        kind = _STATES.get(response.trade_status)
        if kind is None:
            return None
        if response.send_pay_date:
            kind = EventKind.PAID  # a trade whose whole amount went back is closed too
        with readable():
            paid_at = response.send_pay_date
            return ProviderEvent(
                f"query:{reference}:{kind}",
                kind,
                reference,
                None,
                response.trade_no,
                fen(response.total_amount),
                ms_of_spaced(paid_at) if paid_at else self._clock(),
            )

    async def close(self, reference: str) -> None:
        """See the port."""
        response = await self._send("alipay.trade.close", {"out_trade_no": reference})
        if response.sub_code not in (_UNKNOWN_TRADE, "ACQ.TRADE_STATUS_ERROR"):
            _expect(response)

    async def refund(
        self, reference: str, refund_reference: str, amount_fen: int, total_fen: int
    ) -> ProviderEvent | None:
        """See the port. Only `fund_change` Y says that this call gave the money back."""
        content = {
            "out_trade_no": reference,
            "out_request_no": refund_reference,
            "refund_amount": yuan(amount_fen),
        }
        response = await self._send("alipay.trade.refund", content)
        _expect(response)
        if response.fund_change != "Y":
            return await self.query_refund(reference, refund_reference)
        ref = response.trade_no
        return self._refunded(reference, refund_reference, ref, amount_fen, "")

    async def query_refund(self, reference: str, refund_reference: str) -> ProviderEvent | None:
        """See the port."""
        content = {"out_trade_no": reference, "out_request_no": refund_reference}
        content_with_time = content | {"query_options": ["gmt_refund_pay"]}
        response = await self._send("alipay.trade.fastpay.refund.query", content_with_time)
        if response.sub_code == _UNKNOWN_TRADE:
            return None
        _expect(response)
        if response.refund_status != "REFUND_SUCCESS":
            return None
        with readable():
            amount_fen = fen(response.refund_amount)
            at = response.gmt_refund_pay
            return self._refunded(reference, refund_reference, response.trade_no, amount_fen, at)

    def _refunded(
        self, reference: str, refund_reference: str, ref: str, amount_fen: int, at: str
    ) -> ProviderEvent:
        kind = EventKind.REFUNDED
        at_ms = ms_of_spaced(at) if at else self._clock()
        event_id = f"query:{refund_reference}:{kind}"
        return ProviderEvent(event_id, kind, reference, refund_reference, ref, amount_fen, at_ms)

    def read_webhook(
        self, headers: Mapping[str, str], body: bytes, *, now_ms: int
    ) -> ProviderEvent | None:
        """See the port. Refunds are answered at once: their notices are not ours to read."""
        fields = _form(body)
        signature = fields.pop("sign", "")
        if not signature:
            raise WebhookRefused(RefusedBecause.UNSIGNED)
        if fields.pop("sign_type", "") != "RSA2":
            raise WebhookRefused(RefusedBecause.FOREIGN)
        if not verify(self._of.key, signed_text(fields).encode(), signature):
            raise WebhookRefused(RefusedBecause.BAD_SIGNATURE)
        if fields.get("app_id") != self._of.app_id:
            raise WebhookRefused(RefusedBecause.FOREIGN)
        try:
            sent_ms = ms_of_spaced(fields["notify_time"])
            if not -REPLAY_WINDOW_MS <= now_ms - sent_ms <= REPLAY_WINDOW_ALIPAY_MS:
                raise WebhookRefused(RefusedBecause.STALE)
            return _event(fields, sent_ms)
        except (ValueError, LookupError):
            raise WebhookRefused(RefusedBecause.UNREADABLE) from None

    def acknowledge(self) -> tuple[int, bytes, str]:
        """See the port."""
        return 200, ACKNOWLEDGED, "text/plain"

    async def aclose(self) -> None:
        """End the connections."""
        await self._calls.aclose()

    def _fields(
        self, method: str, content: Mapping[str, object], more: Mapping[str, str]
    ) -> dict[str, str]:
        fields = {
            "app_id": self._of.app_id,
            "method": method,
            "format": "JSON",
            "charset": "utf-8",
            "sign_type": "RSA2",
            "timestamp": spaced(self._clock()),
            "version": "1.0",
            "biz_content": json.dumps(content, ensure_ascii=False, separators=(",", ":")),
            **{name: value for name, value in more.items() if value},
        }
        return fields | {"sign": sign(self._of.private_key, signed_text(fields).encode())}

    async def _send(
        self, method: str, content: Mapping[str, object], more: Mapping[str, str] | None = None
    ) -> _Response:
        form = urlencode(self._fields(method, content, more or {})).encode()
        answer = await self._calls.send("POST", "", {"Content-Type": FORM}, form)
        if answer.status != 200:
            raise Unreachable(f"status {answer.status}")
        response = self._verified(answer, method.replace(".", "_") + "_response")
        if response.code in _LATER or response.sub_code in _LATER:
            raise Unreachable(response.sub_code or response.code)
        return response

    def _verified(self, answer: Answer, member: str) -> _Response:
        """Return the response of an answer: the text of its member is what is signed."""
        members = answer.read(dict[str, msgspec.Raw])
        signature = answer.read(_Signed).sign
        # The gateway answers what it cannot attribute to an application without a signature.
        raw = members.get(member) or members.get("error_response")
        if raw is None:
            raise Unreachable("the answer cannot be read")
        if member in members and not verify(self._of.key, bytes(raw), signature):
            raise Unreachable("the answer is not signed")
        with readable():
            response = msgspec.json.decode(raw, type=_Response)
        if member not in members and response.code == "10000":
            raise Unreachable("the answer is not signed")
        return response


class _Signed(msgspec.Struct):
    sign: str = ""


def signed_text(fields: Mapping[str, str]) -> str:
    """Return what is signed of a form: its fields by name, without the empty ones."""
    return "&".join(f"{name}={fields[name]}" for name in sorted(fields) if fields[name])


def yuan(amount_fen: int) -> str:
    """Return an amount as Alipay writes it."""
    return f"{amount_fen // 100}.{amount_fen % 100:02}"


def fen(amount: str) -> int:
    """Return an amount in fen.

    Raises:
        ValueError: It is none, or is finer than a fen.
    """
    found = _AMOUNT.fullmatch(amount)
    if found is None:
        raise ValueError(amount)
    return int(found[1]) * 100 + int((found[2] or "0").ljust(2, "0"))


def _form(body: bytes) -> dict[str, str]:
    try:
        if len(body) > WEBHOOK_BYTES_MAX:
            raise ValueError("too large")
        pairs = parse_qsl(
            body.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=FIELDS_MAX
        )
        fields = dict(pairs)
        if len(fields) != len(pairs):
            raise ValueError("a field twice")
    except ValueError:
        raise WebhookRefused(RefusedBecause.UNREADABLE) from None
    return fields


def _event(fields: Mapping[str, str], sent_ms: int) -> ProviderEvent | None:
    kind = _STATES.get(fields["trade_status"])
    if kind is None or "gmt_refund" in fields or "refund_fee" in fields:
        return None
    paid_at = fields.get("gmt_payment", "")
    return ProviderEvent(
        fields["notify_id"],
        kind,
        fields["out_trade_no"],
        None,
        fields["trade_no"],
        fen(fields["total_amount"]),
        ms_of_spaced(paid_at) if paid_at else sent_ms,
    )


def _expect(response: _Response) -> None:
    if response.code != "10000":
        raise ProviderRefused(response.sub_code or response.code)
