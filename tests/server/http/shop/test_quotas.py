"""What bounds invented neighbours: units per address and device in a live, seats per device."""

from dataclasses import replace
from functools import partial
from typing import Any

import httpx
import pytest

from commerce.catalogue.values import Live, LiveState
from commerce.io.shop.seed import seed
from server.limits import Limits, QuotaScope
from tests.support.commerce_shop import Shop, shop_plan
from tests.support.shop_routes import bearer, clerk, guest, tea
from tests.support.waiting import wait_until

LIMITS = {"address": "units_per_address", "device-units": "units_per_device"}


async def limit_brand(web: httpx.AsyncClient, **limits: Any) -> Limits:
    """Give the brand other limits, and have them kept."""
    shop: Shop = web.shop  # type: ignore[attr-defined]  # see the fixture
    plan = shop_plan(2, target=2)
    await seed(shop.engine, replace(plan, brand=replace(plan.brand, **limits)))
    await shop.commerce._shop.cache.refresh()
    kept = Limits(shop.redis)
    web.services.limits = kept  # type: ignore[attr-defined]  # see the fixture
    return kept


async def test_one_address_gets_its_share_of_a_product_however_many_guests_it_invents(
    web: httpx.AsyncClient,
) -> None:
    limits = await limit_brand(web, units_per_address=1)
    first, second = await guest(web), await guest(web)
    web.cookies.clear()
    declined = await web.post(
        "/api/orders", json=tea() | {"price_fen": 1}, headers=bearer(first, "key-00001")
    )
    assert declined.status_code == 409, "a refused order takes no share"
    for _ in range(2):
        made = await web.post("/api/orders", json=tea(), headers=bearer(first, "key-00002"))
        assert made.status_code == 201, "an order that is sent again counts once"
    over = await web.post("/api/orders", json=tea(), headers=bearer(second, "key-00003"))
    assert (over.status_code, over.json()["type"]) == (409, "urn:linli:problem:limit-reached")
    assert (over.json()["scope"], over.json()["left"]) == ("address", 0)
    assert limits.quota_refused == {"address": 1, "device-units": 0, "device": 0}


@pytest.mark.parametrize("scope", ["address", "device-units"])
async def test_address_and_device_get_their_share_anew_in_each_live(
    web: httpx.AsyncClient, scope: str
) -> None:
    limits = await limit_brand(web, **{LIMITS[scope]: 1})
    shop: Shop = web.shop  # type: ignore[attr-defined]  # see the fixture
    first, second = await guest(web), await guest(web)  # one browser
    answers = []
    for number, live in enumerate((None, None, LiveState.LIVE, LiveState.OVER)):
        if live:
            now = Live("demo", live, started_at_ms=7, fence=1)
            assert await shop.commerce.lives.set_live(now, "worker")
        headers = bearer((first, second)[number % 2], f"key-{number:05}")
        answer = await web.post("/api/orders", json=tea(), headers=headers)
        answers.append((answer.status_code, answer.json().get("scope")))
    assert answers == [(201, None), (409, scope), (201, None), (409, scope)]
    assert limits.quota_refused[QuotaScope(scope)] == 2


async def test_order_that_names_no_group_takes_a_seat_of_the_open_one(
    web: httpx.AsyncClient,
) -> None:
    await limit_brand(web, seats_per_device=1)
    await web.put("/api/rooms/demo/pins/pear", headers=bearer(await clerk(web)))
    shop: Shop = web.shop  # type: ignore[attr-defined]  # see the fixture
    await wait_until(partial(shop.commerce.gates.of("b").open_group, "e1", "pear"))
    body = {"room_id": "demo", "product_id": "pear", "quantity": 1}
    first, second = await guest(web), await guest(web)
    made = await web.post("/api/orders", json=body, headers=bearer(first, "key-00001"))
    assert made.status_code == 201
    over = await web.post("/api/orders", json=body, headers=bearer(second, "key-00002"))
    assert (over.status_code, over.json().get("scope")) == (409, "device")


async def test_one_device_gets_its_seats_of_a_group_and_one_back_that_it_leaves(
    web: httpx.AsyncClient,
) -> None:
    await limit_brand(web, seats_per_device=1)
    await web.put("/api/rooms/demo/pins/pear", headers=bearer(await clerk(web)))
    shop: Shop = web.shop  # type: ignore[attr-defined]  # see the fixture
    [group] = [one for one in await shop.commerce.groups.of_room("demo") if one.estate_id == "e1"]
    body = {"room_id": "demo", "product_id": "pear", "quantity": 1, "group_id": group.id}
    first, second = await guest(web), await guest(web)
    made = await web.post("/api/orders", json=body, headers=bearer(first, "key-00001"))
    assert made.status_code == 201
    over = await web.post("/api/orders", json=body, headers=bearer(second, "key-00002"))
    assert (over.status_code, over.json().get("scope")) == (409, "device")
    path = f"/api/orders/{made.json()['order']['id']}/cancellation"
    assert (await web.post(path, headers=bearer(first))).status_code == 200
    again = await web.post("/api/orders", json=body, headers=bearer(second, "key-00003"))
    assert again.status_code == 201
