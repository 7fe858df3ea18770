"""Lots in the record: orders take what expires first, and moves never change."""

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError, IntegrityError

from commerce.io.record.order_postings import cancel_orders
from commerce.io.record.postings import receive_stock
from commerce.io.shop.stock.receipts import Sent
from commerce.io.shop.stock.tills import Till
from commerce.orders.states import OrderState
from commerce.supply.lots import Lot
from commerce.supply.receipts import LineKind, ReceiptLine
from commerce.views import OrderView
from tests.support.commerce_checks import sound
from tests.support.commerce_shop import Shop, open_shop, running, running_shop, shop_plan


async def lots(shop: Shop, product_id: str) -> dict[str, int]:
    """Units by lot in the first store."""
    query = text(
        "SELECT lot_id, units FROM balances WHERE location_id = 'shop:s1' AND product_id = :p"
    )
    async with shop.commerce.record.read() as connection:
        rows = await connection.execute(query, {"p": product_id})
        return {lot_id: units for lot_id, units in rows if units}


async def test_an_order_takes_what_expires_first_and_gives_it_back_into_the_same_lots(
    database_url: str, valkey_url: str
) -> None:
    async with open_shop(database_url, valkey_url, plan=shop_plan(5)) as shop:
        for name, best_before_ms in (("late", 9 * 10**12), ("soon", 5 * 10**12)):
            async with shop.commerce.record.write() as connection:
                lot = Lot(name, "tea", best_before_ms, 300, "farm", 1)

                def receive(sync: object, lot: Lot = lot) -> None:
                    receive_stock(sync, "tea", "s1", 1, 1, lot=lot)  # type: ignore[arg-type]

                await connection.run_sync(receive)
        async with running(shop.commerce):
            placed = await shop.commerce.orders.place(shop.tap("anna", quantity=3))
            assert isinstance(placed, OrderView)
            assert await lots(shop, "tea") == {"tea|s1": 4}
            order = await shop.commerce.orders.get(placed.id)
            async with shop.commerce.record.write() as connection:
                await connection.run_sync(cancel_orders, [order], "store", "clerk", 5)
            assert await lots(shop, "tea") == {"late": 1, "soon": 1, "tea|s1": 5}
            await sound(shop)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE lot_moves SET units = 99",
        "DELETE FROM lot_moves",
        "UPDATE balances SET units = -1",
    ],
)
async def test_moves_never_change_and_balances_are_never_negative(
    database_url: str, valkey_url: str, statement: str
) -> None:
    async with open_shop(database_url, valkey_url) as shop:
        with pytest.raises((IntegrityError, DBAPIError)):
            async with shop.commerce.record.write() as connection:
                await connection.execute(text(statement))


async def test_a_till_sells_the_last_units_once_and_the_rooms_see_it(
    database_url: str, valkey_url: str
) -> None:
    async with running_shop(database_url, valkey_url, plan=shop_plan(3)) as shop:
        commerce = shop.commerce
        await commerce.groups.pin("demo", "tea", None)
        made = await commerce.tills.add("s1", "front", "u1")
        till = await commerce.tills.till_of(made.key)
        assert till == Till(made.id, "s1", "b")
        placed = await commerce.orders.place(shop.tap("anna"))
        assert isinstance(placed, OrderView)
        sale = ReceiptLine("r", 1, LineKind.SALE, "", 3, 2_970, 1, "tea")
        sent = Sent((sale, sale), (), shop.clock())
        for statuses in (["booked", "known"], ["known", "known"]):
            answer = await commerce.receipts.book(till, sent)
            assert [line.status for line in answer.lines] == statuses
        assert (await commerce.orders.get(placed.id)).state is OrderState.CANCELLED
        await sound(shop)
        assert shop.feed.left["tea"] == 0
        await commerce.receipts.book(till, Sent((), ("r",), shop.clock()))
        await sound(shop)
        assert shop.feed.left["tea"] == 3
