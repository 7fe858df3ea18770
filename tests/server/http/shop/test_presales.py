"""A store's presales over HTTP: opened and cancelled by its staff, where the brand allows it."""

from typing import Any

import httpx
from sqlalchemy import update

from commerce.io.commerce import Commerce
from commerce.io.record.schema import brands
from commerce.orders.promise import HOUR_MS, WINDOW_MS
from tests.support.shop_routes import bearer, clerk, guest

PATH = "/api/stores/s1/presales"


def presale(now_ms: int) -> dict[str, Any]:
    """Tea until two hours from now."""
    ready_ms = now_ms + 12 * HOUR_MS + -now_ms % WINDOW_MS
    return {
        "name": {"zh": "周末茶", "en": "Weekend tea"},
        "product_ids": ["tea"],
        "cut_off_ms": now_ms + 2 * HOUR_MS,
        "ready_by_ms": ready_ms,
        "until_ms": ready_ms + 2 * HOUR_MS,
        "orders_max": 2,
    }


async def test_a_store_opens_and_cancels_its_own_presale_if_the_brand_lets_it(
    web: httpx.AsyncClient,
) -> None:
    commerce: Commerce = web.commerce  # type: ignore[attr-defined]  # what it reaches
    staff = bearer(await clerk(web))
    seen = (await web.get(PATH, headers=staff)).json()
    assert (seen["presales"], seen["may_open"], seen["products"]) == ([], False, [])
    new = presale(seen["now_ms"])
    refused = await web.post(PATH, json=new, headers=staff)
    assert (refused.status_code, refused.json()["type"]) == (403, "urn:linli:problem:forbidden")
    async with commerce.record.write() as connection:
        await connection.execute(update(brands).values(store_presales=True))
    await commerce.shop.cache.refresh()
    assert (await web.post(PATH, json=new, headers=bearer(await guest(web)))).status_code == 403
    assert (await web.post("/api/stores/s2/presales", json=new, headers=staff)).status_code == 403
    bad = await web.post(PATH, json={**new, "product_ids": ["nothing"]}, headers=staff)
    assert (bad.status_code, bad.json()["member"]) == (422, "product_ids")
    made = await web.post(PATH, json=new, headers=staff)
    assert made.status_code == 201
    assert made.json()["stores"][0]["capacity"] == 2
    seen = (await web.get(PATH, headers=staff)).json()
    assert [one["id"] for one in seen["presales"]] == [made.json()["id"]]
    assert "tea" in [one["id"] for one in seen["products"]]
    for _ in range(2):
        over = await web.post(f"{PATH}/{made.json()['id']}/cancel", headers=staff)
        assert (over.status_code, over.json()["stores"][0]["cancelled"]) == (200, True)
    assert (await web.post(f"{PATH}/nothing/cancel", headers=staff)).status_code == 404
