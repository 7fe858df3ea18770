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


def test_what_two_shops_have_together_is_asked_for_once_and_two_orders_or_none(
    open_page: Open,
) -> None:
    server = PlayedServer(pinned=["spinach", "eggs", "tofu"])
    near: dict[str, Any] = {"store_id": STORE["id"], "product_ids": ["spinach", "tofu"]}
    far: dict[str, Any] = {"store_id": OTHER_STORE["id"], "product_ids": ["eggs"]}
    sold_out = {"type": PROBLEM + "sold-out", "status": 409, "left": 0, "product_id": "eggs"}
    sent: list[tuple[str, dict[str, Any]]] = []

    def answer(route: Route) -> None:
        body = json.loads(route.request.post_data or "{}")
        sent.append((route.request.headers["idempotency-key"], body))
        if len(sent) < 3:  # the whole, and the halves, as somebody else was faster
            route.fulfill(status=409, json={**sold_out, "halves": [near, far]})
            return
        orders = [
            server.order("new", slug, 2_000 + place, grouped=False)
            for place, slug in enumerate(("spinach", "eggs"))
        ]
        route.fulfill(status=201, json={"orders": orders})

    page = open_page(server, "/r/demo", prepare=remember_guest)
    page.route("**/api/orders", answer)
    page.route("**/api/orders/split", answer)
    page.get_by_test_id("bag-open").click()
    for place in range(3):
        page.get_by_test_id("pick").nth(place).click()
    page.get_by_test_id("order-basket").click()
    halves = page.get_by_test_id("halves").locator("li")
    expect(halves.nth(0)).to_contain_text("锦绣花园店")
    expect(halves.nth(1)).to_contain_text("翠湖湾店")
    assert page.evaluate(OVERFLOW) == 0
    page.get_by_test_id("order-halves").click()
    expect(page.get_by_test_id("halves").get_by_role("alert")).to_contain_text("两单都没有下")
    expect(halves.nth(0)).to_have_attribute("data-state", "offered")
    page.get_by_test_id("order-halves").click()
    for half in range(2):
        expect(halves.nth(half)).to_have_attribute("data-state", "placed")
    keys = {key for key, _ in sent}
    assert len(sent) == len(keys) == 3
    for _, body in sent[1:]:
        assert body["halves"] == [near, far]
        assert [line["product_id"] for line in body["lines"]] == ["spinach", "eggs", "tofu"]
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
