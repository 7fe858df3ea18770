"""Orders of a store that closes go to the next one, on both records, if their buyers agree."""

import dataclasses

import pytest
from sqlalchemy import select

from commerce.catalogue.values import SeedPlan, Stock
from commerce.errors import IllegalMove
from commerce.io.record.schema_slots import order_routes
from commerce.notices.notices import NoticeKind
from commerce.orders.rerouting import CONSENT_MS, RerouteReason
from commerce.orders.states import OrderState
from commerce.views import OrderView
from tests.support.commerce_checks import quiet, sound
from tests.support.commerce_shop import Shop, TestClock, running_shop, shop_plan


def plan(units: int) -> SeedPlan:
    """A shop whose other store has some tea, too."""
    own = shop_plan(3)
    return dataclasses.replace(own, stock=(*own.stock, Stock("tea", "s2", units)))


async def bought(shop: Shop, guest: str) -> str:
    """A new order of the estate's own store; its id."""
    order = await shop.commerce.orders.place(shop.tap(guest, "tea"))
    assert isinstance(order, OrderView) and order.store.id == "s1"
    return order.id


async def test_orders_of_a_closed_store_move_with_consent_or_are_paid_back(
    database_url: str, valkey_url: str
) -> None:
    clock = TestClock()
    async with running_shop(database_url, valkey_url, clock=clock, plan=plan(1)) as shop:
        commerce = shop.commerce
        anna = (await commerce.people.add_guest("Anna", "e1")).guest.id
        agreed, refused, silent = [await bought(shop, guest) for guest in (anna, "bo", "cai")]
        await quiet(shop)
        closed = await commerce.closing.close("s1", clock() + CONSENT_MS, "u1")
        assert (closed.moved, closed.refunded) == ((agreed,), (refused, silent))
        await quiet(shop)
        await sound(shop)
        assert (await commerce.orders.get(agreed)).store_id == "s2"
        assert NoticeKind.MOVED in {one.kind for one in await commerce.notices.mine(anna)}
        with pytest.raises(IllegalMove):
            await commerce.fulfilment.move(agreed, OrderState.PICKING, "clerk")
        assert (await commerce.rerouting.answer(agreed, anna, True)).consent_by_ms is None
        await commerce.rerouting.answer(agreed, anna, True)  # a retry
        with pytest.raises(IllegalMove):
            await commerce.rerouting.answer(refused, "bo", True)
        for state in (OrderState.PICKING, OrderState.PACKED, OrderState.READY):
            await commerce.fulfilment.move(agreed, state, "clerk")
        async with commerce.record.read() as connection:
            routes = (await connection.execute(select(order_routes))).all()
        assert [(row.order_id, row.store_id, row.reason) for row in routes] == [
            (agreed, "s2", RerouteReason.CLOSED)
        ]
        await sound(shop)


async def test_who_says_no_or_nothing_is_paid_back_by_the_other_store(
    database_url: str, valkey_url: str
) -> None:
    clock = TestClock()
    async with running_shop(database_url, valkey_url, clock=clock, plan=plan(2)) as shop:
        commerce = shop.commerce
        refused, silent = [await bought(shop, guest) for guest in ("bo", "cai")]
        for id in (refused, silent):
            assert await commerce.rerouting.reroute(id, RerouteReason.CANNOT, "u1") == "s2"
        await commerce.rerouting.answer(refused, "bo", False)
        assert await commerce.rerouting.step() == 0
        clock.ahead_ms += CONSENT_MS + 1
        with pytest.raises(IllegalMove):
            await commerce.rerouting.answer(silent, "cai", True)
        await commerce.rerouting.step()  # the shop's own loop may be faster
        await quiet(shop)
        for id in (refused, silent):
            assert shop.seen(id).state is OrderState.CANCELLED
            assert shop.seen(id).refunded_fen == 990
        await sound(shop)
