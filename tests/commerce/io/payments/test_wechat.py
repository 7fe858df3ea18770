"""WeChat Pay v3, byte by byte: signatures, and which notices are taken."""

import base64
import json
from dataclasses import replace
from typing import Any

import httpx
import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from hypothesis import given, settings
from hypothesis import strategies as st

from commerce.io.payments.rsa import sign
from commerce.io.payments.wechat import Method, WechatPay, authorization
from commerce.money.providers import (
    REPLAY_WINDOW_MS,
    ActionKind,
    EventKind,
    Payer,
    ProviderEvent,
    ProviderRefused,
    RefusedBecause,
    WebhookRefused,
)
from tests.support.payment_sandbox import REQUEST, played
from tests.support.payment_vectors import private, vectors, wechat_account

NOTICE = vectors()["wechat_notice"]
HEADERS: dict[str, str] = NOTICE["headers"]
BODY: bytes = NOTICE["body"].encode()
AT_MS = int(HEADERS["Wechatpay-Timestamp"]) * 1_000
PAID = ProviderEvent(
    "EV-2018022511223320873",
    EventKind.PAID,
    "1217752501201407033233368018",
    None,
    "1217752501201407033233368018",
    100,
    1_528_425_296_000,
)


def provider(**changes: Any) -> WechatPay:
    return WechatPay(wechat_account(**changes), lambda: AT_MS)


def refused(headers: dict[str, str], body: bytes, now_ms: int = AT_MS) -> RefusedBecause:
    with pytest.raises(WebhookRefused) as caught:
        provider().read_webhook(headers, body, now_ms=now_ms)
    return caught.value.because


def signed(body: bytes, **changes: str) -> dict[str, str]:
    """Headers of a notice that WeChat Pay signed."""
    at, nonce = HEADERS["Wechatpay-Timestamp"], "n"
    message = f"{at}\n{nonce}\n".encode() + body + b"\n"
    signature = sign(private("provider"), message)
    names = {"Wechatpay-Nonce": nonce, "Wechatpay-Signature": signature}
    return {**HEADERS, **names, **changes}


def notice(event_type: str, resource: object, event_id: str = "EV-1") -> bytes:
    plain = resource if isinstance(resource, bytes) else json.dumps(resource).encode()
    cipher = AESGCM(NOTICE["api_v3_key"].encode()).encrypt(b"0123456789ab", plain, b"refund")
    return json.dumps(
        {
            "id": event_id,
            "create_time": "2018-06-08T10:34:56+08:00",
            "event_type": event_type,
            "resource": {
                "algorithm": "AEAD_AES_256_GCM",
                "ciphertext": base64.b64encode(cipher).decode(),
                "nonce": "0123456789ab",
                "associated_data": "refund",
            },
        }
    ).encode()


REFUND = {
    "mchid": "1900007291",
    "out_trade_no": "order-1-try-1",
    "transaction_id": "1008450740201411110005820873",
    "out_refund_no": "order-1-back-1",
    "refund_id": "50200207182018070300011301001",
    "refund_status": "SUCCESS",
    "success_time": "2018-06-08T10:34:56+08:00",
    "amount": {"total": 528800, "refund": 18800, "payer_total": 528800, "payer_refund": 18800},
}


def test_requests_are_signed_as_the_vendors_library_signs() -> None:
    made = vectors()["wechat_request"]
    account = wechat_account()
    at = made["at_s"], made["nonce"]
    post = authorization(account, "POST", made["target"], made["body"].encode(), *at)
    assert post == made["authorization_post"]
    assert authorization(account, "GET", "/v3/certificates", b"", *at) == made["authorization_get"]


def test_the_pages_parameters_are_signed_as_the_vendors_library_signs() -> None:
    made = vectors()["wechat_request"]
    pay = provider(appid="wx2421b1c4370ec43b")
    prepay_id = "wx201410272009395522657a690389285100"
    assert pay.jsapi(prepay_id, made["at_s"], made["nonce"]) == {
        "appId": "wx2421b1c4370ec43b",
        "timeStamp": "1554208460",
        "nonceStr": made["nonce"],
        "package": f"prepay_id={prepay_id}",
        "signType": "RSA",
        "paySign": made["jsapi"],
    }


def test_a_notice_is_verified_and_decrypted() -> None:
    assert provider().read_webhook(HEADERS, BODY, now_ms=AT_MS) == PAID
    lower = {name.lower(): value for name, value in HEADERS.items()}
    assert provider().read_webhook(lower, BODY, now_ms=AT_MS + REPLAY_WINDOW_MS) == PAID


@pytest.mark.parametrize("by_ms", [REPLAY_WINDOW_MS + 1_000, -REPLAY_WINDOW_MS - 1_000])
def test_a_notice_outside_the_window_is_a_conflict(by_ms: int) -> None:
    assert refused(HEADERS, BODY, AT_MS + by_ms) is RefusedBecause.STALE


@pytest.mark.parametrize("name", ["Timestamp", "Nonce", "Signature", "Serial"])
def test_a_notice_without_a_signature_is_refused(name: str) -> None:
    headers = {header: HEADERS[header] for header in HEADERS if header != f"Wechatpay-{name}"}
    assert refused(headers, BODY) is RefusedBecause.UNSIGNED


def test_a_notice_signed_by_another_key_is_refused() -> None:
    unknown = {**HEADERS, "Wechatpay-Serial": "PUB_KEY_ID_1"}
    assert refused(unknown, BODY) is RefusedBecause.FOREIGN
    scheme = {**HEADERS, "Wechatpay-Signature-Type": "WECHATPAY2-SM2-WITH-SM3"}
    assert refused(scheme, BODY) is RefusedBecause.FOREIGN
    ours = sign(private("merchant"), b"1554208460\nn\n" + BODY + b"\n")
    assert refused(signed(BODY, **{"Wechatpay-Signature": ours}), BODY) is (
        RefusedBecause.BAD_SIGNATURE
    )


def test_the_providers_probe_of_the_signature_check_is_refused() -> None:
    """验签: WeChat Pay sends wrong signatures with this prefix, to see them refused."""
    probe = "WECHATPAY/SIGNTEST/" + HEADERS["Wechatpay-Signature"][19:]
    headers = {**HEADERS, "Wechatpay-Signature": probe}
    assert refused(headers, BODY) is RefusedBecause.BAD_SIGNATURE


@settings(max_examples=20)
@given(st.integers(0, len(BODY) - 1), st.integers(1, 255))
def test_a_changed_or_truncated_notice_is_refused(at: int, flip: int) -> None:
    changed = BODY[:at] + bytes([BODY[at] ^ flip]) + BODY[at + 1 :]
    assert refused(HEADERS, changed) is RefusedBecause.BAD_SIGNATURE
    assert refused(HEADERS, BODY[:at]) is RefusedBecause.BAD_SIGNATURE


def test_a_notice_for_another_merchant_is_refused() -> None:
    body = notice("REFUND.SUCCESS", {**REFUND, "mchid": "1900000109"})
    assert refused(signed(body), body) is RefusedBecause.FOREIGN


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{}",
        b"\xff",
        BODY[:-2],
        BODY.replace(b"AEAD_AES_256_GCM", b"AEAD_AES_128_GCM"),
        BODY.replace(b"fdasflkja484", b"fdasflkja485"),
        notice("REFUND.SUCCESS", b"no JSON"),
        notice("REFUND.SUCCESS", {**REFUND, "amount": {"refund": "1"}}),
        notice("REFUND.SUCCESS", {**REFUND, "success_time": "today"}),
    ],
)
def test_signed_nonsense_is_refused(body: bytes) -> None:
    assert refused(signed(body), body) is RefusedBecause.UNREADABLE


def test_a_huge_notice_is_not_even_verified() -> None:
    assert refused(HEADERS, b" " * 65_537) is RefusedBecause.UNREADABLE


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        ("SUCCESS", EventKind.REFUNDED),
        ("ABNORMAL", EventKind.REFUND_FAILED),
        ("CLOSED", EventKind.REFUND_FAILED),
    ],
)
def test_a_refunds_notice_has_the_amount_of_the_refund(status: str, kind: EventKind) -> None:
    body = notice(f"REFUND.{status}", {**REFUND, "refund_status": status})
    assert provider().read_webhook(signed(body), body, now_ms=AT_MS) == ProviderEvent(
        "EV-1",
        kind,
        "order-1-try-1",
        "order-1-back-1",
        "50200207182018070300011301001",
        18_800,
        1_528_425_296_000,
    )


def test_a_notice_of_another_kind_is_genuine_and_not_ours() -> None:
    body = notice("COUPON.USE", {"mchid": "1900007291"})
    assert provider().read_webhook(signed(body), body, now_ms=AT_MS) is None


IN_WECHAT, ON_A_PHONE, ON_A_DESK = (
    Payer("oUpF8uMuAJO", "203.0.113.9", False),
    Payer("", "2001:db8::7", True),
    Payer("", "203.0.113.9", False),
)


@pytest.mark.parametrize(
    ("method", "payer", "target", "member"),
    [
        (Method.JSAPI, IN_WECHAT, "jsapi", {"payer": {"openid": "oUpF8uMuAJO"}}),
        (Method.JSAPI, ON_A_PHONE, "h5", {"scene_info": {"payer_client_ip": "2001:db8::7"}}),
        (Method.JSAPI, ON_A_DESK, "native", {}),
        (Method.H5, IN_WECHAT, "native", {}),
        (Method.H5, ON_A_PHONE, "h5", {"scene_info": {"payer_client_ip": "2001:db8::7"}}),
        (Method.NATIVE, None, "native", {}),
    ],
)
async def test_how_a_buyer_pays_depends_on_who_they_are_and_where_the_page_is_open(
    method: Method, payer: Payer | None, target: str, member: dict[str, Any]
) -> None:
    asked: list[httpx.Request] = []

    def take(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        found = {"prepay_id": "wx1", "h5_url": "https://wx.example/1", "code_url": "weixin://1"}
        body = json.dumps(found).encode()
        return httpx.Response(200, content=body, headers=signed(body))

    one = provider(method=method)
    one._calls._client = httpx.AsyncClient(transport=httpx.MockTransport(take))
    action = await one.create(replace(REQUEST, payer=payer))
    await one.aclose()
    kinds = {"jsapi": ActionKind.JSAPI, "h5": ActionKind.REDIRECT, "native": ActionKind.QR}
    assert action.kind is kinds[target]
    [request] = asked
    assert request.url.path == f"/v3/pay/transactions/{target}"
    sent = json.loads(request.content)
    common = {"appid", "mchid", "description", "out_trade_no", "time_expire", "notify_url"}
    assert set(sent) - common - {"amount"} == set(member)
    if "scene_info" in member:
        member = {"scene_info": {**member["scene_info"], "h5_info": {"type": "Wap"}}}
    assert {name: sent[name] for name in member} == member


async def test_the_login_gives_an_openid_for_a_code_once() -> None:
    async with played("wechat") as sandbox:
        of = replace(sandbox.provider._of, app_secret="s3", url=sandbox.url)  # type: ignore[attr-defined]
        one = WechatPay(of, sandbox.clock)
        assert one.login
        page = one.login.url("https://shop.example/me", "order-1")
        assert page == (
            f"https://open.weixin.qq.com/connect/oauth2/authorize?appid={of.appid}"
            "&redirect_uri=https%3A%2F%2Fshop.example%2Fme&response_type=code"
            "&scope=snsapi_base&state=order-1#wechat_redirect"
        )
        transport = httpx.ASGITransport(sandbox.sandbox.app)
        one.login._calls._client = httpx.AsyncClient(transport=transport)
        assert await one.login.client_of("code-oUpF8uMuAJO") == "oUpF8uMuAJO"
        for code in ("code-oUpF8uMuAJO", "other", ""):
            with pytest.raises(ProviderRefused):
                await one.login.client_of(code)
        await one.aclose()
