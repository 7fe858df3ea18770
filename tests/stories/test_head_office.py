"""The head office on a real server: why an order went where it did, how full stores are, books."""

import re
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Browser, Page, expect

from commerce.io.record.engine import wall_clock
from commerce.money.accounts import day_of
from server.access.policy import Role
from tests.support.browsers import DESKTOP, SCREENSHOTS, People, log_in
from tests.support.evening_story import order, send
from tests.support.offices import SETTLED, fits_all_widths
from tests.support.running import Running
from tests.support.waiting import wait_until


@pytest.mark.soak
async def test_the_head_office_reads_routes_capacity_books_and_bill(
    browser: Browser, office: Running, tmp_path: Path
) -> None:
    await _count_packers(office)
    bought, number = await _first_of_s2(office)
    people = People(browser, office)
    page = await people.open(f"/hq#/orders/{number}", size=DESKTOP, locale="en-GB")
    await log_in(page, "zongbu")
    await _why(page, bought)

    await _show(page, "capacity")
    row = page.get_by_test_id("row-s2")
    await expect(row.get_by_test_id("window").first).to_be_visible()
    taken = await row.get_by_test_id("window").evaluate_all(
        "(all) => all.reduce((sum, one) => sum + Number(one.dataset.taken), 0)"
    )
    assert taken == 1
    await fits_all_widths(page, "capacity-en")

    await _show(page, "books")
    await expect(page.get_by_test_id("sum")).to_have_text("¥0.00")
    await page.get_by_test_id("account-provider").click()
    await expect(page.get_by_role("dialog")).to_contain_text(number)
    await page.keyboard.press("Escape")
    await expect(page.get_by_role("dialog")).to_be_hidden()
    day = day_of(wall_clock())
    bill = await office.linli("books", "bill", day, "--brand", "linxian")
    await _read_bill(page, day, bill)
    await expect(page.get_by_test_id(f"bill-{day}")).to_contain_text("Agrees with the books")
    # A line is lost: the page names the order and both amounts.
    lacking = [line for line in bill.splitlines(keepends=True) if bought not in line]
    await _read_bill(page, day, "".join(lacking))
    differs = page.get_by_test_id(f"bill-{day}")
    await expect(differs).to_contain_text(bought)
    await expect(differs).to_contain_text("¥33.60")
    await fits_all_widths(page, "books-en")
    await people.close()


async def _show(page: Page, section: str) -> None:
    await page.evaluate("(section) => (location.hash = `#/${section}`)", section)


async def _count_packers(office: Running) -> None:
    """Two packers in store s2, which thereby takes orders by half hours."""
    async with office.client(office.token(Role.HQ, brand_id="linxian")) as client:
        rows = (await client.get("/api/hq/stores")).json()["rows"]
        [version] = [row["version"] for row in rows if row["id"] == "s2"]
        answer = await client.patch(
            "/api/hq/stores/s2", json={"packers": 2}, headers={"If-Match": f'"{version}"'}
        )
        assert answer.status_code == 200, answer.text
        # Opening a store opens its windows, too, which a chore does else.
        answer = await client.post("/api/stores/s2/closing", json={"until_ms": 0})
        assert answer.status_code == 200, answer.text


async def _first_of_s2(office: Running) -> tuple[str, str]:
    """Order until the gate knows the store's windows, before which another store is next."""
    orders: list[dict[str, Any]] = []

    async def is_of_s2() -> bool:
        name = f"白露{len(orders)}"
        guest = await send(office, "POST", "/api/guests", nickname=name, estate_id="wutong")
        bought = await order(office, guest, 2)
        async with office.client(office.token(Role.HQ, brand_id="linxian")) as client:
            orders.append((await client.get(f"/api/hq/orders/{bought}")).json()["order"])
        return bool(orders[-1]["store"]["id"] == "s2")

    await wait_until(is_of_s2, what="an order of store s2")
    return str(orders[-1]["id"]), str(orders[-1]["number"])


async def _why(page: Page, bought: str) -> None:
    """The order's line has its store and window; the dialog says why it went there."""
    await page.get_by_test_id(f"why-{bought}").click()
    route = page.get_by_test_id("route")
    await expect(route).to_contain_text("Linxian Plane Tree")
    await expect(route).to_contain_text(re.compile(r"\d\d:\d\d"))
    await page.evaluate(SETTLED)
    await page.screenshot(path=SCREENSHOTS / "orders-why-en.png")
    await page.keyboard.press("Escape")
    await expect(page.get_by_role("dialog")).to_be_hidden()
    await fits_all_widths(page, "orders-en")


async def _read_bill(page: Page, day: str, bill: str) -> None:
    file = {"name": f"{day}.csv", "mimeType": "text/csv", "buffer": bill.encode()}
    await page.get_by_test_id("bill").set_input_files(file)  # type: ignore[arg-type]
