"""The schedule of a room over HTTP."""

import time

import httpx

from tests.support.shop_routes import bearer, clerk, guest, shop_routes

SCHEDULE = "/api/rooms/demo/schedule"


async def test_a_host_schedules_a_live_and_everybody_reads_it(
    sqlite_url: str, valkey_url: str
) -> None:
    async with shop_routes(sqlite_url, valkey_url) as web:
        host, anna = bearer(await clerk(web)), bearer(await guest(web))
        starts_at_ms = int(time.time() * 1_000) + 3_600_000
        new = {"title": "周五海鲜", "teaser": "八点见", "starts_at_ms": starts_at_ms}
        assert (await web.post(SCHEDULE, json=new, headers=anna)).status_code == 403
        past = await web.post(SCHEDULE, json=new | {"starts_at_ms": 1}, headers=host)
        assert (past.status_code, past.json()["member"]) == (422, "starts_at_ms")
        made = await web.post(SCHEDULE, json=new, headers=host)
        assert made.status_code == 201
        listed: list[dict[str, object]] = (await web.get(SCHEDULE)).json()["lives"]
        assert [live["title"] for live in listed] == ["周五海鲜"]
        gone = f"{SCHEDULE}/{made.json()['id']}"
        assert (await web.delete(gone, headers=host)).status_code == 204
        assert (await web.get(SCHEDULE)).json() == {"lives": []}
        answer: httpx.Response = await web.get("/api/rooms/nowhere/schedule")
        assert answer.status_code == 404
