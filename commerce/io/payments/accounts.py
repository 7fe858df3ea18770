"""The file of a payment provider's account: TOML, with keys in PEM files beside it.

`provider` is wechat, alipay or stripe; the other members are those of docs/payments.md.
"""

import tomllib
from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from typing import Protocol, TypeVar

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from commerce.io.payments import alipay, stripe, wechat
from commerce.io.payments.rsa import private_key, public_key
from commerce.io.record.engine import Clock
from commerce.money.providers import PaymentProvider

FILE_BYTES_MAX = 64 * 1024

Chosen = TypeVar("Chosen", bound=StrEnum)
Key = TypeVar("Key")


class OpenProvider(PaymentProvider, Protocol):
    """A provider whose connections are ended at the end."""

    async def aclose(self) -> None:
        """End the connections."""
        ...


def provider_of(file: Path, clock: Clock, *, refund_notify_url: str = "") -> OpenProvider:
    """Return the provider of an account's file.

    Raises:
        ValueError: A member lacks or is wrong; the text names it, and never its value.
        OSError: The file cannot be read.
    """
    if file.stat().st_size > FILE_BYTES_MAX:
        raise ValueError("too large")
    try:
        members = _Members(tomllib.loads(file.read_text(encoding="utf-8")), file.parent)
    except ValueError:
        raise ValueError("not a TOML file in UTF-8") from None
    provider = members.text("provider")
    if provider == "wechat":
        return _wechat(members, clock, refund_notify_url)
    if provider == "alipay":
        return _alipay(members, clock)
    if provider == "stripe":
        return _stripe(members, clock)
    raise ValueError("provider: wechat, alipay or stripe")


def _wechat(members: "_Members", clock: Clock, refund_notify_url: str) -> OpenProvider:
    api_key = members.text("api_v3_key").encode()
    if len(api_key) != wechat.KEY_BYTES:
        raise ValueError(f"api_v3_key: {wechat.KEY_BYTES} bytes")
    account = wechat.WechatAccount(
        mchid=members.text("mchid"),
        appid=members.text("appid"),
        serial=members.text("serial"),
        private_key=members.key("private_key", private_key),
        api_key=api_key,
        keys=members.keys("public_keys"),
        method=members.choice("method", wechat.Method.NATIVE),
        url=members.url(wechat.LIVE_URL),
        refund_notify_url=refund_notify_url,
    )
    return members.all_read(wechat.WechatPay(account, clock))


def _alipay(members: "_Members", clock: Clock) -> OpenProvider:
    account = alipay.AlipayAccount(
        app_id=members.text("app_id"),
        private_key=members.key("private_key", private_key),
        key=members.key("alipay_public_key", public_key),
        method=members.choice("method", alipay.Method.QR),
        url=members.url(alipay.LIVE_URL),
    )
    return members.all_read(alipay.Alipay(account, clock))


def _stripe(members: "_Members", clock: Clock) -> OpenProvider:
    account = stripe.StripeAccount(
        account=members.text("account"),
        secret_key=members.text("secret_key"),
        webhook_secret=members.text("webhook_secret"),
        method=members.choice("method", stripe.Method.ALIPAY),
        url=members.url(stripe.LIVE_URL),
    )
    return members.all_read(stripe.Stripe(account, clock))


class _Members:
    """The members of a file, each read once; the paths of keys are relative to its folder."""

    def __init__(self, members: dict[str, object], folder: Path) -> None:
        self._members = members
        self._folder = folder

    def text(self, name: str) -> str:
        found = self._members.pop(name, None)
        if not isinstance(found, str) or not found or found != found.strip():
            raise ValueError(f"{name}: missing")
        return found

    def key(self, name: str, read: Callable[[Path], Key]) -> Key:
        return self._read(name, self.text(name), read)

    def keys(self, name: str) -> dict[str, RSAPublicKey]:
        found = self._members.pop(name, None)
        if not isinstance(found, dict) or not found:
            raise ValueError(f"{name}: a table of key ids and PEM files")
        return {id: self._read(f"{name}.{id}", str(file), public_key) for id, file in found.items()}

    def choice(self, name: str, default: Chosen) -> Chosen:
        if name not in self._members:
            return default
        try:
            return type(default)(self.text(name))
        except ValueError:
            raise ValueError(f"{name}: {', '.join(type(default))}") from None

    def url(self, default: str) -> str:
        found = self.text("url") if "url" in self._members else default
        if not found.startswith(("https://", "http://127.0.0.1:", "http://localhost:")):
            raise ValueError("url: https, or http on this machine")
        return found

    def all_read(self, provider: OpenProvider) -> OpenProvider:
        if self._members:
            raise ValueError(f"unknown: {', '.join(sorted(self._members))}")
        return provider

    def _read(self, name: str, file: str, read: Callable[[Path], Key]) -> Key:
        try:
            return read(self._folder / file)
        except (OSError, ValueError, TypeError):
            raise ValueError(f"{name}: no PEM file of an RSA key at {file}") from None
