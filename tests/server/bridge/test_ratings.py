"""A rating goes from the buyer to the card, the lake and the wall; head office can hide it."""

import json
from pathlib import Path

from commerce.after_sales.ratings import Tag
from commerce.io.shop.after_sales.values import NewRating
from insight.io.lake import Lake
from insight.io.writer import LakeWriter
from rooms.io.hub import RoomHub
from server.bridge.channels.registry import RULES
from server.bridge.facts import RecordSource
from server.bridge.redis_lease import RedisLeases
from server.bridge.wall import WallKeeper, shown_wall
from server.ws.wire import CODECS
from tests.support.commerce_shop import running_shop, shop_plan, with_dinner
from tests.support.ready_orders import code_of, ready_order

SILVER = """
    SELECT product_id, line, part, stars, tags, hidden, estate, trace
    FROM ratings ORDER BY sequence
"""


async def test_each_part_of_a_set_is_rated_into_the_lake_and_onto_the_wall(
    sqlite_url: str, valkey_url: str, tmp_path: Path
) -> None:
    async with running_shop(sqlite_url, valkey_url, plan=with_dinner(shop_plan())) as shop:
        order = await ready_order(shop, "anna", "dinner")
        await shop.commerce.fulfilment.hand_over("s1", await code_of(shop, "anna", order), "clerk")
        ratings = shop.commerce.ratings
        await ratings.rate("anna", NewRating(order, 0, 0, 5))
        bad = NewRating(order, 0, 1, 2, (Tag.TOO_SALTY, Tag.SMALL_PORTION), "太咸了，加微信 abc123")
        assert (await ratings.rate("anna", bad)).held
        await ratings.rate("anna", NewRating(order, 0, 0, 4, (Tag.TASTY,)))
        await ratings.moderate("b", (order, 0, 1), hidden=True, staff_id="boss")

        lake = Lake(str(tmp_path / "lake"))
        writer = LakeWriter(lake)
        writer.position("record")
        facts = await RecordSource(shop.commerce.facts).read(0, 1_000)
        writer.write(facts)
        assert lake.sql(SILVER)[1] == [
            ("tea", 0, 0, 5, "", False, "e1", order),
            ("pear", 0, 1, 2, "too_salty small_portion", False, "e1", order),
            ("tea", 0, 0, 4, "tasty", False, "e1", order),
            ("pear", 0, 1, 2, "too_salty small_portion", True, "e1", order),
        ]
        assert lake.sql("SELECT count(*) FROM rejected")[1] == [(0,)]
        assert not any("太咸" in json.dumps(dict(fact.payload)) for fact in facts)

        hub = await RoomHub.open(shop.redis, CODECS, RULES)
        try:
            leases = RedisLeases(shop.redis, kind="insight")

            async def no_curves(day: str) -> dict[str, object]:
                return {}

            keeper = WallKeeper(
                shop.commerce.shop,
                hub,
                shop.redis,
                leases,
                no_curves,  # type: ignore[arg-type]  # of any day
                owner="a",
            )
            while await keeper.step():
                pass
            await keeper.push()
            wall = json.loads(await shown_wall(shop.redis, "b") or "null")
            assert wall["ratings"] == {"count": 1, "stars": 4}
        finally:
            await hub.close()
