"""An order over two stores is placed as a whole or not at all, whatever is refused or dies."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest
from sqlalchemy import text, update

from commerce.errors import InvalidField, Refusal, Refused
from commerce.io.audit import audit
from commerce.io.ledger import consumer
from commerce.io.payments.sandbox import Fault, SandboxPayments
from commerce.io.record.schema import brands
from commerce.io.shop.orders import OrderRequest, RequestedLine
from commerce.io.shop.split_orders import MISSING_MS, PendingHalves, ids_of
from commerce.notices.notices import NoticeKind
from commerce.orders.splitting import Half, HeldApart
from commerce.orders.states import OrderState
from tests.support.commerce_checks import quiet, sound
from tests.support.commerce_shop import Shop, open_shop, running, shop_plan
from tests.support.gate_keys import GATE
from tests.support.records import each_record

database_url = each_record

HALVES = (Half("s1", ("tea", "pear")), Half("s2", ("rice",)))
GUEST = "anna"


class Killed(BaseException):
    """The worker is dead; no handler of ours sees it."""


@asynccontextmanager
async def splitting_shop(
    database_url: str, valkey_url: str, probe: Callable[[str], None] = lambda step: None
) -> AsyncIterator[Shop]:
    """A shop of a brand that splits orders: tea and pears lie in s1, rice in s2."""
    async with open_shop(database_url, valkey_url, plan=shop_plan(10), probe=probe) as shop:
        async with shop.commerce.record.write() as connection:
            await connection.execute(update(brands).values(split_orders=True))
        await shop.commerce.shop.cache.refresh()
        yield shop


def bag(guest_id: str, key: str = "one-tap-1", rice: int = 1) -> OrderRequest:
    """Two teas, a pear, and rice."""
    return OrderRequest(
        guest_id=guest_id,
        estate_id="e1",
        room_id="demo",
        product_id="tea",
        quantity=2,
        key=key,
        further=(RequestedLine("pear", 1), RequestedLine("rice", rice)),
    )


async def a_guest(shop: Shop) -> str:
    """A guest who can be given notice."""
    return (await shop.commerce.people.add_guest("Anna", "e1")).guest.id


async def states_of(shop: Shop, guest_id: str) -> list[tuple[str, str, int, int]]:
    """The orders of a guest: product, state, what was paid and what went back."""
    query = "SELECT product_id, state, paid_fen, refunded_fen FROM orders WHERE guest_id = :g"
    async with shop.commerce.record.read() as connection:
        rows = await connection.execute(text(query), {"g": guest_id})
        return sorted((row[0], row[1], row[2], row[3]) for row in rows)


async def notices_of(shop: Shop, guest_id: str) -> list[NoticeKind]:
    """What a guest is given notice of, less the refunds."""
    found = await shop.commerce.notices.mine(guest_id)
    return [one.kind for one in found if one.kind is not NoticeKind.REFUND]


def declining(shop: Shop, order_id: str) -> None:
    """The payment of an order is declined."""
    assert isinstance(shop.commerce.payments, SandboxPayments)
    shop.commerce.payments.fault = lambda call, id: (
        Fault.DECLINE if (call, id) == ("charge", order_id) else Fault.NONE
    )


async def test_both_halves_are_placed_with_one_key_or_neither(
    database_url: str, valkey_url: str
) -> None:
    async with splitting_shop(database_url, valkey_url) as shop, running(shop.commerce):
        split, orders = shop.commerce.split_orders, shop.commerce.orders
        with pytest.raises(HeldApart) as apart:
            await orders.place(bag(GUEST, "whole-tap-1"))
        assert apart.value.halves == HALVES
        placed = await split.place(bag(GUEST), HALVES)
        assert isinstance(placed, list)
        assert [(order.store.id, order.state) for order in placed] == [
            ("s1", OrderState.NEW),
            ("s2", OrderState.NEW),
        ]
        assert await split.place(bag(GUEST), HALVES) == placed
        with pytest.raises(Refused) as other:
            await split.place(bag(GUEST, rice=2), HALVES)
        assert other.value.refusal is Refusal.KEY_REUSED

        before = await states_of(shop, GUEST)
        with pytest.raises(Refused) as lacking:
            await split.place(bag(GUEST, "one-tap-2", rice=12), HALVES)
        assert (lacking.value.refusal, lacking.value.product_id) == (Refusal.SOLD_OUT, "rice")
        await quiet(shop)
        assert await states_of(shop, GUEST) == before, "nothing of it was held at the other store"
        for halves in (
            (HALVES[0], Half("s1", ("rice",))),
            (Half("s1", ("tea",)), HALVES[1]),
            (Half("s1", ("tea", "pear", "rice")), HALVES[1]),
            (Half("s1", ("tea", "pear", "rice")), Half("s2", ())),
        ):
            with pytest.raises(InvalidField):
                await split.place(bag(GUEST, "one-tap-3"), halves)
        # A store that is not the estate's, and a brand that splits no more.
        with pytest.raises(Refused):
            await split.place(bag(GUEST, "one-tap-4"), (HALVES[0], Half("s9", ("rice",))))
        async with shop.commerce.record.write() as connection:
            await connection.execute(update(brands).values(split_orders=False))
        await shop.commerce.shop.cache.refresh()
        with pytest.raises(Refused):
            await split.place(bag(GUEST, "one-tap-5"), HALVES)
        assert await split.place(bag(GUEST), HALVES) == placed
        assert await states_of(shop, GUEST) == before
        await sound(shop)


@pytest.mark.parametrize("refused", [0, 1])
async def test_a_half_that_the_record_refuses_ends_the_other_with_one_notice(
    database_url: str, valkey_url: str, refused: int
) -> None:
    async with splitting_shop(database_url, valkey_url) as shop, running(shop.commerce):
        guest_id = await a_guest(shop)
        declining(shop, ids_of(guest_id, "one-tap-1")[refused])
        for _ in range(2):
            with pytest.raises(Refused) as no:
                await shop.commerce.split_orders.place(bag(guest_id), HALVES)
            assert no.value.refusal is Refusal.PAYMENT_DECLINED
        await quiet(shop)
        found = await states_of(shop, guest_id)
        assert [(state, paid - back) for _, state, paid, back in found] == [("cancelled", 0)] * 2
        assert sorted(back for *_, back in found) == sorted([0, [3_000, 2_780][refused]])
        assert await notices_of(shop, guest_id) == [NoticeKind.SPLIT]
        assert await shop.commerce.split_orders.step() == 0
        await sound(shop)


@pytest.mark.parametrize("ends", ["well", "declined"])
@pytest.mark.parametrize("dies_at", ["split noted", "split admitted", "between", "split ended"])
async def test_whoever_dies_between_the_halves_both_come_or_none(
    database_url: str, valkey_url: str, monkeypatch: pytest.MonkeyPatch, dies_at: str, ends: str
) -> None:
    monkeypatch.setattr(consumer, "BATCH_MAX", 1)
    dead: list[str] = []

    def probe(step: str) -> None:
        seen.append(step)
        if step == dies_at or (dies_at == "between" and seen.count("settled") == 1):
            raise Killed

    seen: list[str] = []
    async with splitting_shop(database_url, valkey_url, probe) as shop:
        guest_id = await a_guest(shop)
        first_id, second_id = ids_of(guest_id, "one-tap-1")
        if ends == "declined":
            declining(shop, second_id)
        split = shop.commerce.split_orders
        try:
            placed = await split.place(bag(guest_id), HALVES, wait_s=0)
            assert isinstance(placed, PendingHalves)
            while await shop.commerce.ledger.step():
                pass
            await split.step()
        except Killed:
            dead.append(dies_at)
        assert dead or dies_at == "between"
        if dies_at == "between":
            async with shop.commerce.record.read() as connection:
                made = await connection.scalars(text("SELECT id FROM orders"))
            assert list(made) == [first_id], "one half is in the record, the other is not"

    async with splitting_shop(database_url, valkey_url) as again, running(again.commerce):
        if ends == "declined":
            declining(again, second_id)
        answer = asyncio.create_task(again.commerce.split_orders.place(bag(guest_id), HALVES))
        if ends == "declined":
            with pytest.raises(Refused):
                await answer
        else:
            both = await answer
            assert isinstance(both, list)
            assert [order.id for order in both] == [first_id, second_id]
        await quiet(again)
        found = await states_of(again, guest_id)
        kept = "new" if ends == "well" else "cancelled"
        assert [state for _, state, _, _ in found] == [kept] * 2
        assert sum(paid - back for *_, paid, back in found) == (5_780 if ends == "well" else 0)
        notices = [] if ends == "well" else [NoticeKind.SPLIT]
        assert await notices_of(again, guest_id) == notices
        await sound(again)


async def test_a_half_whose_entry_was_lost_leaves_none_alone(
    database_url: str, valkey_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(consumer, "BATCH_MAX", 1)
    async with splitting_shop(database_url, valkey_url) as shop:
        guest_id = await a_guest(shop)
        split = shop.commerce.split_orders
        await split.place(bag(guest_id), HALVES, wait_s=0)
        assert await shop.commerce.ledger.step() == 1
        await shop.redis.xtrim(GATE.orders, maxlen=0)
        assert await split.step() == 0, "it may still come"
        shop.clock.ahead_ms += MISSING_MS + 1
        assert [await split.step(), await split.step()] == [1, 0]
        async with running(shop.commerce):
            await quiet(shop)
        [(_, state, paid, back)] = await states_of(shop, guest_id)
        assert (state, paid - back) == ("cancelled", 0)
        assert await notices_of(shop, guest_id) == [NoticeKind.SPLIT]
        assert await audit(shop.engine) == []
