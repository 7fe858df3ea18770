"""Several goods of the bag become one order with one tap."""

import json
from typing import Any

from playwright.sync_api import Route, expect

from tests.support.played_pages import Open
from tests.support.played_server import PROBLEM, PlayedServer, remember_guest


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
