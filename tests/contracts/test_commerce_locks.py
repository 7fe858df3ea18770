"""Transactions on PostgreSQL lock groups, stock and orders in one order, so none is a victim."""

import asyncio

from sqlalchemy import Connection, select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from commerce.io.record.locks import lock_groups
from commerce.io.record.postings import lock_stock
from commerce.io.record.schema import orders, stock
from commerce.orders.states import OrderState
from commerce.views import OrderView
from tests.support.commerce_checks import quiet
from tests.support.commerce_shop import Shop, open_shop, running, shop_plan
from tests.support.waiting import wait_until

WAITING = text(
    "SELECT COUNT(*) FROM pg_stat_activity"
    " WHERE wait_event_type = 'Lock' AND datname = current_database()"
)


async def placed(shop: Shop, buyer: str, product: str) -> str:
    """An order in the record."""
    made = await shop.commerce.orders.place(shop.tap(buyer, product))
    assert isinstance(made, OrderView)
    await quiet(shop)
    return made.id


async def blocked(shop: Shop) -> None:
    """Wait until a transaction waits for a lock of another one."""

    async def waits() -> bool:
        async with shop.commerce.record.read() as connection:
            return bool(await connection.scalar(WAITING))

    await wait_until(waits, what="a transaction that waits")


async def order_is_free(connection: AsyncConnection, order_id: str) -> None:
    """The order is not locked by whoever waits for us; else this raises."""
    free = select(orders.c.id).where(orders.c.id == order_id).with_for_update(nowait=True)
    assert await connection.scalar(free) == order_id


async def test_who_waits_for_a_group_or_for_stock_has_no_order_locked(
    postgres_url: str, valkey_url: str
) -> None:
    async with open_shop(postgres_url, valkey_url, plan=shop_plan(target=9)) as shop:
        async with running(shop.commerce):
            await shop.commerce.groups.pin("demo", "pear", None)
            await quiet(shop)
            single, grouped = await placed(shop, "anna", "tea"), await placed(shop, "ben", "pear")
        fulfilment, record = shop.commerce.fulfilment, shop.commerce.record
        async with record.read() as connection:
            of = select(orders.c.group_id).where(orders.c.id == grouped)
            group_id = await connection.scalar(of)
        assert group_id

        async with asyncio.TaskGroup() as tasks:
            async with record.write() as ledger:
                await ledger.run_sync(lock_groups, [group_id])
                tasks.create_task(fulfilment.cancel(grouped, "ben"))
                await blocked(shop)
                await order_is_free(ledger, grouped)
        async with asyncio.TaskGroup() as tasks:
            async with record.write() as till:
                await till.run_sync(lock_stock, [("tea", "s1")])
                tasks.create_task(fulfilment.move(single, OrderState.CANCELLED, "u1"))
                await blocked(shop)
                await order_is_free(till, single)


async def test_two_that_make_the_same_count_of_stock_follow_one_another(
    postgres_url: str, valkey_url: str
) -> None:
    async with open_shop(postgres_url, valkey_url, started=False) as shop:
        record, row = shop.commerce.record, ("rice", "s1")

        def second(connection: Connection) -> list[int]:
            lock_stock(connection, [row])
            here = (stock.c.product_id == "rice", stock.c.store_id == "s1")
            return list(connection.scalars(select(stock.c.on_hand).where(*here)))

        async with asyncio.TaskGroup() as tasks:
            async with record.write() as first:
                await first.run_sync(lock_stock, [row])
                waiting = tasks.create_task(record.transact(second))
                await blocked(shop)
        assert waiting.result() == [0]
