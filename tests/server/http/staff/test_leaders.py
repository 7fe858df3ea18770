"""Leaders see the groups and orders of their own estates, and nobody's full name."""

from typing import Any

import httpx

from server.access.policy import Principal, Role
from server.limits import Limits
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


async def test_guesses_at_codes_and_digits_are_bounded_over_all_addresses_and_accounts(
    web: httpx.AsyncClient,
) -> None:
    services: Any = web.services  # type: ignore[attr-defined]  # set by `shop_routes`
    services.limits = Limits(web.shop.redis)  # type: ignore[attr-defined]  # see the fixture
    transport = web._transport
    assert isinstance(transport, httpx.ASGITransport)

    async def guess(n: int, *scans: dict[str, object]) -> int:
        transport.client = (f"198.51.100.{n % 250}", 50_000)
        principal = Principal(
            f"leader-{n}", frozenset({Role.LEADER}), estate_ids=("e1",), brand_id="b"
        )
        body = {"device": f"a-device-{n:08}", "device_name": "phone", "scans": scans}
        headers = bearer(str(services.access.issue(principal, 600)))
        answer = await web.post("/api/leader/estates/e1/scans", json=body, headers=headers)
        assert answer.status_code in (200, 429), answer.text
        return answer.status_code

    digits = {"seq": 1, "at_ms": 1, "household_id": "h1", "reason": "phone is flat"}
    tries = [await guess(n, {**digits, "last_four": f"{n:04}"}) for n in range(7)]
    assert tries == [200] * 5 + [429] * 2
    codes = [{"seq": n, "at_ms": 1, "code": f"0000-0000-{n % 10}"} for n in range(2, 52)]
    answers = [await guess(100 + n, *codes) for n in range(8)]
    assert answers[:5] == [200] * 5 and answers[-1] == 429
