"""Alipay, byte by byte: RSA2 signatures of forms and answers, and which notices are taken."""

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from commerce.io.payments.alipay import (
    REPLAY_WINDOW_ALIPAY_MS,
    Alipay,
    Method,
    fen,
    signed_text,
    yuan,
)
from commerce.io.payments.calls import Answer
from commerce.io.payments.rsa import sign, verify
from commerce.io.payments.times import ms_of_spaced
from commerce.money.providers import (
    ActionKind,
    EventKind,
    IntentRequest,
    ProviderEvent,
    RefusedBecause,
    Unreachable,
    WebhookRefused,
)
from tests.support.payment_vectors import alipay_account, private, public, vectors

NOTICE: Mapping[str, str] = vectors()["alipay_notice"]
SENT_MS = ms_of_spaced(NOTICE["notify_time"])


def provider(**changes: Any) -> Alipay:
    return Alipay(alipay_account(**changes), lambda: SENT_MS)


def signed(**changes: str | None) -> bytes:
    """A notice that Alipay signed, with changes; None leaves a field out."""
    fields = {name: value for name, value in {**NOTICE, **changes}.items() if value is not None}
    text = signed_text({name: fields[name] for name in fields if name not in ("sign", "sign_type")})
    return urlencode({**fields, "sign": sign(private("provider"), text.encode())}).encode()


def refused(body: bytes, now_ms: int = SENT_MS) -> RefusedBecause:
    with pytest.raises(WebhookRefused) as caught:
        provider().read_webhook({}, body, now_ms=now_ms)
    return caught.value.because


def test_requests_are_signed_as_the_vendors_library_signs() -> None:
    made = vectors()["alipay_request"]
    assert sign(private("merchant"), signed_text(made["fields"]).encode()) == made["sign"]


def test_a_notice_signed_by_the_vendors_library_is_taken() -> None:
    body = urlencode(NOTICE).encode()
    assert provider().read_webhook({}, body, now_ms=SENT_MS) == ProviderEvent(
        "91722adff935e8cfa58b3aabf4dead6ibe",
        EventKind.PAID,
        "20150320010101001",
        None,
        "2013112011001004330000121536",
        8_888,
        1_434_033_239_000,
    )


def test_an_answers_signature_is_over_its_members_text() -> None:
    raw = vectors()["alipay_response"].encode()
    member = "alipay_trade_precreate_response"
    response = provider()._verified(Answer(200, {}, raw), member)
    assert response.qr_code == "https://qr.alipay.com/bavh4wjlxf12tper3a"
    with pytest.raises(Unreachable):
        provider()._verified(Answer(200, {}, raw.replace(b"tper3a", b"tper3b")), member)
    with pytest.raises(Unreachable):
        provider()._verified(Answer(200, {}, raw[:-1]), member)
    for unsigned in (b"{}", b'{"error_response":{"code":"10000"}}', b'{"error_response":1}'):
        with pytest.raises(Unreachable):
            provider()._verified(Answer(200, {}, unsigned), member)


@pytest.mark.parametrize(
    ("body", "because"),
    [
        (urlencode({**NOTICE, "sign": ""}).encode(), RefusedBecause.UNSIGNED),
        (b"", RefusedBecause.UNSIGNED),
        (urlencode({**NOTICE, "sign_type": "RSA"}).encode(), RefusedBecause.FOREIGN),
        (signed(app_id="2014072300007149"), RefusedBecause.FOREIGN),
        (urlencode({**NOTICE, "total_amount": "0.01"}).encode(), RefusedBecause.BAD_SIGNATURE),
        (urlencode({**NOTICE, "more": "1"}).encode(), RefusedBecause.BAD_SIGNATURE),
        (urlencode(NOTICE).encode() + b"&trade_no=1", RefusedBecause.UNREADABLE),
        (signed(total_amount="8.888"), RefusedBecause.UNREADABLE),
        (signed(total_amount="-1.00"), RefusedBecause.UNREADABLE),
        (signed(notify_id=None), RefusedBecause.UNREADABLE),
        (signed(gmt_payment="today"), RefusedBecause.UNREADABLE),
        (b"a=" + b"x" * 65_537, RefusedBecause.UNREADABLE),
        (b"a=%ff", RefusedBecause.UNREADABLE),
    ],
)
def test_what_alipay_did_not_send_is_refused(body: bytes, because: RefusedBecause) -> None:
    assert refused(body) is because


@settings(max_examples=20)
@given(st.integers(1, 900))
def test_a_truncated_notice_is_refused(cut: int) -> None:
    assert refused(urlencode(NOTICE).encode()[:-cut]) in RefusedBecause


def test_a_notice_of_yesterday_is_taken_as_long_as_alipay_repeats_it() -> None:
    body, end_ms = signed(), SENT_MS + REPLAY_WINDOW_ALIPAY_MS
    assert provider().read_webhook({}, body, now_ms=end_ms) is not None
    assert refused(body, end_ms + 1) is RefusedBecause.STALE
    assert refused(body, SENT_MS - 300_001) is RefusedBecause.STALE


@pytest.mark.parametrize(
    ("changes", "kind"),
    [
        ({"trade_status": "TRADE_FINISHED"}, EventKind.PAID),
        ({"trade_status": "TRADE_CLOSED", "gmt_payment": None}, EventKind.CLOSED),
        ({"trade_status": "WAIT_BUYER_PAY"}, None),
        ({"trade_status": "TRADE_CLOSED", "refund_fee": "88.88"}, None),
    ],
)
def test_the_state_of_a_trade_decides(changes: dict[str, str | None], kind: EventKind) -> None:
    event = provider().read_webhook({}, signed(**changes), now_ms=SENT_MS)
    assert (event.kind if event else None) == kind


@pytest.mark.parametrize("method", [Method.WAP, Method.PAGE])
async def test_a_page_is_a_signed_address(method: Method) -> None:
    request = IntentRequest(
        "order-1-try-1", 8_888, "菠菜", SENT_MS, "https://a.example/back", "https://a.example/n"
    )
    action = await provider(method=method).create(request)
    assert action.kind is ActionKind.REDIRECT
    fields = dict(parse_qsl(urlsplit(action.data["url"]).query))
    signature = fields.pop("sign")
    assert verify(public("merchant"), signed_text(fields).encode(), signature)
    assert fields["return_url"] == "https://a.example/back"
    assert '"total_amount":"88.88"' in fields["biz_content"]


@given(st.integers(0, 10**9))
def test_an_amount_in_yuan_is_exact(amount_fen: int) -> None:
    assert fen(yuan(amount_fen)) == amount_fen


@pytest.mark.parametrize("text", ["", "1.", ".5", "1.234", "1e3", "-1", "+1", " 1", "１"])
def test_what_is_no_amount_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=re.escape(text) + "$"):
        fen(text)
