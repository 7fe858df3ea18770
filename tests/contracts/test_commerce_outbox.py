"""The outbox delivers everything at least once, and one message holds up no other."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace

from sqlalchemy import text

from commerce.catalogue.values import Product, Stock
from commerce.feed import MemoryFeed
from commerce.io.outbox.handlers import Outlets
from commerce.io.outbox.lock import LOCK_MS, OutboxLock
from commerce.io.outbox.message import Message
from commerce.io.outbox.relay import RETRY_MS, OutboxRelay
from commerce.io.record.postings import Topic, enqueue
from commerce.io.shop.seed import seed
from commerce.views import OrderView
from server.redis_client import open_redis
from tests.support.commerce_checks import quiet, sound
from tests.support.commerce_shop import Shop, open_shop, running_shop, shop_plan
from tests.support.commerce_shop import text as label


class Deliveries:
    """A handler that fails for some subjects."""

    def __init__(self, *failing: str) -> None:
        self.failing = set(failing)
        self.subjects: list[str] = []

    async def __call__(self, to: Outlets, messages: Sequence[Message]) -> Sequence[Message]:
        if self.failing & {message.subject for message in messages}:
            raise ValueError("cannot be delivered")
        self.subjects += [message.subject for message in messages]
        return ()


def relay_of(shop: Shop, handler: Deliveries) -> OutboxRelay:
    """A relay with one handler for stock."""
    commerce = shop.commerce
    outlets = Outlets(
        commerce._shop,
        commerce.gates,
        commerce.payments,
        MemoryFeed(),
        commerce.people.versions,
        commerce.stream_keys,
        commerce.catalogue_news,
    )
    return OutboxRelay(shop.redis, outlets, asyncio.Event(), {Topic.STOCK: handler})


async def enqueued(shop: Shop, *subjects: str) -> None:
    """Rows of the topic stock."""
    async with shop.commerce.record.write() as connection:
        await connection.run_sync(enqueue, Topic.STOCK, subjects, shop.clock())


async def waiting(shop: Shop, topic: str = "stock") -> list[tuple[str, int]]:
    """Subjects and attempts of the rows that are left."""
    query = "SELECT subject, attempts FROM outbox WHERE topic = :topic ORDER BY id"
    async with shop.commerce.record.read() as connection:
        rows = await connection.execute(text(query), {"topic": topic})
        return [(subject, attempts) for subject, attempts in rows]


async def test_a_message_that_fails_is_retried_later_and_holds_up_no_other(
    database_url: str, valkey_url: str
) -> None:
    async with open_shop(database_url, valkey_url) as shop:
        handler = Deliveries("pear")
        relay = relay_of(shop, handler)
        await enqueued(shop, "tea", "pear", "rice")
        await relay.step()
        assert handler.subjects == ["tea", "rice"]
        assert await waiting(shop) == [("pear", 1)]
        handler.failing.clear()
        shop.clock.ahead_ms += RETRY_MS
        await relay.step()
        assert handler.subjects == ["tea", "rice", "pear"]
        assert await waiting(shop) == []


async def test_the_id_of_a_message_that_was_delivered_is_not_given_again(
    database_url: str, valkey_url: str
) -> None:
    ids: list[int] = []
    async with open_shop(database_url, valkey_url) as shop:
        relay = relay_of(shop, Deliveries())
        for _ in range(2):
            await enqueued(shop, "p1")
            async with shop.commerce.record.read() as connection:
                ids += await connection.scalars(text("SELECT id FROM outbox WHERE topic = 'stock'"))
            await relay.step()
    assert len(set(ids)) == 2


async def test_retries_back_off(database_url: str, valkey_url: str) -> None:
    async with open_shop(database_url, valkey_url) as shop:
        relay = relay_of(shop, Deliveries("tea"))
        await enqueued(shop, "tea")
        for attempt in range(1, 4):
            before = shop.clock()
            await relay.step()
            assert await waiting(shop) == [("tea", attempt)]
            async with shop.commerce.record.read() as connection:
                due = await connection.scalar(
                    text("SELECT due_at_ms FROM outbox WHERE topic = 'stock'")
                )
            assert due is not None
            assert due >= before + (RETRY_MS << (attempt - 1))
            shop.clock.ahead_ms += RETRY_MS << (attempt - 1)


async def test_rows_of_topics_that_have_no_handler_stay(database_url: str, valkey_url: str) -> None:
    async with open_shop(database_url, valkey_url) as shop:
        async with shop.commerce.record.write() as connection:
            await connection.execute(
                text("INSERT INTO outbox (topic, subject, due_at_ms) VALUES ('newer', 'a', 0)")
            )
        while await shop.commerce.relay.step():
            pass
        assert await waiting(shop, "newer") == [("a", 0)]


async def test_one_worker_at_a_time_has_the_lock(redis_url: str) -> None:
    async with open_redis(redis_url) as redis:
        one, other = OutboxLock(redis), OutboxLock(redis)
        assert await one.acquire()
        assert await one.acquire()
        assert not await other.acquire()
        await other.release()
        assert not await other.acquire()
        await one.release()
        assert await other.acquire()
        assert 0 < await redis.pttl("{shop}:relay") <= LOCK_MS


async def test_goods_that_are_loaded_while_the_shop_runs_are_sold_at_once(
    database_url: str, valkey_url: str
) -> None:
    async with running_shop(database_url, valkey_url) as shop:
        await quiet(shop)
        plan = shop_plan()
        melon = Product("melon", label("melon"), label("piece"), "/goods/melon.svg", 500, 500)
        await seed(
            shop.engine,
            replace(
                plan,
                products=(*plan.products, melon),
                stock=(*plan.stock, Stock("melon", "s1", 3), Stock("tea", "s2", 50)),
            ),
        )
        await quiet(shop)
        await shop.commerce.groups.pin("demo", "melon", None)
        order = await shop.commerce.orders.place(shop.tap("anna", "melon", quantity=3))
        assert isinstance(order, OrderView)
        await quiet(shop)  # the answer comes before the gate is settled
        # Of what was there before, too, no unit is missing in the gate.
        assert (await shop.commerce.reconcile.compare()).behind == 0
        await sound(shop)


async def test_a_relay_with_nothing_due_looks_again_after_a_commit_and_when_a_row_is_due(
    sqlite_url: str, valkey_url: str
) -> None:
    async with open_shop(sqlite_url, valkey_url) as shop:
        relay = relay_of(shop, Deliveries("tea"))
        while await shop.commerce.relay.step():
            pass
        await relay.step()
        assert not await relay._may_have_more()
        await enqueued(shop, "tea")
        assert await relay._may_have_more()
        await relay.step()  # it fails, and is due later
        await relay.step()
        assert not await relay._may_have_more()
        shop.clock.ahead_ms += RETRY_MS
        assert await relay._may_have_more()
