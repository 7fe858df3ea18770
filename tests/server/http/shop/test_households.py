"""A neighbour names a flat, the shop confirms it, and they see who counts together."""

import httpx

from commerce.people.consents import TEXTS, Purpose
from tests.support.shop_routes import bearer, clerk, guest


async def name_flat(web: httpx.AsyncClient, token: str, building: str = "12 栋") -> httpx.Response:
    """Say where one lives."""
    version = TEXTS[Purpose.DWELLING].version
    body = {"building": building, "flat": "1203 室", "consent": version}
    return await web.put("/api/me/dwelling", json=body, headers=bearer(token))


async def test_a_shop_confirms_the_flats_of_its_neighbours(web: httpx.AsyncClient) -> None:
    first, second = await guest(web, "one"), await guest(web, "two")
    for token in (first, second):
        named = await name_flat(web, token)
        assert (named.status_code, named.json()["dwelling"]["state"]) == (200, "waiting")
    shop = bearer(await clerk(web))
    waiting = (await web.get("/api/stores/s1/neighbours", headers=shop)).json()["neighbours"]
    assert {(each["building"], each["flat"], each["nickname"]) for each in waiting} == {
        ("12", "1203", "one"),
        ("12", "1203", "two"),
    }
    for each in waiting:
        path = f"/api/stores/s1/neighbours/{each['guest_id']}"
        decided = await web.put(path, json={"confirmed": True}, headers=shop)
        assert (decided.status_code, decided.json()["state"]) == (200, "confirmed")
    mine = (await web.get("/api/me/household", headers=bearer(first))).json()
    assert (mine["people"], mine["dwelling"]["state"]) == (2, "confirmed")


async def test_a_flat_that_is_refused_joins_nobody(web: httpx.AsyncClient) -> None:
    token = await guest(web)
    claimed = (await name_flat(web, token)).json()["dwelling"]["guest_id"]
    shop = bearer(await clerk(web))
    path = f"/api/stores/s1/neighbours/{claimed}"
    refused = await web.put(path, json={"confirmed": False}, headers=shop)
    assert refused.json()["state"] == "refused"
    mine = (await web.get("/api/me/household", headers=bearer(token))).json()
    assert (mine["people"], mine["dwelling"]["state"]) == (1, "refused")


async def test_only_the_shops_own_staff_see_and_decide(web: httpx.AsyncClient) -> None:
    token = await guest(web)
    claimed = (await name_flat(web, token)).json()["dwelling"]["guest_id"]
    shop = bearer(await clerk(web))
    assert (await web.get("/api/stores/s1/neighbours", headers=bearer(token))).status_code == 403
    assert (await web.get("/api/stores/s2/neighbours", headers=shop)).status_code == 403
    unknown = await web.put("/api/stores/s1/neighbours/x", json={"confirmed": True}, headers=shop)
    assert unknown.status_code == 404
    other = await web.put(f"/api/stores/s2/neighbours/{claimed}", json={}, headers=shop)
    assert other.status_code == 403


async def test_a_flat_that_is_none_is_refused(web: httpx.AsyncClient) -> None:
    refused = await name_flat(web, await guest(web), "<b>")
    assert (refused.status_code, refused.json()["member"]) == (422, "building")
