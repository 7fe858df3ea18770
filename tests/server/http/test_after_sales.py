"""Routes about claims, ratings and refunds, from the buyer to the head office."""

from pathlib import Path

import httpx

from commerce.io.record.engine import wall_clock
from commerce.money.accounts import day_of
from media.io.blobs.files import FileBlobs
from server.access.policy import Principal, Role
from server.access.tokens import Access
from server.ops.pictures import Pictures
from tests.support.leader_routes import leader
from tests.support.pictures import photo
from tests.support.shop_routes import bearer, guest, shop_routes
from tests.support.waiting import wait_until


async def test_a_claim_goes_from_the_buyer_to_the_store_and_a_rating_to_the_head_office(
    sqlite_url: str, valkey_url: str, tmp_path: Path
) -> None:
    async with shop_routes(sqlite_url, valkey_url) as web:
        web.services.pictures = Pictures(FileBlobs(tmp_path))  # type: ignore[attr-defined]
        buyer = bearer(await guest(web), "key-claims-1")
        access: Access = web.services.access  # type: ignore[attr-defined]  # see `shop_routes`
        clerk, stranger, office = (
            bearer(access.issue(principal, 600))
            for principal in (
                Principal("token:c", frozenset({Role.STORE}), store_id="s1", brand_id="b"),
                Principal("token:d", frozenset({Role.STORE}), store_id="s2", brand_id="b"),
                Principal("token:h", frozenset({Role.HQ}), brand_id="b"),
            )
        )
        bought = {"room_id": "demo", "product_id": "tea", "quantity": 2}
        order = (await web.post("/api/orders", json=bought, headers=buyer)).json()["order"]
        path = f"/api/orders/{order['id']}"
        stale = {"line": 0, "part": 0, "units": 2, "fault": "stale"}
        early = await web.post(f"{path}/claims", json=stale, headers=buyer)
        assert (early.status_code, early.json()["type"][-14:]) == (409, "claim-too-late")
        for state in ("picking", "packed", "ready"):
            await web.post(f"{path}/moves", json={"to": state}, headers=clerk)
        mine = (await web.get("/api/me/orders", headers=buyer)).json()["orders"]
        code = {"code": mine[0]["pickup"]["code"]}
        assert (await web.post("/api/stores/s1/handovers", json=code, headers=clerk)).is_success

        assert (await web.post(f"{path}/claims", json=stale, headers=clerk)).status_code == 403
        odd = await web.post(f"{path}/claims", json={**stale, "fault": "rotten"}, headers=buyer)
        assert odd.json()["member"] == "fault"
        # 19.80 is small, and the first claim.
        sent = await web.post(f"{path}/claim-photos", content=photo((80, 60)), headers=buyer)
        image = sent.json()["photo"]
        seen = {
            who: (await web.get(image, headers=headers)).status_code
            for who, headers in {
                "buyer": buyer,
                "clerk": clerk,
                "office": office,
                "leader": bearer(await leader(web)),
                "other shop": stranger,
                "other buyer": bearer(await guest(web, "秋水")),
                "nobody": {},
            }.items()
        }
        assert seen == {
            **dict.fromkeys(("buyer", "clerk", "office", "leader"), 200),
            **dict.fromkeys(("other shop", "other buyer"), 403),
            "nobody": 401,
        }
        stale["photos"] = [image]
        made = await web.post(f"{path}/claims", json=stale, headers=buyer)
        assert (made.status_code, made.json()["state"]) == (201, "approved")
        again = await web.post(f"{path}/claims", json=stale, headers=buyer)
        assert again.json()["type"].endswith("nothing-left")
        claims = (await web.get("/api/stores/s1/claims", headers=clerk)).json()
        assert [claim["claim"]["id"] for claim in claims["decided"]] == [made.json()["id"]]
        assert (await web.get("/api/stores/s1/claims", headers=stranger)).status_code == 403
        verdict = {"approved": False, "answer": "no"}
        decision = f"/api/stores/s1/claims/{made.json()['id']}/decision"
        assert (await web.post(decision, json=verdict, headers=clerk)).status_code == 404
        at_office = f"/api/hq/claims/{made.json()['id']}/decision"
        assert (await web.post(at_office, json=verdict, headers=office)).status_code == 409

        said = {"line": 0, "part": 0, "stars": 2, "tags": ["not_fresh"], "words": "www.tea.com"}
        rated = await web.put(f"{path}/rating", json=said, headers=buyer)
        assert (rated.status_code, rated.json()["held"]) == (200, True)
        [held] = (await web.get("/api/hq/ratings?held=1", headers=office)).json()["ratings"]
        hide = f"/api/hq/ratings/{held['order_id']}/0/0"
        assert (await web.put(hide, json={"hidden": True}, headers=office)).json()["hidden"]
        assert (await web.get("/api/rooms/demo/ratings")).json() == {"ratings": {}}
        [after] = (await web.get("/api/me/after-sales", headers=buyer)).json()["orders"]
        assert after["refunded_fen"] + after["refund_due_fen"] == 1_980
        assert (await web.get("/api/hq/refunds?state=x", headers=office)).status_code == 422
        refunds = (await web.get("/api/hq/refunds?state=failed", headers=office)).json()
        assert refunds == {"refunds": []}
        retry = f"/api/hq/refunds/{order['id']}/1/retry"
        assert (await web.post(retry, headers=office)).status_code in (404, 409)
        day = day_of(wall_clock())
        books = (await web.get(f"/api/hq/books?period={day}", headers=office)).json()
        assert books["balance"]["sum_fen"] == 0
        assert "unearned" in {one["account"] for one in books["balance"]["accounts"]}
        path = f"/api/hq/books/entries?period={day}&account=provider"
        [*_, charge] = (await web.get(path, headers=office)).json()["entries"]
        assert (charge["kind"], charge["number"]) == ("charge", order["number"])
        early = await web.post("/api/hq/books/closings", json={"period": day}, headers=office)
        assert (early.status_code, early.json()["member"]) == (422, "period")
        open_day = f"/api/hq/books/settlements/{day}/store:s1"
        assert (await web.get(open_day, headers=office)).status_code == 422
        assert (await web.get("/api/hq/books?period=2026", headers=office)).status_code == 422

        forgotten = await web.post("/api/me/erasure", json={"erase": "everything"}, headers=buyer)
        assert forgotten.status_code == 204
        await wait_until(lambda: _is_gone(web, image, clerk))
        claims = (await web.get("/api/stores/s1/claims", headers=clerk)).json()
        assert [claim["claim"]["photos"] for claim in claims["decided"]] == [[]]


async def _is_gone(web: httpx.AsyncClient, image: str, clerk: dict[str, str]) -> bool:
    return (await web.get(image, headers=clerk)).status_code == 404
