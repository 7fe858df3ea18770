"""Note cards on the record: the leader's before the head office's, shown after the handover."""

import pytest

from commerce.catalogue.values import Text
from commerce.errors import InvalidField, NotFound
from commerce.orders.states import OrderState
from commerce.views import OrderView
from tests.support.commerce_shop import running_shop, shop_plan, with_dinner

TO_READY = (OrderState.PICKING, OrderState.PACKED, OrderState.READY)


async def test_buyers_get_the_leaders_card_of_a_set_or_its_parts_once_it_is_handed_over(
    database_url: str, valkey_url: str
) -> None:
    async with running_shop(database_url, valkey_url, plan=with_dinner(shop_plan(9))) as shop:
        cards, after_sales = shop.commerce.goods.note_cards, shop.commerce.after_sales
        await cards.put("b", "tea", Text("烫", "hot"), "", "hq")
        await cards.put("b", "pear", Text("洗", "wash"), "", "hq")
        await cards.put("b", "tea", Text("温", "warm"), "", "leader", "e1")
        for refused in (NotFound, "other", "tea", ""), (InvalidField, "b", "tea", "/x.webp"):
            error, brand, product, photo = refused
            with pytest.raises(error):
                await cards.put(brand, product, Text("", ""), photo, "hq")
        order = await shop.commerce.orders.place(shop.tap("anna", "dinner"))
        assert isinstance(order, OrderView)
        [wave] = (await shop.commerce.waves.of_store("s1")).waves
        assert [card.words.zh for card in wave.bags[0].note_cards] == ["温", "洗"]
        for state in TO_READY:
            await shop.commerce.fulfilment.move(order.id, state, "clerk")
        [waiting] = await after_sales.mine("anna")
        assert waiting.note_cards == ()
        [mine] = await shop.commerce.orders.mine("anna")
        assert mine.pickup
        await shop.commerce.fulfilment.hand_over("s1", mine.pickup.code, "clerk")
        [done] = await after_sales.mine("anna")
        assert [card.words.en for card in done.note_cards] == ["warm", "wash"]

        await cards.put("b", "tea", Text("", ""), "", "leader", "e1")
        listed = {one.product_id: one for one in await cards.of_estate("e1")}
        assert {"dinner", "tea", "pear"} == listed.keys() and listed["tea"].own is None
        await cards.put("b", "dinner", Text("炖", "stew"), "", "hq")
        assert (await cards.one("b", "dinner")).words.en == "stew"
        [done] = await after_sales.mine("anna")
        assert [card.name.en for card in done.note_cards] == ["dinner"]
