"""Leaders see the groups and orders of their own estates, and nobody's full name."""

import httpx

from tests.support.leader_routes import leader
from tests.support.shop_routes import bearer, clerk, guest, tea

DAY = "/api/leader/estates/e1/day"


async def test_leader_sees_masked_orders_of_the_own_estate_only(web: httpx.AsyncClient) -> None:
    buyer = await guest(web, "3号楼王阿姨")
    placed = await web.post("/api/orders", json=tea(2), headers=bearer(buyer, "key-tea-1"))
    assert placed.status_code == 201, placed.text
    headers = bearer(await leader(web))
    seen = (await web.get(DAY, headers=headers)).json()
    [order] = seen["orders"]
    assert order["neighbour"] == {"name": "3*姨", "building": "", "flat": "", "confirmed": False}
    assert (order["state"], order["lines"][0]["quantity"]) == ("new", 2)
    assert [(row["product_id"], row["to_arrive"]) for row in seen["arrivals"]] == [("tea", 2)]
    assert "王阿" not in str(seen) and "pickup" not in order
    assert (await web.get("/api/leader/estates/e2/day", headers=headers)).status_code == 403
    for other in (buyer, await clerk(web)):
        assert (await web.get(DAY, headers=bearer(other))).status_code == 403
    assert (await web.get(DAY)).status_code == 401
