"""Orders that wait for their payment: from the tap to the store, or back on sale."""

from commerce.orders.states import OrderState
from commerce.views import OrderView
from tests.support.commerce_checks import sound
from tests.support.commerce_shop import Shop, running_shop, shop_plan
from tests.support.payment_provider import MemoryProvider
from tests.support.records import each_record
from tests.support.waiting import wait_until

database_url = each_record


async def place(shop: Shop, guest: str, product: str = "tea") -> OrderView:
    """Place an order and wait until its page may pay."""
    order = await shop.commerce.orders.place(shop.tap(guest, product))
    assert isinstance(order, OrderView)
    assert order.state is OrderState.WAITING_PAYMENT
    await wait_until(lambda: getattr(shop.seen(order.id).payment, "action", None) is not None)
    return order


async def test_an_order_goes_to_its_store_once_it_is_paid(
    database_url: str, valkey_url: str
) -> None:
    provider = MemoryProvider()
    async with running_shop(database_url, valkey_url, provider=provider) as shop:
        order = await place(shop, "anna")
        payment = shop.seen(order.id).payment
        assert payment and payment.action
        assert payment.action.url == f"memory://pay/{order.id}"
        paid = provider.pay(order.id)
        await shop.commerce.intents.take_webhook(*provider.webhook(paid))
        await shop.commerce.intents.take_webhook(*provider.webhook(paid))
        await wait_until(lambda: shop.seen(order.id).state is OrderState.NEW)
        assert shop.seen(order.id).payment is None
        assert shop.commerce.intents.webhooks == {"paid": 1, "again": 1}
        await sound(shop)


async def test_units_of_an_order_that_is_not_paid_go_back_on_sale_and_its_late_payment_back(
    database_url: str, valkey_url: str
) -> None:
    provider = MemoryProvider()
    plan = shop_plan(1)
    async with running_shop(database_url, valkey_url, provider=provider, plan=plan) as shop:
        order = await place(shop, "anna")
        late = provider.pay(order.id)
        shop.clock.ahead_ms = 15 * 60_000
        provider.down.update(("query", "close"))
        await wait_until(lambda: shop.seen(order.id).state is OrderState.EXPIRED)
        bert = await place(shop, "bert")
        await shop.commerce.intents.take_webhook(*provider.webhook(late))
        await wait_until(lambda: shop.seen(order.id).refunded_fen == order.total_fen)
        assert shop.seen(order.id).state is OrderState.EXPIRED
        provider.pay(bert.id)
        provider.down.clear()
        shop.clock.ahead_ms += 60_000  # no webhook came: it is queried
        await wait_until(lambda: shop.seen(bert.id).state is OrderState.NEW)
        await sound(shop)
