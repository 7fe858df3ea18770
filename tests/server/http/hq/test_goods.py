"""Products and their rules are edited by their own head office; buyers get what follows."""

from typing import Any

from commerce.catalogue.values import Text
from commerce.io.shop.audit_trail import AuditFilter
from tests.support.commerce_checks import quiet
from tests.support.head_office import BRAND, OTHER_BRAND, HeadOffice

SPINACH: dict[str, Any] = {
    "id": "spinach",
    "name": {"zh": "有机菠菜", "en": "Organic spinach"},
    "unit": {"zh": "袋", "en": "bag"},
    "price_fen": 1_290,
    "list_price_fen": 1_580,
}
DAY_MS = 86_400_000


async def add(hq: HeadOffice, path: str, body: Any) -> Any:
    """A row that was added."""
    answer = await hq.ask("POST", path, body)
    assert answer.status_code == 201, answer.text
    return answer.json()


async def refused(hq: HeadOffice, path: str, body: Any, method: str = "POST") -> str:
    """The member that a refusal names."""
    answer = await hq.ask(method, path, body, version=1)
    assert (answer.status_code, answer.json()["type"]) == (422, "urn:linli:problem:bad-request"), (
        answer.text
    )
    return str(answer.json()["member"])


def price_rule(**more: Any) -> dict[str, Any]:
    """Tea costs less in estate e1."""
    rule = {"product_id": "tea", "scope": "estate", "scope_id": "e1", "price_fen": 880}
    return rule | more


async def test_product_is_found_by_pinyin_initials_and_words(hq: HeadOffice) -> None:
    added = await add(hq, "/api/hq/products", SPINACH)
    assert (added["id"], added["group"], added["own_price"]) == ("spinach", None, None)
    for words in ("bocai", "bo cai", "yjbc", "菠菜", "SPINACH"):
        found = await hq.read(f"/api/hq/products?q={words}")
        assert [row["id"] for row in found["rows"]] == ["spinach"], words
    renamed = {"name": {"zh": "番茄", "en": "Tomatoes"}}
    await hq.ask("PATCH", "/api/hq/products/spinach", renamed, version=1)
    assert (await hq.read("/api/hq/products?q=bocai"))["total"] == 0
    assert (await hq.read("/api/hq/products?q=fanqie"))["total"] == 1


async def test_an_edited_product_is_sold_as_it_is_then(hq: HeadOffice) -> None:
    change = {"price_fen": 900, "household_limit": 3}
    cache = hq.shop.commerce._shop.cache
    shelf = cache.catalogue.products
    await cache.refresh_changed()
    assert cache.catalogue.products is shelf  # nothing has changed
    answer = await hq.ask("PATCH", "/api/hq/products/tea", change, version=1)
    assert (answer.status_code, answer.headers["etag"]) == (200, '"2"')
    await cache.refresh_changed()
    assert cache.catalogue.product("tea").price_fen == 900
    await quiet(hq.shop)
    [tea] = [one for one in await hq.shop.commerce.products("demo") if one.id == "tea"]
    assert tea.price_fen == 900
    assert await hq.shop.commerce.orders.place(hq.shop.tap("anna", price=900, quantity=3))
    late = await hq.ask("PATCH", "/api/hq/products/tea", change, version=1)
    assert (late.status_code, late.json()["type"]) == (412, "urn:linli:problem:stale-version")


async def test_options_are_edited_as_a_family_and_sold_by_their_names(hq: HeadOffice) -> None:
    small = {"option": {"zh": "小份", "en": "Small"}}
    large = SPINACH | {"variant_of": "tea", "option": {"zh": "大份", "en": "Large"}}
    assert await refused(hq, "/api/hq/products", large) == "variant_of"
    edited = await hq.ask("PATCH", "/api/hq/products/tea", small, version=1)
    assert edited.status_code == 200, edited.text
    added = await add(hq, "/api/hq/products", large)
    assert (added["variant_of"], added["option"]) == ("tea", large["option"])
    family = await hq.read("/api/hq/products?family=tea")
    assert {row["id"]: row["variants"] for row in family["rows"]} == {"tea": 1, "spinach": 0}
    assert hq.shop.commerce.catalogue.product("spinach").name == Text(
        "有机菠菜 · 大份", "Organic spinach · Large"
    )
    same = {"option": {"zh": "小份", "en": "Little"}}
    assert await refused(hq, "/api/hq/products/spinach", same, "PATCH") == "option_zh"
    none = {"option": {"zh": "", "en": ""}}
    answer = await hq.ask("PATCH", "/api/hq/products/tea", none, version=2)
    assert answer.json()["member"] == "option_zh"
    free = await hq.ask("PATCH", "/api/hq/products/spinach", {"tax_bp": 0}, version=1)
    assert free.json()["tax_bp"] == 0


async def test_members_that_do_not_fit_together_are_named(hq: HeadOffice) -> None:
    path = "/api/hq/products"
    assert await refused(hq, path, SPINACH | {"list_price_fen": 1}) == "list_price_fen"
    assert await refused(hq, path, SPINACH | {"group_price_fen": 1_290}) == "group_price_fen"
    assert await refused(hq, path, SPINACH | {"own_price_min_fen": 9}) == "own_price_max_fen"
    assert await refused(hq, path, SPINACH | {"image": "https://x/a.svg"}) == "image"
    assert await refused(hq, path, SPINACH | {"id": "tea"}) == "id"
    assert await refused(hq, f"{path}/tea", {"list_price_fen": 1}, "PATCH") == "list_price_fen"

    rules = "/api/hq/price-rules"
    assert await refused(hq, rules, price_rule(product_id="none")) == "product_id"
    assert await refused(hq, rules, price_rule(scope_id="e9")) == "scope_id"
    assert await refused(hq, rules, price_rule(scope="brand")) == "scope_id"
    assert await refused(hq, rules, price_rule(scope="live", scope_id="e1")) == "scope_id"
    assert await refused(hq, rules, price_rule(from_ms=9, until_ms=9)) == "until_ms"
    assert await refused(hq, rules, price_rule(scope="store", scope_id="s1")) == "price_fen"
    rule = await add(hq, rules, price_rule())
    assert await refused(hq, rules, price_rule()) == "from_ms"
    path = f"{rules}/{rule['id']}"
    assert await refused(hq, path, {"scope": "city"}, "PATCH") == "scope"


async def test_why_names_the_rule_that_decides(hq: HeadOffice) -> None:
    rule = await add(hq, "/api/hq/price-rules", price_rule())
    later = price_rule(price_fen=700, from_ms=hq.shop.clock() + DAY_MS)
    await add(hq, "/api/hq/price-rules", later)
    out = {"product_id": "tea", "scope": "estate", "scope_id": "e2", "offered": False}
    await add(hq, "/api/hq/assortment-rules", out)

    path = "/api/hq/products/tea/why?estate=e1"
    now = await hq.read(path)
    assert (now["price_fen"], now["offered"]) == (880, True)
    outcomes = [(step["rule"]["id"] == rule["id"], step["outcome"]) for step in now["prices"]]
    assert outcomes == [(False, "overridden"), (True, "applies"), (False, "not-yet")]
    assert (await hq.read(f"{path}&at_ms={later['from_ms']}"))["price_fen"] == 700
    assert (await hq.read("/api/hq/products/tea/why"))["price_fen"] == 990
    assert not (await hq.read("/api/hq/products/tea/why?estate=e2"))["offered"]
    estates = await hq.read("/api/hq/products/tea/estates")
    prices = {row["id"]: (row["price_fen"], row["offered"]) for row in estates["rows"]}
    assert prices == {"e1": (880, True), "e2": (990, False)}
    for query in ("estate=e9", "room=r9"):
        answer = await hq.ask("GET", f"/api/hq/products/tea/why?{query}")
        assert answer.status_code == 404


async def test_a_rule_is_edited_listed_audited_and_deleted(hq: HeadOffice) -> None:
    rule = await add(hq, "/api/hq/price-rules", price_rule())
    assert rule["scope_name"] == {"zh": "east", "en": "east"}
    path = f"/api/hq/price-rules/{rule['id']}"
    edited = await hq.ask("PATCH", path, {"price_fen": 870}, version=1)
    assert edited.json() == rule | {"price_fen": 870, "version": 2}
    assert (await hq.read("/api/hq/price-rules?product=tea"))["rows"] == [edited.json()]
    assert (await hq.read("/api/hq/price-rules?product=pear"))["rows"] == []
    assert (await hq.ask("DELETE", path, version=1)).status_code == 412
    assert (await hq.ask("DELETE", path, version=2)).status_code == 204
    assert (await hq.ask("GET", path)).status_code == 404
    entries = (await hq.shop.commerce.audit_trail.page(BRAND, AuditFilter())).entries
    actions = [entry.action for entry in entries if entry.action.startswith("price-rule")]
    assert actions == ["price-rule.delete", "price-rule.edit", "price-rule.add"]


async def test_another_brand_reaches_neither_products_nor_rules(hq: HeadOffice) -> None:
    rule = await add(hq, "/api/hq/price-rules", price_rule())
    theirs = hq.token(OTHER_BRAND)
    for path in (
        "/api/hq/products/tea",
        "/api/hq/products/tea/why",
        "/api/hq/products/tea/estates",
        f"/api/hq/price-rules/{rule['id']}",
    ):
        assert (await hq.ask("GET", path, token=theirs)).status_code == 404, path
    answer = await hq.ask("POST", "/api/hq/price-rules", price_rule(), token=theirs)
    assert answer.json()["member"] == "product_id"
    listed = await hq.ask("GET", "/api/hq/price-rules", token=theirs)
    assert listed.json() == {"rows": [], "total": 0}


async def test_a_set_is_added_with_its_parts_and_sold_as_one(hq: HeadOffice) -> None:
    await add(hq, "/api/hq/products", SPINACH)
    parts = [
        {"product_id": "tea", "units": 2, "role": "main"},
        {"product_id": "spinach", "role": "side"},
    ]
    dinner = SPINACH | {"id": "dinner", "parts": parts}
    for wrong in ([{"product_id": "none"}], [parts[0], parts[0]]):
        assert await refused(hq, "/api/hq/products", dinner | {"parts": wrong}) == "parts"
    assert (await add(hq, "/api/hq/products", dinner))["kind"] == "set"
    nested = SPINACH | {"id": "feast", "parts": [{"product_id": "dinner"}]}
    assert await refused(hq, "/api/hq/products", nested) == "parts"
    known = hq.shop.commerce._shop.cache.catalogue.product("dinner")
    assert [(part.item_id, part.units, part.role.value) for part in known.parts] == [
        ("tea", 2, "main"),
        ("spinach", 1, "side"),
    ]
    tea, spinach = (hq.shop.commerce._shop.cache.catalogue.product(id) for id in ("tea", "spinach"))
    whole = 2 * tea.price_fen + spinach.price_fen
    assert abs(known.parts[0].share_bp - 10_000 * 2 * tea.price_fen / whole) < 1
    trail = await hq.shop.commerce.audit_trail.page(BRAND, AuditFilter())
    assert "product.recipe" in {entry.action for entry in trail.entries}
