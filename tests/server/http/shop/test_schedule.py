"""The schedule of a room over HTTP."""

import time

import httpx

from commerce.catalogue.values import Live, LiveState
from tests.support.shop_routes import bearer, clerk, guest, shop_routes, tea

REHEARSES = "urn:linli:problem:rehearsal"
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
        later = {"starts_at_ms": starts_at_ms + 60_000}
        assert (await web.patch(gone, json=later, headers=anna)).status_code == 403
        assert (await web.patch(gone, json={"starts_at_ms": 1}, headers=host)).status_code == 422
        assert (await web.patch(f"{SCHEDULE}/none", json=later, headers=host)).status_code == 404
        moved = await web.patch(gone, json=later, headers=host)
        assert (moved.status_code, moved.json()["starts_at_ms"]) == (200, later["starts_at_ms"])
        assert (await web.get(SCHEDULE)).json()["lives"][0]["starts_at_ms"] == starts_at_ms + 60_000
        assert (await web.delete(gone, headers=host)).status_code == 204
        assert (await web.get(SCHEDULE)).json() == {"lives": []}
        assert (await web.patch(gone, json=later, headers=host)).status_code == 404
        answer: httpx.Response = await web.get("/api/rooms/nowhere/schedule")
        assert answer.status_code == 404


async def test_a_host_gets_the_summary_of_a_live_and_its_picture(
    sqlite_url: str, valkey_url: str
) -> None:
    async with shop_routes(sqlite_url, valkey_url) as web:
        host, anna = bearer(await clerk(web)), bearer(await guest(web))
        none = await web.get("/api/rooms/demo/summary", headers=host)
        assert none.status_code == 404
        commerce = web.commerce  # type: ignore[attr-defined]
        for state in (LiveState.LIVE, LiveState.OVER):
            assert await commerce.lives.set_live(Live("demo", state, 7, fence=1), "w1")
        assert (await web.get("/api/rooms/demo/summary", headers=anna)).status_code == 403
        found = (await web.get("/api/rooms/demo/summary", headers=host)).json()
        assert (found["started_at_ms"], found["orders"], found["best_minute"]) == (7, 0, None)
        drawn = await web.get("/api/rooms/demo/summary.png?language=en", headers=host)
        assert (drawn.status_code, drawn.headers["content-type"]) == (200, "image/png")


async def test_a_room_that_rehearses_is_closed_to_neighbours(
    sqlite_url: str, valkey_url: str
) -> None:
    async with shop_routes(sqlite_url, valkey_url) as web:
        host, anna = bearer(await clerk(web)), bearer(await guest(web), key="rehearsed-1")
        rehearsal = "/api/rooms/demo/rehearsal"
        assert (await web.put(rehearsal, headers=anna)).status_code == 403
        assert (await web.put(rehearsal, headers=host)).status_code == 204
        for path in ("", "/products", "/products/tea", "/promises?estate=e1", "/goods"):
            for headers in (anna, {}):
                refused = await web.get(f"/api/rooms/demo{path}", headers=headers)
                assert (refused.status_code, refused.json()["type"]) == (403, REHEARSES), path
            shown = await web.get(f"/api/rooms/demo{path}", headers=host)
            assert shown.status_code == 200, (path, shown.text)
        assert (await web.get("/api/rooms/demo", headers=host)).json()["rehearsal"] is True
        ordered = await web.post("/api/orders", json=tea(), headers=anna)
        assert (ordered.status_code, ordered.json()["type"]) == (409, REHEARSES)
        asked = await web.post("/api/rooms/demo/questions", json={"text": "?"}, headers=anna)
        assert (asked.status_code, asked.json()["type"]) == (403, REHEARSES)

        assert (await web.delete(rehearsal, headers=anna)).status_code == 403
        assert (await web.delete(rehearsal, headers=host)).status_code == 204
        assert (await web.get("/api/rooms/demo")).json()["rehearsal"] is False
        assert (await web.post("/api/orders", json=tea(), headers=anna)).status_code == 201
        leads = "/api/rooms/demo/next"
        assert (await web.get(leads, headers=anna)).status_code == 403
        assert (await web.get(leads, headers=host)).json() == {"rooms": []}
        for room_id in ("other", "demo", "nowhere"):
            led = await web.put(leads, json={"room_id": room_id}, headers=host)
            assert led.status_code == 404, "it is not on air"
        commerce = web.commerce  # type: ignore[attr-defined]
        assert await commerce.lives.set_live(Live("other", LiveState.LIVE, 7, fence=1), "w1")
        assert (await web.put(leads, json={"room_id": "other"}, headers=anna)).status_code == 403
        led = await web.put(leads, json={"room_id": "other"}, headers=host)
        assert (led.status_code, led.json()["room_id"]) == (200, "other")
        assert (await web.delete(leads, headers=host)).status_code == 204
        assert web.stand_ins.announced == []  # type: ignore[attr-defined]
