"""A shop opens a presale of its own, and cancels its part of one; the server is played."""

import json
from typing import Any

from playwright.sync_api import Page, Route, expect

from tests.support.played_pages import Open
from tests.support.played_server import PlayedServer, now_ms, remember_staff

HOUR_MS = 3_600_000


class Presales:
    """What the routes of a store's presales answer."""

    def __init__(self, *, may_open: bool) -> None:
        self.found: list[dict[str, Any]] = []
        self.may_open = may_open
        self.problem = ""

    def add(self, id: str, name: dict[str, str], cut_off_ms: int) -> None:
        """One that the store has three orders of."""
        ready_ms = cut_off_ms + 14 * HOUR_MS
        here = {"store_id": "s1", "name": name, "capacity": 60, "taken": 3, "cancelled": False}
        times = {"cut_off_ms": cut_off_ms, "ready_by_ms": ready_ms, "until_ms": ready_ms + HOUR_MS}
        self.found.append({"id": id, "name": name, "stores": [here], **times})

    def answer(self, route: Route) -> None:
        """Answer a request of the page."""
        request = route.request
        if request.method == "GET":
            goods = [{"id": "spinach", "name": {"zh": "菠菜", "en": "Spinach"}}]
            answer = {"presales": self.found, "may_open": self.may_open, "products": goods}
            return route.fulfill(json={**answer, "now_ms": now_ms()})
        if self.problem:
            problem = {"type": "urn:linli:problem:bad-request", "member": self.problem}
            return route.fulfill(status=422, json={**problem, "status": 422})
        if request.url.endswith("/cancel"):
            self.found[0]["stores"][0]["cancelled"] = True
            return route.fulfill(json=self.found[0])
        body = json.loads(request.post_data or "{}")
        self.add("own", body["name"], body["cut_off_ms"])
        return route.fulfill(status=201, json=self.found[-1])


def opened(open_page: Open, presales: Presales, **options: Any) -> Page:
    """The store's page."""

    def prepare(page: Page) -> None:
        remember_staff(page, "store")
        page.route("**/api/stores/s1/presales**", presales.answer)

    return open_page(PlayedServer(), "/store", prepare=prepare, **options)


def test_a_shop_opens_a_presale_and_cancels_its_part_of_one(open_page: Open) -> None:
    presales = Presales(may_open=True)
    meals = {"zh": "周五套餐", "en": "Friday meals"}
    presales.add("meals", meals, now_ms() + HOUR_MS)
    page = opened(open_page, presales, locale="en-GB", size={"width": 360, "height": 740})
    panel = page.get_by_test_id("store-presales")
    panel.locator("summary").click()
    page.get_by_test_id("open-presale").click()
    form = page.get_by_test_id("presale-form")
    form.get_by_label("Name").fill("Weekend tea")
    form.get_by_label("Goods").select_option("spinach")
    presales.problem = "cut_off_ms"
    form.get_by_role("button", name="Open a presale").click()
    expect(panel.get_by_role("alert")).to_contain_text("within the next two weeks")
    presales.problem = ""
    form.get_by_role("button", name="Open a presale").click()
    expect(page.get_by_test_id("presale-own")).to_contain_text("Weekend tea")
    expect(form).to_have_count(0)
    page.get_by_test_id("presale-meals").get_by_role("button").click()
    page.get_by_test_id("cancel-presale").click()
    expect(page.get_by_test_id("presale-meals")).to_contain_text("Cancelled here")
    wide = "document.documentElement.scrollWidth > innerWidth"
    assert not page.evaluate(wide)


def test_where_the_brand_does_not_allow_it_a_shop_sees_its_presales_only(open_page: Open) -> None:
    presales = Presales(may_open=False)
    presales.add("meals", {"zh": "周五套餐", "en": "Friday meals"}, now_ms() + HOUR_MS)
    page = opened(open_page, presales)
    panel = page.get_by_test_id("store-presales")
    panel.locator("summary").click()
    expect(panel).to_contain_text("本店 3 单")
    expect(panel.get_by_role("button")).to_have_count(0)
