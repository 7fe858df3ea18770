"""The file of a payment provider's account: TOML, with keys in PEM files beside it.

`provider` is wechat, alipay or stripe; the other members are those of docs/payment-providers.md.
"""

import tomllib
from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from typing import Protocol, TypeVar

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
    texts = {name: members.text(name) for name in ("mchid", "appid", "serial")}
    api_key = members.text("api_v3_key").encode()
    if len(api_key) != wechat.KEY_BYTES:
        raise ValueError(f"api_v3_key: {wechat.KEY_BYTES} bytes")
    method = members.choice("method", wechat.Method.NATIVE)
    secret = members.optional("app_secret")
    url, own, theirs = (
        members.url(wechat.LIVE_URL),
        members.text("private_key"),
        members.table("public_keys"),
    )
    members.all_read()
    keys = {id: members.key(f"public_keys.{id}", theirs[id], public_key) for id in theirs}
    private = members.key("private_key", own, private_key)
    account = wechat.WechatAccount(
        **texts,
        private_key=private,
        api_key=api_key,
        keys=keys,
        method=method,
        url=url,
        refund_notify_url=refund_notify_url,
        app_secret=secret,
    )
    return wechat.WechatPay(account, clock)


def _alipay(members: "_Members", clock: Clock) -> OpenProvider:
    app_id = members.text("app_id")
    method = members.choice("method", alipay.Method.QR)
    url, own, theirs = (
        members.url(alipay.LIVE_URL),
        members.text("private_key"),
        members.text("alipay_public_key"),
    )
    members.all_read()
    key = members.key("alipay_public_key", theirs, public_key)
    private = members.key("private_key", own, private_key)
    return alipay.Alipay(alipay.AlipayAccount(app_id, private, key, method, url), clock)


def _stripe(members: "_Members", clock: Clock) -> OpenProvider:
    texts = {name: members.text(name) for name in ("account", "secret_key", "webhook_secret")}
    method = members.choice("method", stripe.Method.ALIPAY)
    url = members.url(stripe.LIVE_URL)
    members.all_read()
    return stripe.Stripe(stripe.StripeAccount(**texts, method=method, url=url), clock)


class _Members:
    """The members of a file, each read once; the files of keys are relative to its folder."""

    def __init__(self, members: dict[str, object], folder: Path) -> None:
        self._members = members
        self._folder = folder

    def text(self, name: str) -> str:
        found = self._members.pop(name, None)
        if not isinstance(found, str) or not found or found != found.strip():
            raise ValueError(f"{name}: missing")
        return found

    def optional(self, name: str) -> str:
        return self.text(name) if name in self._members else ""

    def table(self, name: str) -> dict[str, str]:
        found = self._members.pop(name, None)
        if not isinstance(found, dict) or not found:
            raise ValueError(f"{name}: a table of key ids and PEM files")
        return {id: str(file) for id, file in found.items()}

    def key(self, name: str, file: str, read: Callable[[Path], Key]) -> Key:
        """Loading a private key checks it, for a tenth of a second: the last thing to do."""
        try:
            return read(self._folder / file)
        except (OSError, ValueError, TypeError):
            raise ValueError(f"{name}: no PEM file of an RSA key at {file}") from None

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

    def all_read(self) -> None:
        if self._members:
            raise ValueError(f"unknown: {', '.join(sorted(self._members))}")
