"""WeChat Pay, API v3: JSAPI, H5 and Native payments, refunds, and notices.

Requests, answers and notices are signed by WECHATPAY2-SHA256-RSA2048, and the resource of a notice
is encrypted by AES-256-GCM. Source: https://pay.weixin.qq.com/doc/v3/merchant, the pages 签名生成,
签名验证, 回调报文解密, 支付成功回调通知 and 退款结果通知.
"""

import base64
import binascii
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from urllib.parse import quote

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from commerce.io.payments.calls import Answer, Calls, readable
from commerce.io.payments.rsa import sign, verify
from commerce.io.payments.times import ms_of_rfc3339, rfc3339
from commerce.io.payments.wechat_login import LIVE_URL as LOGIN_URL
from commerce.io.payments.wechat_login import WechatLogin
from commerce.io.record.engine import Clock
from commerce.money.providers import (
    REPLAY_WINDOW_MS,
    WEBHOOK_BYTES_MAX,
    WHAT_CHARS_MAX,
    Action,
    ActionKind,
    EventKind,
    IntentRequest,
    Payer,
    ProviderEvent,
    ProviderRefused,
    RefusedBecause,
    Unreachable,
    WebhookRefused,
)

LIVE_URL = "https://api.mch.weixin.qq.com"
SCHEME = "WECHATPAY2-SHA256-RSA2048"
KEY_BYTES = 32  # of the APIv3 key
PAY = "/v3/pay/transactions"
REFUNDS = "/v3/refund/domestic/refunds"
ACKNOWLEDGED = b'{"code":"SUCCESS","message":"OK"}'

_STATES = {
    "SUCCESS": EventKind.PAID,
    "REFUND": EventKind.PAID,  # it was, and money went back
    "PAYERROR": EventKind.FAILED,
    "CLOSED": EventKind.CLOSED,
    "REVOKED": EventKind.CLOSED,
}
_REFUND_STATES = {
    "SUCCESS": EventKind.REFUNDED,
    "CLOSED": EventKind.REFUND_FAILED,
    "ABNORMAL": EventKind.REFUND_FAILED,  # the card is gone: a person refunds by other means
}


class Method(StrEnum):
    """How the buyer comes into WeChat."""

    JSAPI = "jsapi"  # the page is open in WeChat
    H5 = "h5"  # a phone's browser, which opens WeChat
    NATIVE = "native"  # a QR code


@dataclass(frozen=True, slots=True)
class WechatAccount:
    """A merchant's account. `keys` are WeChat Pay's public keys by the id that its headers name."""

    mchid: str
    appid: str
    serial: str  # of the merchant's certificate
    private_key: RSAPrivateKey
    api_key: bytes  # APIv3, KEY_BYTES
    keys: Mapping[str, RSAPublicKey]
    method: Method = Method.NATIVE
    url: str = LIVE_URL
    refund_notify_url: str = ""
    app_secret: str = ""  # of the public account `appid`: with it, buyers in WeChat are known


class _Amount(msgspec.Struct):
    total: int = 0
    refund: int = 0


class _Transaction(msgspec.Struct):
    out_trade_no: str
    trade_state: str
    mchid: str = ""
    transaction_id: str = ""
    success_time: str = ""
    amount: _Amount = msgspec.field(default_factory=_Amount)


class _Refund(msgspec.Struct):
    """`status` in answers is `refund_status` in notices."""

    out_trade_no: str
    out_refund_no: str
    refund_id: str
    amount: _Amount
    status: str = ""
    refund_status: str = ""
    mchid: str = ""
    success_time: str = ""
    create_time: str = ""


class _Created(msgspec.Struct):
    prepay_id: str = ""
    h5_url: str = ""
    code_url: str = ""


class _Error(msgspec.Struct):
    code: str = ""


class _Resource(msgspec.Struct):
    algorithm: str
    ciphertext: str
    nonce: str
    associated_data: str = ""


class _Notice(msgspec.Struct):
    id: str
    create_time: str
    event_type: str
    resource: _Resource


class WechatPay:
    """Implements `commerce.money.providers.PaymentProvider`."""

    name = "wechat"

    def __init__(self, account: WechatAccount, clock: Clock) -> None:
        self.account = account.mchid
        self.asks_payer = account.method is not Method.NATIVE
        self.login: WechatLogin | None = None
        if account.app_secret:  # the sandbox plays both hosts
            url = LOGIN_URL if account.url == LIVE_URL else account.url
            self.login = WechatLogin(account.appid, account.app_secret, url)
        self._of = account
        self._clock = clock
        self._calls = Calls(account.url)

    async def create(self, request: IntentRequest) -> Action:
        """See the port; the same reference with other values is refused."""
        of = self._of
        payload: dict[str, object] = {
            "appid": of.appid,
            "mchid": of.mchid,
            "description": request.what[:WHAT_CHARS_MAX],
            "out_trade_no": request.reference,
            "time_expire": rfc3339(request.expires_at_ms),
            "notify_url": request.notify_url,
            "amount": {"total": request.amount_fen, "currency": "CNY"},
        }
        method, payer = self._method(request.payer), request.payer
        if payer and method is Method.JSAPI:
            payload["payer"] = {"openid": payer.client}
        if payer and method is Method.H5:
            scene = {"payer_client_ip": payer.client_ip, "h5_info": {"type": "Wap"}}
            payload["scene_info"] = scene
        answer = await self._send("POST", f"{PAY}/{method}", payload)
        if answer.status != 200:
            code = _code(answer)
            if code == "ORDERPAID":
                return Action(ActionKind.NONE)
            raise ProviderRefused(code)
        return self._action(method, answer.read(_Created), request)

    def _method(self, payer: Payer | None) -> Method:
        """The account's method if the payer can use it; a QR code can be scanned by everybody."""
        if payer is None or self._of.method is Method.NATIVE:
            return Method.NATIVE
        if self._of.method is Method.JSAPI and payer.client:
            return Method.JSAPI
        return Method.H5 if payer.phone and payer.client_ip else Method.NATIVE

    def _action(self, method: Method, created: _Created, request: IntentRequest) -> Action:
        if method is Method.JSAPI and created.prepay_id:
            at_s = self._clock() // 1_000
            return Action(ActionKind.JSAPI, self.jsapi(created.prepay_id, at_s, _nonce()))
        if method is Method.H5 and created.h5_url:
            back = quote(request.return_url, safe="")
            return Action(ActionKind.REDIRECT, {"url": f"{created.h5_url}&redirect_url={back}"})
        if method is Method.NATIVE and created.code_url:
            return Action(ActionKind.QR, {"url": created.code_url})
        raise Unreachable("the answer lacks what the page needs")

    def jsapi(self, prepay_id: str, at_s: int, nonce: str) -> dict[str, str]:
        """Return the signed parameters of getBrandWCPayRequest (调起支付签名)."""
        package = f"prepay_id={prepay_id}"
        message = f"{self._of.appid}\n{at_s}\n{nonce}\n{package}\n"
        return {
            "appId": self._of.appid,
            "timeStamp": str(at_s),
            "nonceStr": nonce,
            "package": package,
            "signType": "RSA",
            "paySign": sign(self._of.private_key, message.encode()),
        }

    async def query(self, reference: str) -> ProviderEvent | None:
        """See the port."""
        target = f"{PAY}/out-trade-no/{quote(reference)}?mchid={self._of.mchid}"
        answer = await self._send("GET", target)
        if answer.status == 404:
            return None
        _expect(answer, 200)
        with readable():
            return self._payment(answer.read(_Transaction), "query")

    async def close(self, reference: str) -> None:
        """See the port."""
        target = f"{PAY}/out-trade-no/{quote(reference)}/close"
        answer = await self._send("POST", target, {"mchid": self._of.mchid})
        if answer.status not in (204, 404) and _code(answer) not in ("ORDERPAID", "ORDER_CLOSED"):
            raise ProviderRefused(_code(answer))

    async def refund(
        self, reference: str, refund_reference: str, amount_fen: int, total_fen: int
    ) -> ProviderEvent | None:
        """See the port; ProviderRefused("NOT_ENOUGH") is an account without the money for it."""
        payload: dict[str, object] = {
            "out_trade_no": reference,
            "out_refund_no": refund_reference,
            "amount": {"refund": amount_fen, "total": total_fen, "currency": "CNY"},
        }
        if self._of.refund_notify_url:
            payload["notify_url"] = self._of.refund_notify_url
        answer = await self._send("POST", REFUNDS, payload)
        _expect(answer, 200)
        return self._refunded(answer)

    async def query_refund(self, reference: str, refund_reference: str) -> ProviderEvent | None:
        """See the port."""
        answer = await self._send("GET", f"{REFUNDS}/{quote(refund_reference)}")
        if answer.status == 404:
            return None
        _expect(answer, 200)
        return self._refunded(answer)

    def _refunded(self, answer: Answer) -> ProviderEvent | None:
        with readable():
            return self._refund_event(answer.read(_Refund), "query")

    def read_webhook(
        self, headers: Mapping[str, str], body: bytes, *, now_ms: int
    ) -> ProviderEvent | None:
        """See the port."""
        at_s = self._verified({name.lower(): headers[name] for name in headers}, body)
        if abs(now_ms - at_s * 1_000) > REPLAY_WINDOW_MS:
            raise WebhookRefused(RefusedBecause.STALE)
        try:
            notice = msgspec.json.decode(body, type=_Notice)
            plain = decrypted(self._of.api_key, notice.resource)
            if notice.event_type.startswith("TRANSACTION."):
                payment = msgspec.json.decode(plain, type=_Transaction)
                self._own(payment.mchid)
                return self._payment(payment, notice.id)
            if notice.event_type.startswith("REFUND."):
                refund = msgspec.json.decode(plain, type=_Refund)
                self._own(refund.mchid)
                refund.create_time = notice.create_time
                return self._refund_event(refund, notice.id)
        except (ValueError, InvalidTag):  # msgspec raises ValueErrors
            raise WebhookRefused(RefusedBecause.UNREADABLE) from None
        return None

    def acknowledge(self) -> tuple[int, bytes, str]:
        """See the port."""
        return 200, ACKNOWLEDGED, "application/json"

    async def aclose(self) -> None:
        """End the connections."""
        await self._calls.aclose()
        if self.login:
            await self.login.aclose()

    def _own(self, mchid: str) -> None:
        if mchid != self._of.mchid:
            raise WebhookRefused(RefusedBecause.FOREIGN)

    def _payment(self, of: _Transaction, event_id: str) -> ProviderEvent | None:
        kind = _STATES.get(of.trade_state)
        if kind is None:
            return None
        at_ms = ms_of_rfc3339(of.success_time) if of.success_time else self._clock()
        if event_id == "query":
            event_id = f"query:{of.out_trade_no}:{kind}"
        ref = of.transaction_id
        return ProviderEvent(event_id, kind, of.out_trade_no, None, ref, of.amount.total, at_ms)

    def _refund_event(self, of: _Refund, event_id: str) -> ProviderEvent | None:
        kind = _REFUND_STATES.get(of.status or of.refund_status)
        if kind is None:
            return None
        at = of.success_time or of.create_time
        if event_id == "query":
            event_id = f"query:{of.out_refund_no}:{kind}"
        return ProviderEvent(
            event_id,
            kind,
            of.out_trade_no,
            of.out_refund_no,
            of.refund_id,
            of.amount.refund,
            ms_of_rfc3339(at) if at else self._clock(),
        )

    async def _send(
        self, method: str, target: str, payload: dict[str, object] | None = None
    ) -> Answer:
        body = b"" if payload is None else _json(payload)
        at_s, of = self._clock() // 1_000, self._of
        headers = {
            "Authorization": authorization(of, method, target, body, at_s, _nonce()),
            "Accept": "application/json",
            "Content-Type": "application/json",
            "User-Agent": "linli",
        }
        if len(of.keys) == 1:  # the answer is signed by the key that is named
            [headers["Wechatpay-Serial"]] = of.keys
        answer = await self._calls.send(method, target, headers, body)
        if 200 <= answer.status < 300:
            try:
                self._verified(answer.headers, answer.body)
            except WebhookRefused as refused:
                raise Unreachable(f"the answer is not signed: {refused.because}") from None
        return answer

    def _verified(self, headers: Mapping[str, str], body: bytes) -> int:
        """Return the time in seconds of what WeChat Pay signed; header names in lower case."""
        if len(body) > WEBHOOK_BYTES_MAX:
            raise WebhookRefused(RefusedBecause.UNREADABLE)
        at, nonce, signature, serial = (
            headers.get(f"wechatpay-{name}", "")
            for name in ("timestamp", "nonce", "signature", "serial")
        )
        if not (at and nonce and signature and serial):
            raise WebhookRefused(RefusedBecause.UNSIGNED)
        key = self._of.keys.get(serial)
        if key is None or headers.get("wechatpay-signature-type", SCHEME) != SCHEME:
            raise WebhookRefused(RefusedBecause.FOREIGN)
        if not verify(key, f"{at}\n{nonce}\n".encode() + body + b"\n", signature):
            raise WebhookRefused(RefusedBecause.BAD_SIGNATURE)
        if not (at.isascii() and at.isdecimal() and len(at) <= 12):
            raise WebhookRefused(RefusedBecause.UNREADABLE)
        return int(at)


def authorization(
    of: WechatAccount, method: str, target: str, body: bytes, at_s: int, nonce: str
) -> str:
    """Return the Authorization header of a request (签名生成)."""
    message = f"{method}\n{target}\n{at_s}\n{nonce}\n".encode() + body + b"\n"
    return (
        f'{SCHEME} mchid="{of.mchid}",nonce_str="{nonce}",'
        f'signature="{sign(of.private_key, message)}",timestamp="{at_s}",serial_no="{of.serial}"'
    )


def decrypted(api_key: bytes, resource: _Resource) -> bytes:
    """Return the plain resource of a notice (回调报文解密).

    Raises:
        ValueError, InvalidTag: It cannot be decrypted.
    """
    if resource.algorithm != "AEAD_AES_256_GCM":
        raise ValueError(resource.algorithm)
    try:
        cipher = base64.b64decode(resource.ciphertext, validate=True)
    except binascii.Error:
        raise ValueError("no Base64") from None
    nonce, more = resource.nonce.encode(), resource.associated_data.encode()
    return AESGCM(api_key).decrypt(nonce, cipher, more)


def _json(payload: dict[str, object]) -> bytes:
    return json.dumps(payload, ensure_ascii=False, separators=(",", ":")).encode()


def _nonce() -> str:
    return os.urandom(16).hex()


def _code(answer: Answer) -> str:
    try:
        return answer.read(_Error).code or f"status {answer.status}"
    except Unreachable:
        return f"status {answer.status}"


def _expect(answer: Answer, status: int) -> None:
    if answer.status != status:
        raise ProviderRefused(_code(answer))
