"""Lucky bags in both kinds of record: prizes, entries, and draws that recount."""

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from commerce.activities.draws import REVEAL_AFTER_MS, Draw, DrawState, VoidReason, drawn
from commerce.errors import NotEnoughUnits
from commerce.io.audit import audit, audit_gate
from commerce.io.commerce import Commerce
from commerce.io.outbox.handlers import ACTIVITY_EVERY_MS
from commerce.io.record.engine import Record
from commerce.io.shop.activities.draws import DrawRequest
from commerce.io.shop.activities.errors import (
    DrawClosed,
    DrawOpen,
    NotEntered,
    OtherEstate,
    WrongWord,
)
from commerce.io.shop.sealing import Sealer
from commerce.orders.states import OrderState
from tests.support.commerce_shop import Shop, open_shop, shop_plan
from tests.support.records import each_record

database_url = each_record

TEA = DrawRequest("tea", 2, 60)


async def join(shop: Shop, nickname: str, estate_id: str = "e1") -> str:
    """A new guest."""
    return (await shop.commerce.people.add_guest(nickname, estate_id)).guest.id


async def free(shop: Shop) -> tuple[int, int]:
    """Units of tea that may be sold, in the record and in the gate."""
    async with Record(shop.engine).read() as connection:
        left = await connection.scalar(
            text("SELECT on_hand - sold FROM stock WHERE product_id = 'tea' AND store_id = 's1'")
        )
    return left, (await shop.commerce.gates.of("b").free(["tea|s1"]))[0]


async def pass_time(shop: Shop, ms: int) -> None:
    """Let draws move on that much later."""
    shop.clock.ahead_ms += ms
    await shop.commerce.activities.draws.step()


async def deliver(shop: Shop) -> None:
    """Deliver all that is due."""
    while await shop.commerce.relay.step():
        pass


async def test_winners_get_the_prizes_for_nothing_although_the_worker_died(
    database_url: str, valkey_url: str
) -> None:
    sealer = Sealer("the secret of this installation", "totp")
    async with open_shop(database_url, valkey_url, plan=shop_plan(5), sealer=sealer) as shop:
        draws = shop.commerce.activities.draws
        asked = DrawRequest("tea", 3, 60, word="要喝茶", stay=True)
        draw = await draws.open("demo", asked, actor="u1")
        assert draw.seed is None and len(draw.commitment) == 64
        with pytest.raises(DrawOpen):
            await draws.open("demo", TEA, actor="u1")
        assert (await free(shop))[0] == 2
        guests = [await join(shop, name) for name in ("anna", "bo", "cai")]
        with pytest.raises(WrongWord):
            await draws.enter("demo", draw.id, guests[0], "e1", "tea")
        entries = [
            (await draws.enter("demo", draw.id, guest, "e1", "要喝茶!"))[0] for guest in guests
        ]
        again, new = await draws.enter("demo", draw.id, guests[0], "e1", "要喝茶")
        assert (again.ticket, new) == (entries[0].ticket, False)
        with pytest.raises(NotEntered):
            await draws.be_present("demo", draw.id, "stranger")
        shop.clock.ahead_ms += 45_000
        for guest in guests[:2]:
            assert (await draws.be_present("demo", draw.id, guest)).present
        await pass_time(shop, 20_000)
        closed, tickets = await draws.recount("demo", draw.id)
        assert (closed.state, closed.entries, closed.seed) == (DrawState.CLOSED, 2, None)
        assert tickets == sorted(entry.ticket for entry in entries[:2])
        with pytest.raises(DrawClosed):
            await draws.enter("demo", draw.id, await join(shop, "dan"), "e1", "要喝茶")
        with pytest.raises(DrawClosed):
            await draws.void("demo", draw.id, actor="u1")
        await _check_nothing_changes(shop)
        # The worker that closed it is gone; two others move it on.
        shop.clock.ahead_ms += REVEAL_AFTER_MS
        for _ in range(2):
            other = Commerce(shop.engine, shop.redis, shop.feed, clock=shop.clock, sealer=sealer)
            await other.start()
            await other.activities.draws.step()
        await _check_winners(shop, draw, guests)


async def _check_nothing_changes(shop: Shop) -> None:
    """What was published of a draw stays, whoever writes to the record."""
    for change in (
        "UPDATE draws SET commitment = 'other'",
        "UPDATE draws SET entries_hash = 'other'",
        "UPDATE draws SET winners = 1",
        "UPDATE draws SET state = 'open'",
        "UPDATE draws SET seed = 'early'",
        "UPDATE draw_entries SET ticket = 'other'",
    ):
        with pytest.raises(DBAPIError):
            async with Record(shop.engine).write() as connection:
                await connection.execute(text(change))


async def _check_winners(shop: Shop, draw: Draw, guests: list[str]) -> None:
    """Those of a recount have orders; one that is handed over is booked as discount."""
    draws = shop.commerce.activities.draws
    done, tickets = await draws.recount("demo", draw.id)
    assert (done.state, done.commitment) == (DrawState.REVEALED, draw.commitment)
    assert done.seed and list(done.winning) == drawn(done.seed, tickets, 3)
    assert sorted(done.nicknames) == ["anna", "bo"]
    won = await draws.entry(draw.id, guests[0])
    assert won and won.place and won.order_id
    order = await shop.commerce.orders.get(won.order_id)
    assert (order.total_fen, order.state, order.bought) == (0, OrderState.NEW, ())
    shop.clock.ahead_ms += ACTIVITY_EVERY_MS
    await deliver(shop)
    assert shop.seen(order.id).id == order.id
    view = shop.feed.draws.get("demo")
    assert view and view.winning == done.winning
    assert await free(shop) == (3, 3)
    for to in (OrderState.PICKING, OrderState.PACKED, OrderState.READY):
        await shop.commerce.fulfilment.move(order.id, to, "u1")
    [mine] = await shop.commerce.orders.mine(guests[0])
    assert mine.pickup
    await shop.commerce.fulfilment.hand_over("s1", mine.pickup.code, "u1")
    async with Record(shop.engine).read() as connection:
        booked = text("SELECT kind, from_account, to_account, amount_fen FROM money_transfers")
        rows = [tuple(row) for row in await connection.execute(booked)]
    assert sorted(rows) == [
        ("discount", "discount:s1", "sales:s1", 990),
        ("tax", "sales:s1", "tax:s1", 82),
    ]
    assert await audit(shop.engine) == []
    assert await audit_gate(shop.engine, shop.redis) == []


async def test_a_draw_without_winners_puts_its_prizes_back(
    database_url: str, valkey_url: str
) -> None:
    async with open_shop(database_url, valkey_url, plan=shop_plan(5)) as shop:
        draws = shop.commerce.activities.draws
        with pytest.raises(NotEnoughUnits):
            await draws.open("demo", DrawRequest("tea", 6, 60), actor="u1")
        asked = DrawRequest("tea", 2, 60, estate_id="e1")
        first = await draws.open("demo", asked, actor="u1")
        with pytest.raises(OtherEstate):
            await draws.enter("demo", first.id, await join(shop, "wei", "e2"), "e2", "")
        for _ in range(2):
            voided = await draws.void("demo", first.id, actor="u1")
            assert (voided.state, voided.void_reason) == (DrawState.VOID, VoidReason.HOST)
        second = await draws.open("demo", TEA, actor="u1")
        await pass_time(shop, 60_000)
        empty, _ = await draws.recount("demo", second.id)
        assert (empty.state, empty.void_reason) == (DrawState.VOID, VoidReason.NO_ENTRIES)
        await deliver(shop)
        assert await free(shop) == (5, 5)
        assert await audit(shop.engine) == []
