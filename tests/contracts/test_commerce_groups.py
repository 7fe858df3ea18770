"""Group buys on both records: opened by a pin, joined by one tap, reached, expired, refunded."""

import asyncio
from dataclasses import replace

import pytest

from commerce.errors import IllegalMove, NotFound, Refusal, Refused
from commerce.groups.group import EXPIRY_GRACE_MS, Group, GroupState
from commerce.io.audit import audit
from commerce.io.outbox import handlers
from commerce.io.shop import fulfilment
from commerce.io.shop.seed import seed
from commerce.orders.states import FULFIL_MS, OrderState
from commerce.views import OrderView
from tests.support.commerce_checks import quiet, sound
from tests.support.commerce_shop import NO_GROUP_YET, Shop, running_shop, shop_plan
from tests.support.waiting import wait_until

HOUR_MS = 3_600_000


async def join(shop: Shop, guest: str, **options: str) -> OrderView:
    """Join the estate's group for pears."""
    order = await shop.commerce.orders.place(shop.tap(guest, "pear", **options))  # type: ignore[arg-type]  # names only
    assert isinstance(order, OrderView)
    return order


async def test_a_pin_opens_one_group_per_estate(database_url: str, valkey_url: str) -> None:
    async with running_shop(database_url, valkey_url) as shop:
        card = await shop.commerce.groups.pin("demo", "pear", 90_000)
        assert (card.product.id, card.media_time, card.product.left) == ("pear", 90_000, 100)
        groups = await shop.commerce.groups.of_room("demo")
        assert sorted(group.estate_id for group in groups) == ["e1", "e2"]
        await shop.commerce.groups.pin("other", "pear", None)
        assert await shop.commerce.groups.of_room("demo") == groups
        await wait_until(lambda: len(shop.feed.groups) == 2 and len(shop.feed.cards) == 2)
        await shop.commerce.groups.unpin("demo", "pear")
        await wait_until(lambda: list(shop.feed.cards) == [("other", "pear")])


async def test_a_board_has_the_newest_orders_that_wait_for_their_group(
    database_url: str, valkey_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fulfilment, "WAITING_ORDERS", 2)
    async with running_shop(database_url, valkey_url, plan=shop_plan(target=20)) as shop:
        await shop.commerce.groups.pin("demo", "pear", None)
        joined = []
        for guest in ("anna", "bo", "cai"):
            shop.clock.ahead_ms += 1_000
            joined.append((await join(shop, guest)).id)
        await shop.commerce.orders.place(shop.tap("dan"))
        board = await shop.commerce.fulfilment.board("s1")
        assert [order.id for order in board.waiting_orders] == joined[:0:-1]
        assert [waiting.orders for waiting in board.waiting] == [3]


@pytest.mark.parametrize("rooms", [("demo", "other"), ("other", "demo")])
async def test_a_second_room_shows_the_groups_that_run_and_sells_at_their_price(
    database_url: str, valkey_url: str, rooms: tuple[str, str]
) -> None:
    async with running_shop(database_url, valkey_url, plan=shop_plan(target=2)) as shop:
        first, second = rooms
        await shop.commerce.groups.pin(first, "pear", None)
        await wait_until(lambda: len(_shown_in(shop, first)) == 2)
        assert _shown_in(shop, second) == {}
        await shop.commerce.groups.pin(second, "pear", None)
        await wait_until(lambda: _shown_in(shop, second) == _shown_in(shop, first))
        shown = _shown_in(shop, second)["e1"]
        for guest in ("anna", "bo"):
            request = replace(
                shop.tap(guest, "pear", group=shown.id, price=shown.price_fen), room_id=second
            )
            order = await shop.commerce.orders.place(request)
            assert isinstance(order, OrderView)
            assert order.total_fen == shown.price_fen
        await wait_until(lambda: _shown_in(shop, second)["e1"].state is GroupState.REACHED)
        assert _shown_in(shop, first) == _shown_in(shop, second)
        await sound(shop)


async def test_groups_of_an_offer_that_was_withdrawn_are_shown_in_a_second_room(
    database_url: str, valkey_url: str
) -> None:
    async with running_shop(database_url, valkey_url) as shop:
        await shop.commerce.groups.pin("demo", "pear", None)
        await wait_until(lambda: ("demo", "pear") in shop.feed.cards)
        plan = shop_plan()
        without_offer = [replace(product, group=None) for product in plan.products]
        await seed(shop.engine, replace(plan, products=tuple(without_offer)))
        await wait_until(lambda: shop.feed.cards["demo", "pear"].product.group is None)
        await shop.commerce.groups.pin("other", "pear", None)
        await wait_until(lambda: len(_shown_in(shop, "other")) == 2)


async def test_a_new_price_is_shown_on_the_card_once_the_gate_asks_it(
    database_url: str, valkey_url: str
) -> None:
    async with running_shop(database_url, valkey_url) as shop:
        await shop.commerce.groups.pin("demo", "tea", None)
        await wait_until(lambda: ("demo", "tea") in shop.feed.cards)
        plan = shop_plan()
        dearer = [replace(product, price_fen=product.price_fen + 1) for product in plan.products]
        await seed(shop.engine, replace(plan, products=tuple(dearer)))
        await wait_until(lambda: shop.feed.cards["demo", "tea"].product.price_fen == 991)
        order = await shop.commerce.orders.place(shop.tap("anna", "tea", price=991))
        assert isinstance(order, OrderView)
        assert order.total_fen == 991


async def test_a_tap_joins_the_group_of_its_own_estate(database_url: str, valkey_url: str) -> None:
    async with running_shop(database_url, valkey_url) as shop:
        await shop.commerce.groups.pin("demo", "pear", None)
        order = await join(shop, "anna")
        assert order.state is OrderState.WAITING_GROUP
        assert order.total_fen == 600
        [mine] = [g for g in await shop.commerce.groups.of_room("demo") if g.estate_id == "e1"]
        assert order.group_id == mine.id
        assert mine.joined == 1
        far = await join(shop, "zoe", estate="e2")
        assert far.group_id != mine.id
        with pytest.raises(Refused) as refused:
            await join(shop, "anna", key="another key")
        assert refused.value.refusal is Refusal.ALREADY_JOINED
        with pytest.raises(Refused) as refused:
            await join(shop, "yan", group=str(far.group_id))
        assert refused.value.refusal is Refusal.GROUP_CLOSED
        await sound(shop)


async def test_orders_of_a_reached_group_go_to_the_store_and_later_joins_at_once(
    database_url: str, valkey_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(handlers, "JUST_PLACED_MS", 3_600_000)  # however busy the machine is
    async with running_shop(database_url, valkey_url, plan=shop_plan(target=3)) as shop:
        await shop.commerce.groups.pin("demo", "pear", None)
        first = [await join(shop, guest) for guest in ("anna", "bo")]
        assert [order.state for order in first] == [OrderState.WAITING_GROUP] * 2
        [waiting] = (await shop.commerce.fulfilment.board("s1")).waiting
        assert (waiting.orders, waiting.group.joined) == (2, 2)
        third = await join(shop, "cai")
        assert third.state is OrderState.NEW
        late = await join(shop, "dora")
        assert late.state is OrderState.NEW
        board = await shop.commerce.fulfilment.board("s1")
        assert len(board.orders) == 4
        assert {order.due_at_ms for order in board.orders[:3]} == {third.created_at_ms + FULFIL_MS}
        group_id = str(third.group_id)
        await wait_until(lambda: shop.seen_group(group_id).joined == 4)
        assert shop.seen_group(group_id).state is GroupState.REACHED
        await wait_until(
            lambda: all(shop.seen(order.id).state is OrderState.NEW for order in first)
        )
        await sound(shop)
        # That the group is reached places none of them again.
        placed = [*(order.id for order in first), third.id, late.id]
        assert sorted(shop.feed.placed) == sorted(placed)


async def test_orders_of_an_expired_group_are_refunded(database_url: str, valkey_url: str) -> None:
    async with running_shop(database_url, valkey_url) as shop:
        await shop.commerce.groups.pin("demo", "pear", None)
        orders = [await join(shop, guest) for guest in ("anna", "bo")]
        await shop.commerce.groups.unpin("demo", "pear")
        shop.clock.ahead_ms = HOUR_MS + EXPIRY_GRACE_MS + 1_000
        await wait_until(lambda: all(shop.seen(order.id).refunded_fen == 600 for order in orders))
        assert shop.feed.groups[str(orders[0].group_id)].state is GroupState.EXPIRED
        assert shop.feed.groups[str(orders[0].group_id)].joined == 2
        await sound(shop)
        alone = await join(shop, "anna", key="a new key")
        assert (alone.group_id, alone.total_fen) == (None, 800)


async def test_an_order_shows_how_far_its_group_is(database_url: str, valkey_url: str) -> None:
    async with running_shop(database_url, valkey_url, plan=shop_plan(target=2)) as shop:
        await shop.commerce.groups.pin("demo", "pear", None)
        order = await join(shop, "anna")
        assert order.group
        assert (order.group.joined, order.group.target) == (1, 2)
        await shop.commerce.groups.unpin("demo", "pear")
        await join(shop, "bo")
        [mine] = await shop.commerce.orders.mine("anna")
        assert mine.group
        assert (mine.group.joined, mine.group.state) == (2, GroupState.REACHED)
        assert mine.group.ends_at_ms == order.group.ends_at_ms
        assert (await join(shop, "anna")).group == mine.group
        await wait_until(lambda: shop.seen(order.id).group == mine.group)


async def test_a_room_keeps_showing_groups_that_were_joined_in_it(
    database_url: str, valkey_url: str
) -> None:
    async with running_shop(database_url, valkey_url) as shop:
        await shop.commerce.groups.pin("demo", "pear", None)
        await shop.commerce.groups.pin("other", "pear", None)
        request = replace(shop.tap("anna", "pear"), room_id="other")
        order = await shop.commerce.orders.place(request)
        assert isinstance(order, OrderView)
        await shop.commerce.groups.unpin("other", "pear")
        await join(shop, "bo")
        shown = ("other", str(order.group_id))
        await wait_until(lambda: shop.feed.room_groups.get(shown, NO_GROUP_YET).joined == 2)


async def test_a_buyer_who_leaves_a_waiting_group_is_paid_back_and_may_join_again(
    database_url: str, valkey_url: str
) -> None:
    async with running_shop(database_url, valkey_url, plan=shop_plan(target=2)) as shop:
        await shop.commerce.groups.pin("demo", "pear", None)
        order = await join(shop, "anna")
        with pytest.raises(NotFound):
            await shop.commerce.fulfilment.cancel(order.id, "bo")
        left = await shop.commerce.fulfilment.cancel(order.id, "anna")
        assert left.state is OrderState.CANCELLED
        assert left.group
        assert left.group.joined == 0
        assert (await shop.commerce.fulfilment.cancel(order.id, "anna")).id == order.id
        await wait_until(lambda: shop.seen(order.id).refunded_fen == 600)
        await sound(shop)
        again = await join(shop, "anna", key="a second try")
        done = await join(shop, "bo")
        with pytest.raises(IllegalMove):
            await shop.commerce.fulfilment.cancel(again.id, "anna")
        with pytest.raises(IllegalMove):
            await shop.commerce.fulfilment.cancel(done.id, "bo")
        await sound(shop)


async def test_of_leaving_and_completing_a_group_at_once_one_wins(
    database_url: str, valkey_url: str
) -> None:
    async with running_shop(database_url, valkey_url, plan=shop_plan(target=2)) as shop:
        await shop.commerce.groups.pin("demo", "pear", None)
        order = await join(shop, "anna")
        left, joined = await asyncio.gather(
            shop.commerce.fulfilment.cancel(order.id, "anna"),
            join(shop, "bo"),
            return_exceptions=True,
        )
        assert isinstance(joined, OrderView)
        has_left = isinstance(left, OrderView)
        assert has_left or isinstance(left, IllegalMove)
        assert joined.state is (OrderState.WAITING_GROUP if has_left else OrderState.NEW)
        await sound(shop)


async def test_a_tap_committed_after_its_group_expired_is_refunded(
    database_url: str, valkey_url: str
) -> None:
    async with running_shop(database_url, valkey_url) as shop:
        await shop.commerce.groups.pin("demo", "pear", None)
        order = await join(shop, "anna")
        group_id = str(order.group_id)
        late = asyncio.Event()
        charge = shop.commerce.payments.charge

        async def slow_charge(charges):  # type: ignore[no-untyped-def]
            await late.wait()
            return await charge(charges)

        shop.commerce.ledger._payments.charge = slow_charge  # type: ignore[method-assign]
        tap = asyncio.create_task(shop.commerce.orders.place(shop.tap("bo", "pear")))
        await wait_until(lambda: _entries(shop))
        shop.clock.ahead_ms = HOUR_MS + EXPIRY_GRACE_MS + 1_000
        await wait_until(lambda: shop.seen_group(group_id).state is GroupState.EXPIRED)
        late.set()
        with pytest.raises(Refused) as refused:
            await tap
        assert refused.value.refusal is Refusal.GROUP_CLOSED
        await quiet(shop)
        [mine] = await shop.commerce.orders.mine("bo")
        assert (mine.state, mine.refunded_fen) == (OrderState.CANCELLED, 600)
        await sound(shop)


async def test_a_reached_group_is_done_when_all_its_orders_are_handed_over(
    database_url: str, valkey_url: str
) -> None:
    async with running_shop(database_url, valkey_url, plan=shop_plan(target=1)) as shop:
        await shop.commerce.groups.pin("demo", "pear", None)
        order = await join(shop, "anna")
        group_id = str(order.group_id)
        for state in (OrderState.PICKING, OrderState.PACKED, OrderState.READY):
            await shop.commerce.fulfilment.move(order.id, state, "clerk")
        await wait_until(lambda: shop.seen_group(group_id).state is GroupState.FULFILLING)
        [mine] = await shop.commerce.orders.mine("anna")
        assert mine.pickup
        await shop.commerce.fulfilment.hand_over("s1", mine.pickup.code, "clerk")
        shop.clock.ahead_ms = HOUR_MS + EXPIRY_GRACE_MS + 1_000
        await wait_until(lambda: shop.seen_group(group_id).state is GroupState.DONE)
        await quiet(shop)
        assert await audit(shop.engine) == []


def _shown_in(shop: Shop, room_id: str) -> dict[str, Group]:
    """Groups that a room shows, by estate."""
    return {
        group.estate_id: group
        for (room, _), group in shop.feed.room_groups.items()
        if room == room_id
    }


async def _entries(shop: Shop) -> int:
    return int(await shop.redis.xlen("{shop}:orders"))
