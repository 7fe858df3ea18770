"""Several goods of the bag become one order with one tap."""

import json
from functools import partial
from typing import Any

from playwright.sync_api import Route, expect

from tests.support.played_pages import Open
from tests.support.played_server import PROBLEM, PlayedServer, remember_guest, remember_staff
from tests.support.played_shop import OTHER_STORE, STORE

OVERFLOW = "() => document.documentElement.scrollWidth - document.documentElement.clientWidth"


def test_picked_goods_are_one_order_and_its_refusal_is_shown(open_page: Open) -> None:
    bodies: list[dict[str, Any]] = []

    def answer(route: Route) -> None:
        bodies.append(json.loads(route.request.post_data or "{}"))
        problem = {"type": PROBLEM + "sold-out", "status": 409, "left": 1, "product_id": "eggs"}
        route.fulfill(status=409, json=problem)

    page = open_page(PlayedServer(pinned=["spinach", "eggs"]), "/r/demo", prepare=remember_guest)
    page.route("**/api/orders", answer)
    page.get_by_test_id("bag-open").click()
    for place in range(2):
        page.get_by_test_id("pick").nth(place).click()
    page.get_by_test_id("order-basket").click()
    expect(page.get_by_test_id("basket-status")).to_have_attribute("data-state", "sold_out")
    [body] = bodies
    assert [line["product_id"] for line in body["lines"]] == ["spinach", "eggs"]
    assert "product_id" not in body


def test_what_two_shops_have_together_is_two_orders_with_keys_of_their_own(
    open_page: Open,
) -> None:
    server = PlayedServer(pinned=["spinach", "eggs", "tofu"])
    taps: dict[str, dict[str, Any]] = {}
    near: dict[str, Any] = {"store_id": STORE["id"], "product_ids": ["spinach", "tofu"]}
    far: dict[str, Any] = {"store_id": OTHER_STORE["id"], "product_ids": ["eggs"]}

    def answer(route: Route) -> None:
        body = json.loads(route.request.post_data or "{}")
        taps[route.request.headers["idempotency-key"]] = body
        if len(body.get("lines", [])) == 3:
            problem = {"type": PROBLEM + "sold-out", "status": 409, "left": 0, "product_id": "eggs"}
            route.fulfill(status=409, json={**problem, "halves": [near, far]})
            return
        slug = "eggs" if "product_id" in body else "spinach"
        order = server.order("new", slug, 2_000 + len(taps), grouped=False)
        route.fulfill(status=201, json={"order": order})

    page = open_page(server, "/r/demo", prepare=remember_guest)
    page.route("**/api/orders", answer)
    page.get_by_test_id("bag-open").click()
    for place in range(3):
        page.get_by_test_id("pick").nth(place).click()
    page.get_by_test_id("order-basket").click()
    halves = page.get_by_test_id("halves").locator("li")
    expect(halves.nth(0)).to_contain_text("锦绣花园店")
    expect(halves.nth(1)).to_contain_text("翠湖湾店")
    assert page.evaluate(OVERFLOW) == 0
    page.get_by_test_id("order-halves").click()
    for half in range(2):
        expect(halves.nth(half)).to_have_attribute("data-state", "placed")
    _, *sent = taps.values()
    assert len(taps) == 3
    assert [line["product_id"] for line in sent[0]["lines"]] == near["product_ids"]
    assert sent[1]["product_id"] == "eggs"
    expect(page.get_by_test_id("order-halves")).to_have_count(0)


def test_a_store_reads_every_line_of_an_order_and_the_parts_of_its_sets(open_page: Open) -> None:
    server = PlayedServer()
    eggs, tofu, spinach = (
        server.order("new", slug, grouped=False) for slug in ("eggs", "tofu", "spinach")
    )

    def line(order: dict[str, Any], units: int, *parts: dict[str, Any]) -> dict[str, Any]:
        known = {key: order[key] for key in ("product_id", "name", "image", "total_fen")}
        made = [{**known_part(part), "units": 2 * units, "share_fen": 100} for part in parts]
        return {**known, "quantity": units, "parts": made}

    def known_part(order: dict[str, Any]) -> dict[str, Any]:
        return {key: order[key] for key in ("product_id", "name", "image")}

    ordered = server.store_order("new", "eggs", 1, "李阿姨")
    server.store_orders = [{**ordered, "lines": [line(eggs, 3), line(tofu, 1, spinach)]}]
    prepare = partial(remember_staff, which="store")
    page = open_page(server, "/store", locale="en-GB", prepare=prepare)
    items = page.get_by_test_id("order-contents").locator("li")
    expect(items).to_have_count(3)
    expect(items.nth(0)).to_contain_text("×3")
    expect(items.nth(2)).to_contain_text("×2")
    expect(page.get_by_test_id("order-o1")).to_contain_text("and 1 more")
