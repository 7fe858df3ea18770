"""The wall of a real server: an order is on it without a reload, and is found from it."""

import re

from playwright.async_api import Browser, Locator, expect

from tests.support.browsers import DESKTOP, People, log_in
from tests.support.evening_story import neighbour, order
from tests.support.running import Running


async def test_an_order_is_on_the_wall_and_found_from_it_step_by_step(
    browser: Browser, office: Running
) -> None:
    people = People(browser, office)
    page = await people.open("/hq#/wall", size=DESKTOP, locale="en-GB")
    await log_in(page, "zongbu")
    orders, gmv = (page.get_by_test_id(f"wall-{name}").locator("b") for name in ("orders", "gmv"))
    before, fen = int(await orders.inner_text()), await _fen(gmv)
    bought = await order(office, await neighbour(office, "立夏"), 2)
    await expect(orders).to_have_text(str(before + 1))
    await expect(gmv).to_have_text(f"¥{(fen + 3_360) / 100:.2f}")
    await expect(page.get_by_test_id("wall-age")).to_have_text(re.compile(r"^As of \d+ s ago$"))

    await page.get_by_test_id("wall-store").select_option("s1")
    await expect(page).to_have_url(re.compile("#/wall/store/s1$"))
    await page.get_by_test_id("wall-estate").select_option("chunjiang")
    await expect(page).to_have_url(re.compile("#/wall/estate/chunjiang$"))
    await expect(orders).to_have_text(re.compile("^[1-9]"))  # the estate's figures are there
    here = int(await orders.inner_text())
    assert here <= before + 1
    await page.reload()  # one link per view
    await expect(page.get_by_test_id("wall-estate")).to_have_value("chunjiang")
    await expect(orders).to_have_text(str(here))

    await page.get_by_role("link", name=re.compile("Orders of Spring River Garden")).click()
    await expect(page).to_have_url(re.compile("#/orders/estate/chunjiang$"))
    await page.get_by_test_id(f"why-{bought}").click()
    await expect(page.get_by_test_id("route")).to_contain_text("Spring River")
    await people.close()


async def _fen(value: Locator) -> int:
    return round(100 * float(re.sub("[¥,]", "", await value.inner_text())))
