"""Who pays: said by the buyer's page when it is about to, where the provider asks for it."""

from collections.abc import Callable
from dataclasses import dataclass

import structlog
from sqlalchemy import Connection, select

from commerce.errors import NotFound
from commerce.io.record.intent_rows import live_actions, payer_of, set_payer
from commerce.io.record.schema import orders
from commerce.io.shop.context import ShopContext
from commerce.money.intents import Intent, IntentState
from commerce.money.providers import Payer, PaymentProvider, ProviderRefused, Unreachable

LOGIN_CODE_CHARS_MAX = 128

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class PayingPage:
    """The page that is about to pay: its device, and where it is open.

    `code` is what the provider's login gave it, "" before that.
    """

    client_ip: str
    phone: bool
    in_app: bool
    code: str = ""


class Payers:
    """Takes what pages say of their buyers. Without a provider that asks, it does nothing.

    The provider's login leads to the page `back`.
    """

    def __init__(
        self,
        shop: ShopContext,
        provider: PaymentProvider | None,
        back: str,
        wake: Callable[[], None],
    ) -> None:
        self._shop = shop
        self._provider = provider
        self._back = back
        self._wake = wake

    async def begin(self, order_id: str, guest_id: str, page: PayingPage) -> str | None:
        """Begin the attempt to pay an order, if it waits for that.

        Who is open in the provider's app and not known to it goes to its login first. If that
        fails, the attempt begins without: other ways to pay remain.

        Returns:
            The address of the login to go to, None if the attempt has begun.

        Raises:
            NotFound: The buyer has no such order.
        """
        async with self._shop.record.read() as connection:
            intent, said = await connection.run_sync(_look_up, order_id, guest_id)
        provider = self._provider
        if provider is None or not provider.asks_payer or intent is None or said:
            return None
        if intent.state is not IntentState.CREATED:
            return None
        client = ""
        if page.in_app and provider.login:
            if not page.code:
                return provider.login.url(self._back, order_id)
            try:
                client = await provider.login.client_of(page.code)
            except (ProviderRefused, Unreachable) as error:
                log.warning("the buyer is not known to the provider", why=str(error))
        payer = Payer(client, page.client_ip, page.phone and not page.in_app)
        async with self._shop.record.write() as connection:
            await connection.run_sync(set_payer, intent.id, payer, self._shop.clock())
        self._wake()
        return None


def _look_up(
    connection: Connection, order_id: str, guest_id: str
) -> tuple[Intent | None, Payer | None]:
    """Return the attempt that a buyer's order waits for, and who pays it."""
    mine = select(orders.c.guest_id).where(orders.c.id == order_id)
    if connection.scalar(mine) != guest_id:
        raise NotFound("order", order_id)
    found = live_actions(connection, [order_id]).get(order_id)
    if found is None:
        return None, None
    intent, _ = found
    return intent, payer_of(connection, intent.id)
