"""Stripe, byte by byte: which events are taken, and what they mean."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from commerce.io.payments.stripe import Stripe, signature_of
from commerce.money.providers import (
    REPLAY_WINDOW_MS,
    EventKind,
    ProviderEvent,
    RefusedBecause,
    WebhookRefused,
)
from tests.support.payment_vectors import stripe_account, vectors

EVENT = vectors()["stripe_event"]
BODY: bytes = EVENT["body"].encode()
AT_S: int = EVENT["at_s"]
AT_MS = AT_S * 1_000


def read(header: str, body: bytes, now_ms: int = AT_MS) -> ProviderEvent | None:
    return Stripe(stripe_account(), lambda: AT_MS).read_webhook(
        {"Stripe-Signature": header}, body, now_ms=now_ms
    )


def refused(header: str, body: bytes, now_ms: int = AT_MS) -> RefusedBecause:
    with pytest.raises(WebhookRefused) as caught:
        read(header, body, now_ms)
    return caught.value.because


def event(kind: str, **members: Any) -> bytes:
    payload = {"id": "re_1", "amount": 700, "created": 1_680_064_000, **members}
    return json.dumps(
        {"id": "evt_1", "type": kind, "created": 1_680_064_028, "data": {"object": payload}}
    ).encode()


def signed(body: bytes) -> str:
    return f"t={AT_S},v1={signature_of(EVENT['secret'], AT_S, body)}"


OURS = {"reference": "order-1-try-1", "refund_reference": "order-1-back-1"}


def test_an_event_signed_by_the_vendors_library_is_taken() -> None:
    paid = ProviderEvent(
        "evt_1MqqbKLt4dXK03v5qaIbiNCC",
        EventKind.PAID,
        "order-1-try-1",
        None,
        "pi_3MtwBwLkdIwHu7ix28a3tqPa",
        2_000,
        1_680_064_028_000,
    )
    assert read(EVENT["header"], BODY, AT_MS + REPLAY_WINDOW_MS) == paid
    rolled = EVENT["header"].replace(",v1=", f",v1={'0' * 64},v0=x,v1=")
    assert read(rolled, BODY) == paid


@pytest.mark.parametrize("by_ms", [REPLAY_WINDOW_MS + 1_000, -REPLAY_WINDOW_MS - 1_000])
def test_an_event_outside_the_window_is_a_conflict(by_ms: int) -> None:
    assert refused(EVENT["header"], BODY, AT_MS + by_ms) is RefusedBecause.STALE


@pytest.mark.parametrize(
    ("header", "because"),
    [
        ("", RefusedBecause.UNSIGNED),
        (f"t={AT_S}", RefusedBecause.UNSIGNED),
        (EVENT["header"].replace("v1=", "v0="), RefusedBecause.UNSIGNED),
        (EVENT["header"] + f",t={AT_S}", RefusedBecause.UNSIGNED),
        (EVENT["header"].replace(str(AT_S), "soon"), RefusedBecause.UNREADABLE),
        (EVENT["header"].replace(str(AT_S), str(AT_S + 1)), RefusedBecause.BAD_SIGNATURE),
        (
            f"t={AT_S},v1={signature_of('whsec_other', AT_S, BODY)}",
            RefusedBecause.BAD_SIGNATURE,
        ),
        (EVENT["header"][:-1] + "é", RefusedBecause.BAD_SIGNATURE),
    ],
)
def test_what_stripe_did_not_sign_is_refused(header: str, because: RefusedBecause) -> None:
    assert refused(header, BODY) is because


@settings(max_examples=20)
@given(st.integers(0, len(BODY) - 1), st.integers(1, 255))
def test_a_changed_or_truncated_event_is_refused(at: int, flip: int) -> None:
    changed = BODY[:at] + bytes([BODY[at] ^ flip]) + BODY[at + 1 :]
    assert refused(EVENT["header"], changed) is RefusedBecause.BAD_SIGNATURE
    assert refused(EVENT["header"], BODY[:at]) is RefusedBecause.BAD_SIGNATURE


@pytest.mark.parametrize("body", [b"", b"[]", b"\xff", event("refund.updated", amount="7")])
def test_signed_nonsense_is_refused(body: bytes) -> None:
    assert refused(signed(body), body) is RefusedBecause.UNREADABLE


@pytest.mark.parametrize(
    ("kind", "members", "expected"),
    [
        ("payment_intent.payment_failed", {"status": "requires_payment_method"}, EventKind.FAILED),
        ("payment_intent.canceled", {"status": "canceled"}, EventKind.CLOSED),
        ("payment_intent.created", {"status": "requires_action"}, None),
        ("refund.updated", {"status": "succeeded"}, EventKind.REFUNDED),
        ("refund.failed", {"status": "failed"}, EventKind.REFUND_FAILED),
        ("refund.created", {"status": "pending"}, None),
        ("refund.created", {"status": "succeeded", "metadata": {}}, None),
    ],
)
def test_the_type_of_an_event_decides(
    kind: str, members: dict[str, Any], expected: EventKind | None
) -> None:
    body = event(kind, **{"metadata": OURS, "currency": "cny", **members})
    found = read(signed(body), body)
    assert (found.kind if found else None) == expected
    if found is not None:
        assert (found.reference, found.amount_fen) == ("order-1-try-1", 700)


def test_an_amount_in_another_currency_is_never_what_was_asked_for() -> None:
    body = event(
        "payment_intent.succeeded",
        **{"status": "succeeded", "amount_received": 700, "currency": "usd", "metadata": OURS},
    )
    found = read(signed(body), body)
    assert found is not None
    assert found.amount_fen == 0
