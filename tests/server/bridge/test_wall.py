"""The wall beside a running shop: an order is on it with the next step, also after a restart."""

import json
from collections.abc import Sequence
from typing import Any

from rooms.io.hub import RoomHub
from server.bridge.channels.registry import RULES
from server.bridge.redis_lease import RedisLeases
from server.bridge.wall import WallKeeper, shown_wall
from server.ws.wire import CODECS
from tests.support.commerce_shop import Shop, open_shop, running


async def nothing(brand: str, day: str) -> Sequence[int] | None:
    return None


def keeper(shop: Shop, hub: RoomHub) -> WallKeeper:
    leases = RedisLeases(shop.redis, kind="insight")
    return WallKeeper(shop.commerce, hub, shop.redis, leases, nothing, owner="a")


async def shown(shop: Shop, keeper: WallKeeper) -> Any:
    while await keeper.step():
        pass
    await keeper.push()
    wall = await shown_wall(shop.redis, "b")
    assert wall is not None
    return json.loads(wall)


async def test_orders_are_on_the_wall_once_also_when_another_worker_goes_on(
    sqlite_url: str, valkey_url: str
) -> None:
    async with open_shop(sqlite_url, valkey_url) as shop:
        hub = await RoomHub.open(shop.redis, CODECS, RULES)
        try:
            async with running(shop.commerce):
                await shop.commerce.orders.place(shop.tap("h1", quantity=2))
                first = keeper(shop, hub)
                wall = await shown(shop, first)
                assert (wall["figures"]["gmv_fen"], wall["figures"]["orders"]) == (1_980, 1)
                await shop.commerce.orders.place(shop.tap("h2"))
                wall = await shown(shop, keeper(shop, hub))
            assert (wall["figures"]["gmv_fen"], wall["figures"]["orders"]) == (2_970, 2)
            assert wall["estates"] == [
                {"id": "e1", "gmv_fen": 2_970, "orders": 2, "refunded_fen": 0, "groups": 0}
            ]
            assert (wall["behind"], wall["last_week"], sum(wall["curve"])) == (0, None, 2_970)
            # What Redis lost is made again from the record's facts.
            await shop.redis.flushdb()
            again = await shown(shop, keeper(shop, hub))
            assert again["figures"] == wall["figures"]
        finally:
            await hub.close()
