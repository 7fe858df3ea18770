"""What rooms list and explain, in both kinds of record."""

import pytest

from commerce.activities.shelf import LISTED_MAX, Shelf, listed_goods
from commerce.catalogue.values import Live, LiveState
from commerce.errors import InvalidField, NotFound
from commerce.io.outbox.handlers import ACTIVITY_EVERY_MS
from commerce.io.shop.activities.errors import NotLive
from tests.support.commerce_shop import Shop, open_shop

START_MS = 1_700_000_000_000


async def _set_live(shop: Shop, state: LiveState, started_at_ms: int = START_MS) -> None:
    live = Live("demo", state, started_at_ms, fence=started_at_ms)
    assert await shop.commerce.lives.set_live(live, "w1")


async def _room(shop: Shop) -> Shelf | None:
    """What the room is shown."""
    shop.clock.ahead_ms += ACTIVITY_EVERY_MS
    while await shop.commerce.relay.step():
        pass
    return shop.feed.shelves.get("demo")


async def test_goods_are_listed_in_the_hosts_order_and_one_is_explained_at_a_time(
    database_url: str, valkey_url: str
) -> None:
    async with open_shop(database_url, valkey_url) as shop:
        shelves = shop.commerce.activities.shelves
        await shelves.set("demo", ["pear", "gone", "tea"], actor="u1")
        assert [view.id for view in await shelves.goods("demo", "e1")] == ["pear", "tea"]
        listed = await shelves.set("demo", ["tea", "pear"], actor="u1")
        assert [view.id for view in await shelves.goods("demo")] == ["tea", "pear"]
        assert (listed.count, listed.explaining) == (2, None)
        with pytest.raises(NotFound):
            await shelves.set("demo", ["nothing"], actor="u1")
        with pytest.raises(NotLive):
            await shelves.explain("demo", "tea")
        await _set_live(shop, LiveState.LIVE)
        await shelves.explain("demo", "tea")
        began = await shelves.explain("demo", "pear")
        assert (began.explaining, began.count) == ("pear", 2)
        assert await _room(shop) == began
        await _set_live(shop, LiveState.OVER)
        over = await _room(shop)
        assert over and over.explaining is None
        await _set_live(shop, LiveState.LIVE, START_MS + 1)
        assert (await shelves.shown("demo")).explaining is None
        await shelves.explain("demo", "tea")
        assert (await shelves.explain("demo", None)).explaining is None


def test_a_list_has_each_product_once_and_at_most_100() -> None:
    full = [str(n) for n in range(LISTED_MAX)]
    assert listed_goods(full) == tuple(full)
    for bad in ([*full, "one more"], ["tea", "tea"]):
        with pytest.raises(InvalidField):
            listed_goods(bad)
