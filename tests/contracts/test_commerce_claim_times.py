"""A claim that the rule approves is paid back within a minute of the shop's clock."""

from sqlalchemy import text

from commerce.after_sales.claims import ClaimState, Fault
from commerce.io.record.engine import wall_clock
from commerce.io.shop.after_sales.values import GoodsClaim, NewClaim
from commerce.views import OrderView
from tests.support.commerce_checks import sound
from tests.support.commerce_shop import Shop, TestClock, running_shop, shop_plan
from tests.support.ready_orders import TO_READY, code_of
from tests.support.records import each_record
from tests.support.waiting import wait_until

database_url = each_record

MINUTE_MS = 60_000


class StoppedClock(TestClock):
    """A clock that goes on only when a test says so."""

    def __init__(self) -> None:
        super().__init__()
        self._began_ms = wall_clock() + MINUTE_MS

    def __call__(self) -> int:
        """See `TestClock`."""
        return self._began_ms + self.ahead_ms


async def test_money_by_the_rule_is_back_at_once_and_of_the_same_order_again_within_a_minute(
    database_url: str, valkey_url: str
) -> None:
    clock = StoppedClock()
    async with running_shop(database_url, valkey_url, plan=shop_plan(), clock=clock) as shop:
        orders = [await _collected(shop, guest) for guest in ("anna", "bo")]
        # Nobody waits for a timer: the clock stands still until the money is back.
        for guest, order in zip(("anna", "bo"), orders, strict=True):
            await _claim(shop, guest, order)
            await wait_until(lambda order=order: shop.seen(order).refunded_fen == 990)  # type: ignore[misc]
        # A provider takes two refunds of an order a minute apart (docs/payments.md).
        clock.ahead_ms += 1_000
        again = await _claim(shop, "anna", orders[0])
        while shop.seen(orders[0]).refunded_fen < 2 * 990:
            clock.ahead_ms += 1_000
            assert clock() - again.made_at_ms <= MINUTE_MS
            await _outbox_is_idle(shop)
        await sound(shop)


async def _collected(shop: Shop, guest: str) -> str:
    """Two teas at 9.90, taken home."""
    placed = await shop.commerce.orders.place(shop.tap(guest, quantity=2))
    assert isinstance(placed, OrderView)
    for state in TO_READY:
        await shop.commerce.fulfilment.move(placed.id, state, "clerk")
    await shop.commerce.fulfilment.hand_over("s1", await code_of(shop, guest, placed.id), "clerk")
    return placed.id


async def _claim(shop: Shop, guest: str, order_id: str) -> GoodsClaim:
    made = await shop.commerce.claims.make(guest, NewClaim(order_id, 0, 0, 1, Fault.STALE))
    assert made.state is ClaimState.APPROVED
    return made


async def _outbox_is_idle(shop: Shop) -> None:
    """Wait until nothing that is due by the shop's clock is left."""

    async def idle() -> bool:
        async with shop.commerce.record.read() as connection:
            due = await connection.scalar(
                text("SELECT COUNT(*) FROM outbox WHERE due_at_ms <= :now"),
                {"now": shop.clock()},
            )
        return not due

    await wait_until(idle, what="a relay that has nothing due")
