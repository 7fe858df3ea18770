"""Each move of an order is an event to its buyer, its store and its leader, on both records.

What they get here is the feed's call with the order as it is since; that `RoomFeed` gives it to all
three is tests/server/bridge/test_feed.py.
"""

from sqlalchemy import select, update

from commerce.io.record.schema import order_moves, orders
from commerce.leaders.scans import Scan, ScanHow
from commerce.orders.states import REVERSALS, TRANSITIONS, OrderState
from commerce.views import OrderView
from tests.support.commerce_checks import sound
from tests.support.commerce_shop import Shop, running_shop, shop_plan
from tests.support.records import each_record
from tests.support.waiting import wait_until

database_url = each_record

S = OrderState
TO_READY = (S.PICKING, S.PACKED, S.READY)
# Those of orders that are to be paid are in test_commerce_intents.py, of packers' undo in
# tests/server/http/staff/test_packing.py.
ELSEWHERE = {
    *((from_state, to) for from_state, to in TRANSITIONS if S.WAITING_PAYMENT is from_state),
    *((from_state, to) for from_state, to in TRANSITIONS if S.EXPIRED is from_state),
    *(REVERSALS - {(S.OUT, S.READY)}),
}


async def test_each_move_reaches_buyer_store_and_leader(database_url: str, valkey_url: str) -> None:
    async with running_shop(database_url, valkey_url, plan=shop_plan(target=2)) as shop:
        await _through_the_counter(shop)
        await _to_doors(shop)
        await _ended_early(shop)
        await _in_groups(shop)
        await sound(shop)
        async with shop.commerce.record.read() as connection:
            made = await connection.execute(
                select(order_moves.c.from_state, order_moves.c.to_state)
            )
            seen = {(S(from_state), S(to)) for from_state, to in made}
        assert seen == (TRANSITIONS | REVERSALS) - ELSEWHERE


async def _buy(shop: Shop, guest: str, product: str = "tea") -> str:
    order = await shop.commerce.orders.place(shop.tap(guest, product))
    assert isinstance(order, OrderView)
    return order.id


async def _shown(shop: Shop, order_id: str, state: OrderState) -> None:
    """Wait until all who are shown the order are shown it in this state."""

    def known() -> bool:
        at_store = shop.feed.store_orders.get(order_id)
        led = at_store is not None and at_store.estate_id == "e1"
        return led and shop.seen(order_id).state is state is at_store.state  # type: ignore[union-attr]

    await wait_until(known, what=f"{state} of {order_id}")


async def _moved(shop: Shop, order_id: str, *states: OrderState) -> None:
    for state in states:
        await shop.commerce.fulfilment.move(order_id, state, "clerk")
        await _shown(shop, order_id, state)


async def _through_the_counter(shop: Shop) -> None:
    order_id = await _buy(shop, "anna")
    await _shown(shop, order_id, S.NEW)
    await _moved(shop, order_id, *TO_READY)
    [mine] = await shop.commerce.orders.mine("anna")
    assert mine.pickup
    await shop.commerce.fulfilment.hand_over("s1", mine.pickup.code, "clerk")
    await _shown(shop, order_id, S.HANDED_OVER)


async def _to_doors(shop: Shop) -> None:
    """One finds nobody at home first, one never does."""
    walk, handover = shop.commerce.leaders.walk, shop.commerce.leaders.handover
    brought, absent = await _buy(shop, "bo"), await _buy(shop, "cai")
    async with shop.commerce.record.write() as connection:
        these = update(orders).where(orders.c.id.in_([brought, absent]))
        await connection.execute(these.values(fulfilment="delivery"))
    for order_id in (brought, absent):
        await _moved(shop, order_id, *TO_READY)
        await walk.go_out("e1", [order_id], "u1")
        await _shown(shop, order_id, S.OUT)
    await walk.come_back("e1", [brought], "u1")
    await _shown(shop, brought, S.READY)
    await walk.go_out("e1", [brought], "u1")
    await _shown(shop, brought, S.OUT)
    await handover.hand_over("e1", Scan("d1", "p", 1, ScanHow.CODE, 1, order_id=brought), "u1")
    await _shown(shop, brought, S.DELIVERED)
    await _moved(shop, absent, S.RETURNED)


async def _ended_early(shop: Shop) -> None:
    for at, guest in enumerate(("dora", "eva", "finn", "gus")):
        order_id = await _buy(shop, guest)
        await _moved(shop, order_id, *TO_READY[:at], S.CANCELLED)
    order_id = await _buy(shop, "hal")
    await _moved(shop, order_id, *TO_READY, S.RETURNED)


async def _in_groups(shop: Shop) -> None:
    """One leaves the group before it is reached."""
    await shop.commerce.groups.pin("demo", "pear", None)
    left = await _buy(shop, "cai", "pear")
    await _shown(shop, left, S.WAITING_GROUP)
    await shop.commerce.fulfilment.cancel(left, "cai")
    await _shown(shop, left, S.CANCELLED)
    for order_id in [await _buy(shop, guest, "pear") for guest in ("anna", "bo")]:
        await _shown(shop, order_id, S.NEW)
