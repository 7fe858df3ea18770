"""The wall beside a running shop: an order is on it with the next step, also after a restart."""

import json
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from sqlalchemy import insert

from commerce.catalogue.food import StorageKind
from commerce.io.record.engine import wall_clock
from commerce.io.record.schema_after_sales import ratings
from commerce.supply.cabinets import Range, Reading
from commerce.views import OrderView
from insight.tables import DAY_MS, day_of
from insight.wall import BUCKETS, DayCurve
from rooms.io.hub import RoomHub
from server.bridge.channels.registry import RULES
from server.bridge.channels.wall import WallChanged
from server.bridge.redis_lease import RedisLeases
from server.bridge.wall import Curves, WallKeeper, shown_wall
from server.ws.wire import CODECS
from tests.support.commerce_shop import Shop, open_shop, running


def _id(placed: object) -> str:
    assert isinstance(placed, OrderView)
    return placed.id


async def nothing(day: str) -> Mapping[str, DayCurve]:
    return {}


def keeper(
    shop: Shop, hub: RoomHub, curves: Curves = nothing, clock: Callable[[], int] = wall_clock
) -> WallKeeper:
    leases = RedisLeases(shop.redis, kind="insight")
    return WallKeeper(shop.commerce.shop, hub, shop.redis, leases, curves, owner="a", clock=clock)


async def shown(shop: Shop, keeper: WallKeeper) -> Any:
    while await keeper.step():
        pass
    await keeper.push()
    wall = await shown_wall(shop.redis, "b")
    assert wall is not None
    return json.loads(wall)


async def test_ratings_of_today_and_cabinets_in_alarm_are_on_the_wall(
    sqlite_url: str, valkey_url: str
) -> None:
    async with open_shop(sqlite_url, valkey_url) as shop:
        hub = await RoomHub.open(shop.redis, CODECS, RULES)
        now_ms = wall_clock()
        try:
            async with running(shop.commerce):
                orders = [await shop.commerce.orders.place(shop.tap(guest)) for guest in "abc"]
            rated = {"line": 0, "part": 0, "brand_id": "b", "product_id": "tea", "tags": ""}
            rows = [
                rated
                | {"order_id": _id(order), "guest_id": "g", "stars": stars, "words": ""}
                | {"hidden": is_hidden, "rated_at_ms": at_ms, "edited_at_ms": now_ms}
                for order, stars, is_hidden, at_ms in zip(
                    orders, (5, 4, 1), (False, False, True), (now_ms,) * 3, strict=True
                )
            ]
            rows.append(rows[0] | {"part": 1, "stars": 2, "rated_at_ms": now_ms - 2 * 86_400_000})
            async with shop.engine.begin() as connection:
                await connection.execute(insert(ratings), rows)
            cabinets, cold = shop.commerce.cabinets, Range(20, 60)
            for tenths, has_power in ((45, True), (90, True), (45, False)):
                made = await cabinets.add("s1", "cold", StorageKind.CHILLED, cold, "st")
                await cabinets.read(made.key, [Reading(1, now_ms, tenths, False, has_power)])
            wall = await shown(shop, keeper(shop, hub))
            assert wall["ratings"] == {"count": 2, "stars": 9}
            assert wall["cabinets"] == {"count": 3, "alarms": 2, "out_of_range": 1}
        finally:
            await hub.close()


async def test_last_week_is_shown_once_the_lake_has_it_and_only_while_it_is_last_week(
    sqlite_url: str, valkey_url: str
) -> None:
    in_lake: dict[str, DayCurve] = {}
    asked: list[str] = []
    now_ms = wall_clock()

    async def curves(day: str) -> Mapping[str, DayCurve]:
        asked.append(day)
        return dict(in_lake)

    async with open_shop(sqlite_url, valkey_url) as shop:
        hub = await RoomHub.open(shop.redis, CODECS, RULES)
        try:
            found = keeper(shop, hub, curves, lambda: now_ms)
            await found.read_last_week()
            wall = await shown(shop, found)
            assert (wall["last_week"], wall["last_week_simulated"]) == (None, False)
            assert wall["figures"]["last_week_gmv_fen"] is None
            in_lake["b"] = DayCurve((600,) * BUCKETS, is_simulated=True)
            await found.read_last_week()
            wall = await shown(shop, found)
            assert asked[-1] == day_of(now_ms - 7 * DAY_MS)
            assert (wall["last_week"], wall["last_week_simulated"]) == ([600] * BUCKETS, True)
            assert wall["figures"]["last_week_gmv_fen"] >= 0
            now_ms += DAY_MS
            assert (await shown(shop, found))["last_week"] is None
        finally:
            await hub.close()


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


async def test_what_nobody_was_sent_is_in_the_next_event(
    sqlite_url: str, valkey_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who has just come is not counted yet, and may have fetched the wall before an order."""
    viewers, sent = 0, list[WallChanged]()

    async def announce(channel: str, *events: Any) -> None:
        sent.extend(events)

    async with open_shop(sqlite_url, valkey_url) as shop:
        hub = await RoomHub.open(shop.redis, CODECS, RULES)
        monkeypatch.setattr(hub, "viewers", lambda channel: viewers)
        monkeypatch.setattr(hub, "announce", announce)
        try:
            async with running(shop.commerce):
                found = keeper(shop, hub)
                await shown(shop, found)
                await shop.commerce.orders.place(shop.tap("h1"))
                await shown(shop, found)
            assert sent == []
            viewers = 1
            await found.push()
            await found.push()
            first, second = sent
            assert [(estate.id, estate.orders) for estate in first.estates] == [("e1", 1)]
            assert second.estates == ()
        finally:
            await hub.close()
