"""Accounts with known keys, and what the vendors' own libraries sign with them.

The vectors are made by wechatpayv3 2.0.4, python-alipay-sdk 3.4.0 and stripe 16.1.0 from the
examples of the providers' documentation.
"""

import functools
import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key, load_pem_public_key

from commerce.io.payments.alipay import AlipayAccount
from commerce.io.payments.stripe import StripeAccount
from commerce.io.payments.wechat import WechatAccount

FILE = Path(__file__).parents[1] / "vectors" / "payments.json"


@functools.cache
def vectors() -> Mapping[str, Any]:
    """All vectors."""
    found: Mapping[str, Any] = json.loads(FILE.read_text(encoding="utf-8"))
    return found


@functools.cache
def private(name: str) -> RSAPrivateKey:
    """The key of "merchant" or "provider"."""
    key = load_pem_private_key(vectors()[f"{name}_private"].encode(), password=None)
    assert isinstance(key, RSAPrivateKey)
    return key


@functools.cache
def public(name: str) -> RSAPublicKey:
    """The public key of "merchant" or "provider"."""
    key = load_pem_public_key(vectors()[f"{name}_public"].encode())
    assert isinstance(key, RSAPublicKey)
    return key


def wechat_account(**changes: Any) -> WechatAccount:
    """The account of the vectors."""
    account = WechatAccount(
        mchid="1900007291",
        appid="wxd678efh567hg6787",
        serial=vectors()["wechat_request"]["serial"],
        private_key=private("merchant"),
        api_key=vectors()["wechat_notice"]["api_v3_key"].encode(),
        keys={"PUB_KEY_ID_0000000000000024101100397200000006": public("provider")},
    )
    return replace(account, **changes)


def alipay_account(**changes: Any) -> AlipayAccount:
    """The account of the vectors."""
    account = AlipayAccount("2014072300007148", private("merchant"), public("provider"))
    return replace(account, **changes)


def stripe_account(**changes: Any) -> StripeAccount:
    """The account of the vectors."""
    account = StripeAccount("acct_1", "sk_test_1", vectors()["stripe_event"]["secret"])
    return replace(account, **changes)
