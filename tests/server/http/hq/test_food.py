"""Categories and what is in a product are edited by the head office, and seen by buyers."""

from typing import Any

import msgspec

from commerce.catalogue.values import Text
from commerce.io.shop.audit_trail import AuditFilter
from tests.support.head_office import BRAND, HeadOffice

FOOD: dict[str, Any] = {
    "ingredients": {"zh": "小麦粉、鸡蛋、奶油", "en": "Wheat flour, eggs, cream"},
    "allergens": ["milk", "gluten", "eggs"],
    "shelf_life_days": 7,
    "storage": {"kind": "chilled", "min_c": 0, "max_c": 4},
    "net": {"amount": 500, "unit": "g"},
    "origin": {"zh": "浙江杭州", "en": "Hangzhou, Zhejiang"},
}


async def add_category(hq: HeadOffice, id: str, parent_id: str = "") -> Any:
    """A category that was added."""
    body = {"id": id, "name": {"zh": id, "en": id.title()}, "parent_id": parent_id}
    answer = await hq.ask("POST", "/api/hq/categories", body)
    assert answer.status_code == 201, answer.text
    return answer.json()


async def test_products_are_listed_by_category_with_all_below_it(hq: HeadOffice) -> None:
    await add_category(hq, "drinks")
    black = await add_category(hq, "black", "drinks")
    assert (black["path"], black["depth"]) == ({"zh": "drinks / black", "en": "Drinks / Black"}, 2)
    answer = await hq.ask("PATCH", "/api/hq/products/tea", {"category_id": "black"}, version=1)
    assert answer.json()["category_name"]["en"] == "Black"
    for category, found in (("drinks", ["tea"]), ("black", ["tea"]), ("none", [])):
        rows = (await hq.read(f"/api/hq/products?category={category}"))["rows"]
        assert [row["id"] for row in rows] == found, category
    tree = await hq.read("/api/hq/categories")
    assert [(row["id"], row["products"]) for row in tree["rows"]] == [("drinks", 0), ("black", 1)]


async def test_a_category_with_products_or_others_below_it_stays(hq: HeadOffice) -> None:
    await add_category(hq, "drinks")
    await add_category(hq, "black", "drinks")
    path = "/api/hq/categories/drinks"
    assert (await hq.ask("DELETE", path, version=1)).json()["member"] == "id"
    into_itself = await hq.ask("PATCH", path, {"parent_id": "black"}, version=1)
    assert into_itself.json()["member"] == "parent_id"
    assert (await hq.ask("DELETE", "/api/hq/categories/black", version=1)).status_code == 204
    assert (await hq.ask("DELETE", path, version=1)).status_code == 204
    trail = await hq.shop.commerce.audit_trail.page(BRAND, AuditFilter(action="category.delete"))
    assert [entry.subject for entry in trail.entries] == ["drinks", "black"]


async def test_a_buyer_sees_what_is_in_a_product(hq: HeadOffice) -> None:
    await add_category(hq, "drinks")
    changes = {"food": FOOD, "category_id": "drinks"}
    answer = await hq.ask("PATCH", "/api/hq/products/tea", changes, version=1)
    assert answer.status_code == 200, answer.text
    stated = FOOD | {"allergens": ["gluten", "eggs", "milk"]}
    assert answer.json()["food"] == stated
    seen = await hq.shop.commerce.product("demo", "tea")
    assert msgspec.json.decode(msgspec.json.encode(seen.food)) == stated
    assert [*seen.allergens] == stated["allergens"]
    assert seen.category == Text("drinks", "Drinks")


async def test_food_that_cannot_be_is_named(hq: HeadOffice) -> None:
    for wrong, member in (
        ({"allergens": ["gold"]}, "food.allergens.0"),
        ({"storage": {"kind": "warm"}}, "food.storage.kind"),
        ({"storage": {"kind": "chilled", "min_c": 5, "max_c": 4}}, "storage_max_c"),
        ({"net": {"amount": 0, "unit": "g"}}, "food.net.amount"),
    ):
        answer = await hq.ask("PATCH", "/api/hq/products/tea", {"food": wrong}, version=1)
        assert (answer.status_code, answer.json()["member"]) == (422, member), answer.text


async def test_codes_of_a_product_are_given_and_taken(hq: HeadOffice) -> None:
    path, code = "/api/hq/products/tea/barcodes", "6901234567892"
    assert (await hq.ask("PUT", f"{path}/{code}", {})).status_code == 200
    assert await hq.read(path) == {"barcodes": [{"code": code, "grams_per_unit": None}]}
    assert (await hq.ask("PUT", f"{path}/6901234567891", {})).json()["member"] == "code"
    other = f"/api/hq/products/rice/barcodes/{code}"
    assert (await hq.ask("DELETE", other)).status_code == 404
    assert (await hq.ask("DELETE", f"{path}/{code}")).status_code == 204
    assert await hq.read(path) == {"barcodes": []}
