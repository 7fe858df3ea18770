"""Opens the payment provider's account that the settings name."""

import contextlib
from pathlib import Path

from commerce.io.payments.accounts import provider_of
from commerce.io.record.engine import wall_clock
from commerce.io.shop.payments.intents import ProviderLinks
from commerce.money.providers import PaymentProvider
from server.errors import OperatorError
from server.sandbox.keys import FOLDER
from server.settings import Settings

AT_ONCE = "sandbox"
ON_THIS_MACHINE = "sandbox-async"


async def open_provider(
    settings: Settings, stack: contextlib.AsyncExitStack
) -> PaymentProvider | None:
    """Open the provider by which orders are paid; None where they are paid at once.

    Raises:
        OperatorError: The account's file is wrong, or nobody can reach us.
    """
    if settings.payments == AT_ONCE:
        return None
    if not _base(settings):
        raise OperatorError("LINLI_PUBLIC_URL: needed, the payment provider sends webhooks to it.")
    file, hint = Path(settings.payments), ""
    if settings.payments == ON_THIS_MACHINE:
        file = settings.data_dir / FOLDER / "wechat.toml"
        hint = " Start `linli payments sandbox` first, with the same LINLI_DATA_DIR."
    try:
        provider = provider_of(file, wall_clock, refund_notify_url=_hook(settings, "wechat"))
    except OSError as error:
        raise OperatorError(f"LINLI_PAYMENTS: {error.strerror}: {file}.{hint}") from None
    except ValueError as error:
        raise OperatorError(f"LINLI_PAYMENTS: {file}: {error}") from None
    stack.push_async_callback(provider.aclose)
    return provider


def links_of(settings: Settings, provider: PaymentProvider | None) -> ProviderLinks:
    """Return the addresses that a provider is given."""
    if provider is None:
        return ProviderLinks("", "")
    return ProviderLinks(_hook(settings, provider.name), f"{_base(settings)}/me")


def _hook(settings: Settings, name: str) -> str:
    return f"{_base(settings)}/hooks/payments/{name}"


def _base(settings: Settings) -> str:
    """Return where the provider reaches us; the one on this machine needs no public address."""
    if not settings.public_url and settings.payments == ON_THIS_MACHINE:
        return settings.local_url
    return settings.public_url.rstrip("/")
