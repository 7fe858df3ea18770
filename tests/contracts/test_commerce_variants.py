"""Variants of a product: on its card, in its rooms, and in orders by their names."""

import dataclasses

from commerce.catalogue.values import GroupOffer, SeedPlan, Text
from commerce.catalogue.variants import Option
from commerce.views import OrderView
from tests.support.commerce_checks import quiet, sound
from tests.support.commerce_shop import running_shop, shop_plan


def family_plan() -> SeedPlan:
    """Tea in a small and a large pack; the large one is sold in groups, too."""
    plan = shop_plan(units=3)
    [tea] = [product for product in plan.products if product.id == "tea"]
    large = dataclasses.replace(
        tea, id="tea-l", price_fen=1_800, list_price_fen=2_000, group=GroupOffer(1_500, 3, 600)
    )
    small, big = Text("小份", "Small"), Text("大份", "Large")
    return dataclasses.replace(
        plan,
        products=(*plan.products, large),
        stock=(*plan.stock, dataclasses.replace(plan.stock[0], product_id="tea-l", units=2)),
        options={"tea": Option(name=small), "tea-l": Option("tea", big)},
    )


async def test_variants_are_sold_from_the_card_of_their_product(
    sqlite_url: str, valkey_url: str
) -> None:
    async with running_shop(sqlite_url, valkey_url, plan=family_plan()) as shop:
        rooms = shop.commerce
        shelf = {view.id: view for view in await rooms.products("demo")}
        assert "tea-l" not in shelf
        card = await rooms.groups.pin("demo", "tea", None)
        [large] = card.product.variants
        assert (large.id, large.price_fen, large.left) == ("tea-l", 1_800, 2)
        assert (large.name, large.option) == (
            Text("tea · 大份", "tea · Large"),
            Text("大份", "Large"),
        )
        groups = await rooms.groups.of_room("demo")
        assert {group.product_id for group in groups} == {"tea-l"}
        order = await rooms.orders.place(shop.tap("anna", "tea-l", quantity=2))
        await quiet(shop)
        assert isinstance(order, OrderView) and order.name == large.name
        assert shop.feed.left["tea-l"] == 0
        [again] = (await rooms.pins.cards("demo"))[0].product.variants
        assert again.left == 0
        await sound(shop)
