"""Opens the payment provider's account that the settings name."""

import contextlib
from pathlib import Path

from commerce.io.payments.accounts import provider_of
from commerce.io.record.engine import wall_clock
from commerce.io.shop.payments.intents import ProviderLinks
from commerce.money.providers import PaymentProvider
from server.errors import OperatorError
from server.settings import Settings

AT_ONCE = "sandbox"


async def open_provider(
    settings: Settings, stack: contextlib.AsyncExitStack
) -> PaymentProvider | None:
    """Open the provider by which orders are paid; None where they are paid at once.

    Raises:
        OperatorError: The account's file is wrong, or nobody can reach us.
    """
    if settings.payments == AT_ONCE:
        return None
    if not settings.public_url:
        raise OperatorError("LINLI_PUBLIC_URL: needed, the payment provider sends webhooks to it.")
    try:
        provider = provider_of(
            Path(settings.payments), wall_clock, refund_notify_url=_hook(settings, "wechat")
        )
    except OSError as error:
        raise OperatorError(f"LINLI_PAYMENTS: {error.strerror}: {settings.payments}") from None
    except ValueError as error:
        raise OperatorError(f"LINLI_PAYMENTS: {settings.payments}: {error}") from None
    stack.push_async_callback(provider.aclose)
    return provider


def links_of(settings: Settings, provider: PaymentProvider | None) -> ProviderLinks:
    """Return the addresses that a provider is given."""
    if provider is None:
        return ProviderLinks("", "")
    base = settings.public_url.rstrip("/")
    return ProviderLinks(_hook(settings, provider.name), f"{base}/")


def _hook(settings: Settings, name: str) -> str:
    return f"{settings.public_url.rstrip('/')}/hooks/payments/{name}"
