"""The feed in memory: it keeps the newest state of everything, as rooms do."""

from dataclasses import replace

from commerce.catalogue.values import Text
from commerce.feed import MemoryFeed, OrderChange
from commerce.groups.group import Group, GroupState
from commerce.orders.states import OrderState
from commerce.views import Card, ProductView, StoreStock
from tests.support.order_views import order_view, store_order

WORDS = Text("", "")
CARD = Card(ProductView("tea", WORDS, WORDS, "", 990, 990, 5, None), 1, None)
ORDER = order_view(id="o")
STORE_ORDER = store_order(id="o")


async def test_a_card_is_shown_in_its_room_until_it_is_unpinned() -> None:
    feed = MemoryFeed()
    await feed.pin("demo", CARD)
    await feed.pin("other", CARD)
    for _ in range(2):  # a call that comes twice does no harm
        await feed.unpin("demo", "tea")
    assert feed.cards == {("other", "tea"): CARD}


async def test_the_newest_state_replaces_the_older_one() -> None:
    feed = MemoryFeed()
    group = Group("g", "tea", "e1", 1, 2, 90, GroupState.OPEN, 5)
    for joined in (1, 2, 2):
        await feed.group(["demo"], ["s1"], replace(group, joined=joined))
        await feed.stock(["demo"], "tea", [StoreStock("s1", 3), StoreStock("s2", 2 - joined)])
    picked = replace(ORDER, state=OrderState.PICKING)
    await feed.orders([OrderChange("anna", "demo", ORDER, STORE_ORDER)])
    await feed.orders([OrderChange("anna", "demo", picked, STORE_ORDER)])
    assert feed.groups["g"].joined == 2
    assert feed.left == {"tea": 3}
    assert feed.last_orders == {"o": picked}
    assert feed.store_orders == {"o": STORE_ORDER}
