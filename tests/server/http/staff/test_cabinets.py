"""Cold cabinets send readings: the shop sees an alarm, and lots inside are marked."""

from typing import Any

import httpx
from sqlalchemy import update

from commerce.io.record.engine import wall_clock
from commerce.io.record.schema import products
from server.bridge.facts import RecordSource
from tests.support.shop_routes import bearer, clerk, guest
from tests.support.waiting import wait_until

STORE = "/api/stores/s1/cabinets"
CHILLED = {"name": "冷柜 1", "storage": "chilled", "low_tenths": 0, "high_tenths": 40}


def sent(*readings: tuple[int, int]) -> dict[str, Any]:
    """Readings of (number, tenths), now."""
    now_ms = wall_clock()
    made = [{"number": n, "at_ms": now_ms, "celsius_tenths": tenths} for n, tenths in readings]
    return {"sent_at_ms": now_ms, "readings": made}


async def test_an_alarm_reaches_the_shop_and_marks_the_lots_inside(
    web: httpx.AsyncClient,
) -> None:
    staff, shop = bearer(await clerk(web)), web.shop  # type: ignore[attr-defined]
    async with shop.commerce.record.write() as connection:
        chilled = update(products).where(products.c.id == "tea").values(storage="chilled")
        await connection.execute(chilled)
    assert (
        await web.post(STORE, json=CHILLED, headers=bearer(await guest(web)))
    ).status_code == 403
    empty = await web.post(STORE, json=CHILLED | {"high_tenths": -1}, headers=staff)
    assert (empty.status_code, empty.json()["member"]) == (422, "high_tenths")
    made = (await web.post(STORE, json=CHILLED, headers=staff)).json()
    key = bearer(made["key"])

    async def send(*readings: tuple[int, int]) -> dict[str, Any]:
        answer = await web.post("/api/cabinets/readings", json=sent(*readings), headers=key)
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    stranger = await web.post("/api/cabinets/readings", json=sent((1, 20)), headers=staff)
    assert stranger.status_code == 401
    assert await send((1, 20), (2, 38)) == {"number": 2, "taken": 2, "alarm": None}
    # The answer was lost, so the second comes again, and a third is too warm.
    assert await send((2, 38), (3, 75)) == {"number": 3, "taken": 1, "alarm": "too_warm"}
    seen = (await web.get(STORE, headers=staff)).json()
    [cabinet] = seen["cabinets"]
    assert (cabinet["alarm"], cabinet["celsius_tenths"]) == ("too_warm", 75)
    shown = shop.feed.cabinets
    await wait_until(lambda: shown, what="the alarm")
    assert [(mark["product_id"], mark["until_ms"]) for mark in seen["marks"]] == [("tea", None)]
    assert (await send((4, 30)))["alarm"] is None
    [mark] = (await web.get(STORE, headers=staff)).json()["marks"]
    assert mark["until_ms"] >= mark["from_ms"]
    await wait_until(lambda: shown[1:], what="the end of the alarm")
    assert [(store, now.alarm) for store, now in shown] == [("s1", "too_warm"), ("s1", None)]
    facts = await RecordSource(shop.commerce.facts).read(0, 1_000)
    readings = [fact for fact in facts if fact.topic == "cabinet.read"]
    assert [fact.payload["celsius_tenths"] for fact in readings] == [20, 38, 75, 30]
    assert {fact.brand for fact in readings} == {"b"}
    gone = await web.delete(f"{STORE}/{made['id']}/key", headers=staff)
    assert gone.status_code == 204
    late = await web.post("/api/cabinets/readings", json=sent((5, 20)), headers=key)
    assert late.status_code == 401
