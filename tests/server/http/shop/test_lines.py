"""Set meals and orders of several goods over HTTP."""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from sqlalchemy import update

from commerce.io.record.schema import brands
from tests.support.commerce_shop import Shop, shop_plan, with_dinner
from tests.support.shop_routes import bearer, clerk, guest, shop_routes

BAG: dict[str, Any] = {
    "room_id": "demo",
    "lines": [
        {"product_id": "dinner", "quantity": 2, "price_fen": 2_000},
        {"product_id": "tea", "quantity": 1},
    ],
}


@pytest.fixture
async def web(sqlite_url: str, valkey_url: str) -> AsyncIterator[httpx.AsyncClient]:
    """A shop with ten of each, and a set of two teas and a pear."""
    async with shop_routes(sqlite_url, valkey_url, with_dinner(shop_plan(10))) as client:
        yield client


async def test_a_set_shows_its_parts_its_recipe_and_what_is_left(web: httpx.AsyncClient) -> None:
    listed = (await web.get("/api/rooms/demo/products")).json()["products"]
    assert {product["id"]: product["kind"] for product in listed}["dinner"] == "set"
    detail = (await web.get("/api/rooms/demo/products/dinner?estate=e1")).json()
    assert (detail["product"]["left"], detail["cooking_minutes"]) == (5, 30)
    assert detail["recipe"] == {"zh": "boil", "en": "boil"}
    tea, pear = detail["parts"]
    assert (tea["product_id"], tea["role"], tea["units"], tea["left"]) == ("tea", "main", 2, 10)
    assert (tea["alone_fen"], tea["share_fen"]) == (1_980, 1_400)
    assert (pear["alone_fen"], pear["share_fen"]) == (800, 600)
    item = (await web.get("/api/rooms/demo/products/tea")).json()
    assert (item["parts"], item["recipe"]) == ([], None)
    missing = await web.get("/api/rooms/demo/products/gone")
    assert missing.json()["type"] == "urn:linli:problem:no-such-product"


async def test_several_goods_become_one_order_with_one_tap(web: httpx.AsyncClient) -> None:
    token, staff = await guest(web), await clerk(web)
    made = await web.post("/api/orders", json=BAG, headers=bearer(token, "one-tap-1"))
    assert made.status_code == 201
    order = made.json()["order"]
    assert (order["total_fen"], order["product_id"], order["quantity"]) == (4_990, "dinner", 2)
    dinner, tea = order["lines"]
    parts = [(part["product_id"], part["units"], part["share_fen"]) for part in dinner["parts"]]
    assert parts == [("tea", 4, 2_800), ("pear", 2, 1_200)]
    assert (tea["product_id"], tea["quantity"], tea["total_fen"]) == ("tea", 1, 990)
    board = (await web.get("/api/stores/s1/orders", headers=bearer(staff))).json()
    assert board["orders"][0]["lines"] == order["lines"]


async def test_a_refusal_names_the_product_it_is_about(web: httpx.AsyncClient) -> None:
    token = await guest(web)
    bag = {**BAG, "lines": [{**BAG["lines"][0], "quantity": 5}, BAG["lines"][1]]}
    refused = await web.post("/api/orders", json=bag, headers=bearer(token, "one-tap-1"))
    problem = refused.json()
    assert (refused.status_code, problem["product_id"], problem["left"]) == (409, "tea", 10)
    assert problem["name"] == {"zh": "tea", "en": "tea"}
    bag = {**BAG, "lines": [BAG["lines"][1], {**BAG["lines"][0], "price_fen": 1_900}]}
    refused = await web.post("/api/orders", json=bag, headers=bearer(token, "one-tap-2"))
    assert (refused.json()["product_id"], refused.json()["price_fen"]) == ("dinner", 2_000)


async def test_what_no_store_has_alone_is_offered_from_two_where_the_brand_allows(
    web: httpx.AsyncClient,
) -> None:
    shop: Shop = web.shop  # type: ignore[attr-defined]  # see the fixture
    token = await guest(web)
    lines = [*BAG["lines"], {"product_id": "rice", "quantity": 1}]

    async def asks(key: str, *bought: str) -> httpx.Response:
        bag = {**BAG, "lines": [line for line in lines if line["product_id"] in bought]}
        return await web.post("/api/orders", json=bag, headers=bearer(token, key))

    alone = await asks("one-tap-1", "dinner", "tea", "rice")
    assert (alone.status_code, alone.json().get("halves")) == (409, None)
    async with shop.commerce.record.write() as connection:
        await connection.execute(update(brands).values(split_orders=True))
    await shop.commerce.shop.cache.refresh()
    apart = (await asks("one-tap-2", "dinner", "tea", "rice")).json()
    assert (apart["type"], apart["product_id"]) == ("urn:linli:problem:sold-out", "rice")
    near, far = apart["halves"]
    assert near == {"store_id": "s1", "product_ids": ["dinner", "tea"]}
    assert far == {"store_id": "s2", "product_ids": ["rice"]}
    split = {**BAG, "lines": lines, "halves": [near, far]}
    for _ in range(2):
        placed = await web.post("/api/orders/split", json=split, headers=bearer(token, "one-tap-4"))
        assert placed.status_code == 201
        stores = [order["store"]["id"] for order in placed.json()["orders"]]
        assert stores == ["s1", "s2"]
    mine = (await web.get("/api/me/orders", headers=bearer(token))).json()["orders"]
    assert len(mine) == 2
    wrong = {**split, "halves": [near, {**far, "product_ids": ["rice", "tea"]}]}
    for bad in (wrong, {**split, "halves": [near]}, {**split, "lines": lines[:1]}):
        refused = await web.post("/api/orders/split", json=bad, headers=bearer(token, "one-tap-5"))
        assert refused.status_code == 422
    much = {**split, "lines": [*lines[:2], {**lines[2], "quantity": 10}]}
    refused = await web.post("/api/orders/split", json=much, headers=bearer(token, "one-tap-6"))
    problem = refused.json()
    assert (refused.status_code, problem["product_id"]) == (409, "rice")
    assert problem["name"] == {"zh": "rice", "en": "rice"}
    nobody = await web.post("/api/orders/split", json=split, headers={"Idempotency-Key": "k" * 9})
    assert nobody.status_code == 401
    # Nobody has as much as that.
    lines[0] = {**lines[0], "quantity": 6}
    assert "halves" not in (await asks("one-tap-3", "dinner", "tea", "rice")).json()


@pytest.mark.parametrize(
    "body",
    [
        {"lines": []},
        {"lines": [{"product_id": "tea", "quantity": 1}] * 2},
        {"lines": [{"product_id": "tea", "quantity": 0}]},
        {"lines": [{"product_id": f"p{n}", "quantity": 1} for n in range(21)]},
        {"product_id": "tea"},
        {"product_id": "tea", "quantity": 1, "lines": BAG["lines"]},
        {"group_id": "g", "lines": BAG["lines"]},
    ],
)
async def test_lines_that_make_no_order_are_refused(
    web: httpx.AsyncClient, body: dict[str, Any]
) -> None:
    headers = bearer(await guest(web), "one-tap-1")
    refused = await web.post("/api/orders", json={"room_id": "demo", **body}, headers=headers)
    assert refused.status_code == 422
