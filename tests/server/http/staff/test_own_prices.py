"""A store sets its own prices within bounds; its till and the estates it serves get them."""

import httpx
from sqlalchemy import update

from commerce.io.record.schema import products
from commerce.io.shop.audit_trail import AuditFilter
from tests.support.commerce_checks import quiet
from tests.support.shop_routes import bearer, clerk

PRICE = "/api/stores/s1/prices/tea"
TEA_CODE = "6901234567892"


async def give_bounds(web: httpx.AsyncClient) -> None:
    """The store may ask 8 to 12 yuan for tea."""
    shop = web.shop  # type: ignore[attr-defined]  # see `shop_routes`
    bounds = {"own_price_min_fen": 800, "own_price_max_fen": 1_200}
    async with shop.commerce.record.write() as connection:
        tea = update(products).where(products.c.id == "tea")
        await connection.execute(tea.values(bounds))
    await shop.commerce._shop.cache.refresh()


async def test_an_own_price_holds_at_the_till_and_for_the_stores_estates(
    web: httpx.AsyncClient,
) -> None:
    await give_bounds(web)
    shop, headers = web.shop, bearer(await clerk(web))  # type: ignore[attr-defined]
    await web.put(
        f"/api/stores/s1/barcodes/{TEA_CODE}", json={"product_id": "tea"}, headers=headers
    )
    answer = await web.put(PRICE, json={"price_fen": 880}, headers=headers)
    own = {"min_fen": 800, "max_fen": 1_200, "price_fen": 880, "hq_price_fen": 990}
    assert (answer.status_code, answer.json()) == (200, {"price_fen": 880, "own": own})
    await quiet(shop)

    async def prices() -> dict[str, int]:
        code = await web.get(f"/api/stores/s1/barcodes/{TEA_CODE}", headers=headers)
        stock = (await web.get("/api/stores/s1/stock", headers=headers)).json()["products"]
        [listed] = [row["price_fen"] for row in stock if row["product_id"] == "tea"]
        found = {"till": code.json()["price_fen"], "stock": listed}
        for estate in ("e1", "e2"):
            views = await shop.commerce.products("demo", estate)
            [found[estate]] = [view.price_fen for view in views if view.id == "tea"]
        return found

    assert await prices() == {"till": 880, "stock": 880, "e1": 880, "e2": 990}
    assert (await web.put(PRICE, json={"price_fen": 1_100}, headers=headers)).status_code == 200
    assert (await web.delete(PRICE, headers=headers)).json()["own"]["price_fen"] is None
    assert await prices() == {"till": 990, "stock": 990, "e1": 990, "e2": 990}
    trail = await shop.commerce.audit_trail.page("b", AuditFilter(subject="tea"))
    changes = [(entry.action, entry.after["price_fen"]) for entry in trail.entries if entry.after]
    assert changes == [
        ("own-price.delete", None),
        ("own-price.edit", 1_100),
        ("own-price.edit", 880),
    ]


async def test_a_price_outside_the_bounds_is_refused_with_them(web: httpx.AsyncClient) -> None:
    headers = bearer(await clerk(web))
    unbound = await web.put(PRICE, json={"price_fen": 900}, headers=headers)
    assert (unbound.status_code, unbound.json()["member"]) == (422, "price_fen")
    await give_bounds(web)
    for price_fen in (799, 1_201):
        refused = await web.put(PRICE, json={"price_fen": price_fen}, headers=headers)
        assert refused.status_code == 422
        assert refused.json()["detail"] == "From 800 to 1200 fen."
