"""Groups whose price falls: what goes back, once, however often workers die on the way."""

import asyncio
from collections.abc import Callable

import pytest
from sqlalchemy import text

from commerce.errors import IllegalMove, NoSeat
from commerce.groups.group import CLOSE_GRACE_MS
from commerce.groups.invites import JoinState
from commerce.groups.terms import AskedTerms, Award, PriceStep
from commerce.io.record import price_drops
from commerce.io.shop.orders import Pending
from commerce.orders.states import OrderState
from commerce.views import OrderView
from tests.support.commerce_checks import quiet, sound
from tests.support.commerce_shop import Shop, open_shop, running, shop_plan
from tests.support.waiting import wait_until

HOUR_MS = 3_600_000
STEPS = AskedTerms((PriceStep(1, 600), PriceStep(2, 550), PriceStep(3, 500)))


class Killed(BaseException):
    """The worker is dead; no handler of ours sees it."""


def dying_at(steps: list[str]) -> Callable[[str], None]:
    """A probe that kills the worker at each of these steps, once, in their order."""

    def probe(now_at: str) -> None:
        if steps and now_at == steps[0]:
            steps.pop(0)
            raise Killed

    return probe


async def join(shop: Shop, guest: str, *, quantity: int = 1) -> OrderView:
    """Join the estate's group for pears."""
    order = await shop.commerce.orders.place(shop.tap(guest, "pear", quantity=quantity))
    assert isinstance(order, OrderView)
    return order


async def join_unseen(shop: Shop, guest: str) -> str:
    """Join while nothing runs beside the gate and the ledger; return the order's id."""
    gate = asyncio.create_task(shop.commerce.gates.run())
    pending = await shop.commerce.orders.place(shop.tap(guest, "pear"), wait_s=0)
    assert isinstance(pending, Pending)
    await shop.commerce.ledger.step()
    gate.cancel()
    return pending.order_id


async def hand_over(shop: Shop, order: OrderView) -> None:
    """Hand anna's only order over."""
    for state in (OrderState.PICKING, OrderState.PACKED, OrderState.READY):
        await shop.commerce.fulfilment.move(order.id, state, "clerk")
    ready = await shop.commerce.orders.mine("anna")
    assert ready[0].pickup
    await shop.commerce.fulfilment.hand_over("s1", ready[0].pickup.code, "clerk")


async def paid_in_the_end(shop: Shop) -> dict[str, int]:
    """What buyers have paid after all refunds."""
    async with shop.commerce.record.read() as connection:
        rows = await connection.execute(
            text("SELECT guest_id, paid_fen - refunded_fen FROM orders ORDER BY guest_id")
        )
        return {guest: fen for guest, fen in rows}


async def all_paid(shop: Shop, fen: int) -> bool:
    """Whether every order costs so much after its refunds."""
    return set((await paid_in_the_end(shop)).values()) == {fen}


async def balances(shop: Shop) -> dict[str, int]:
    """The balances of the store's sales, discounts and of what is not earned."""
    async with shop.commerce.record.read() as connection:
        rows = await connection.execute(
            text("SELECT account, SUM(amount_fen) FROM money_entries GROUP BY account")
        )
        return {account: int(fen) for account, fen in rows}


async def test_a_step_that_was_reached_is_paid_back_once_though_the_worker_dies(
    database_url: str, valkey_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(price_drops, "SEATS_MAX", 1)
    probe = dying_at(["price-dropped", "seats-settled", "seats-settled"])
    async with open_shop(database_url, valkey_url, probe=probe) as shop:
        async with running(shop.commerce):
            await shop.commerce.groups.pin("demo", "pear", None, terms=STEPS)
            first = await join(shop, "anna")
            assert (first.state, first.total_fen) == (OrderState.NEW, 600)
            await hand_over(shop, first)
            await join(shop, "bo", quantity=2)
            await join(shop, "cai")
            last = await join(shop, "dan")  # beyond the highest step
            gone = await join(shop, "eve")
            await shop.commerce.fulfilment.move(gone.id, OrderState.CANCELLED, "clerk")
            await quiet(shop)
        shop.clock.ahead_ms = HOUR_MS + CLOSE_GRACE_MS + 1_000
        for _ in range(3):
            with pytest.raises(Killed):
                await shop.commerce.price_drops.step()
        async with open_shop(database_url, valkey_url, clock=shop.clock) as again:
            async with running(again.commerce):
                await wait_until(lambda: again.seen(last.id).refunded_fen == 100)
                await again.commerce.price_drops.step()
                await sound(again)
            assert await paid_in_the_end(again) == {
                "anna": 500, "bo": 1_000, "cai": 500, "dan": 500, "eve": 0,
            }  # fmt: skip
            books = await balances(again)
            assert books["unearned"] == 1_000 + 500 + 500
            assert books["sales:s1"] + books["tax:s1"] + books["discount:s1"] == 500
            assert books["discount:s1"] < 0


async def named(shop: Shop, name: str) -> str:
    """Return the id of a new guest of estate e1."""
    return (await shop.commerce.people.add_guest(name, "e1")).guest.id


async def follow(shop: Shop, code: str, guest: str, device: str, address: str) -> JoinState:
    """Open a link."""
    return await shop.commerce.invites.follow(code, guest, device, address)


async def test_the_third_neighbour_lowers_the_price_for_all_once_though_the_worker_dies(
    database_url: str, valkey_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(price_drops, "SEATS_MAX", 2)
    steps: list[str] = []
    terms = AskedTerms(award=Award(3, 50))
    async with open_shop(
        database_url, valkey_url, plan=shop_plan(target=9), probe=dying_at(steps)
    ) as shop:
        async with running(shop.commerce):
            await shop.commerce.groups.pin("demo", "pear", None, terms=terms)
            anna, bo, cai, dan, eve, far = [
                await named(shop, name) for name in ("安娜", "博", "蔡", "丹", "伊", "范")
            ]
            first = await join(shop, anna)
            group_id = str(first.group_id)
            with pytest.raises(NoSeat):
                await shop.commerce.invites.make(group_id, bo, "d2")
            invite = await shop.commerce.invites.make(group_id, anna, "d1")
            assert await shop.commerce.invites.make(group_id, anna, "d9") == invite
            assert await follow(shop, invite.code, anna, "d1", "a1") is JoinState.REFUSED
            for guest, device in ((bo, "d2"), (cai, "d3"), (dan, "d1"), (eve, "d5"), (far, "d2")):
                state = await follow(shop, invite.code, guest, device, f"a-{guest}")
                assert state is JoinState.FOLLOWED
            for guest in (bo, cai, dan, far):
                await join(shop, guest)
            await quiet(shop)
        await shop.commerce.invites.judge()
        half = await shop.commerce.invites.mine(group_id, anna)
        assert [one.name for one in half.counted] == ["博*", "蔡*"]
        assert half.refused == 3
        last_id = await join_unseen(shop, eve)
        steps += ["joins-judged", "seats-settled"]
        with pytest.raises(Killed):
            await shop.commerce.invites.step()
        with pytest.raises(Killed):
            await shop.commerce.price_drops.step()
        async with open_shop(database_url, valkey_url, clock=shop.clock) as again:
            async with running(again.commerce):
                await wait_until(lambda: again.seen(last_id).refunded_fen == 50)
                later = await again.commerce.orders.place(shop.tap("gus", "pear"))
                assert isinstance(later, OrderView)
                assert later.total_fen == 550
                with pytest.raises(IllegalMove):
                    await again.commerce.fulfilment.cancel(last_id, eve)
                await wait_until(lambda: all_paid(again, 550), what="the last portion")
                await sound(again)
            refused = {join.reason for join in await again.commerce.invites.refused("b")}
            assert refused == {"own-household", "own-device", "same-device"}
