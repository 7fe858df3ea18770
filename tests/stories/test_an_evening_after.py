"""The evening goes on: a substitution, hand-overs, a claim, a rating, and the books of the day.

The books of a day close when it is over: a second worker on the same record, whose clock is a day
ahead, closes them and settles.
"""

import io
import json
import re
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from playwright.async_api import Browser, Page, expect

from commerce.io.record.engine import wall_clock
from commerce.money.accounts import day_of
from commerce.people.consents import TEXTS, Purpose
from server.access.policy import Role
from tests.support.browsers import DESKTOP, People, keep_screenshot, log_in
from tests.support.commerce_shop import TestClock, open_shop
from tests.support.evening_story import STAFF, known, make_ready, neighbour, order, send
from tests.support.running import SHOP, Running, running
from tests.support.waiting import wait_until

DAY_MS = 86_400_000


@pytest.mark.soak
@pytest.mark.parametrize("locale", ["zh-CN", "en-GB"])
async def test_an_evening_goes_on_to_the_door_and_into_the_books(
    browser: Browser, tmp_path: Path, valkey_url: str, locale: str
) -> None:
    shop = tmp_path / "shop.toml"
    shop.write_text(SHOP.read_text("utf-8") + STAFF, "utf-8")
    async with running(tmp_path, shop, LINLI_RATE_LIMITS="false") as linli:
        people = People(browser, linli)
        shown, brought = await _neighbours(linli)
        buyer = await people.open(people.room_path, locale=locale, scripts=[known(shown)])
        store = await people.open("/store", locale=locale)
        await log_in(store, linli.host)
        taken = await order(linli, shown, 2)
        await _agree_on_something_else(buyer, store, taken)
        await make_ready(linli, taken)
        walked = await order(linli, brought, 1, fulfilment="delivery")
        await make_ready(linli, walked)

        leader = await people.open("/leader#orders", locale=locale)
        await log_in(leader, "tuanzhang")
        await _hand_over_without_a_network(leader, buyer, taken)
        await _bring_to_the_door(linli, leader, brought)
        await _claim_and_rate(buyer, taken)
        await people.close()

        day = await _close_the_day(linli, valkey_url)
        office = People(browser, linli)
        page = await office.open("/hq#/books", size=DESKTOP, locale=locale)
        await log_in(page, "zongbu")
        await _read_the_books(page, linli, day)
        await _read_why_and_where(page, taken)
        await office.close()


async def _neighbours(linli: Running) -> tuple[dict[str, Any], dict[str, Any]]:
    """One neighbour who collects, and one of a confirmed flat who is brought the goods."""
    found = [await neighbour(linli, name) for name in ("晨光", "晚霞")]
    token = str(found[1]["token"])
    flat = {"building": "3", "flat": "502", "consent": TEXTS[Purpose.DWELLING].version}
    await send(linli, "PUT", "/api/me/dwelling", token, **flat)
    office = linli.token(Role.HQ, brand_id="linxian")
    async with linli.client(office) as client:
        version = (await client.get("/api/hq/stores")).json()["rows"][0]["version"]
        answer = await client.patch(
            "/api/hq/stores/s1", json={"delivers": True}, headers={"If-Match": f'"{version}"'}
        )
        assert answer.status_code == 200, answer.text
    return found[0], found[1]


async def _agree_on_something_else(buyer: Page, store: Page, order_id: str) -> None:
    """One box of eggs is missing; the store offers spinach, and the neighbour takes it."""
    await store.get_by_test_id(f"move-{order_id}").click()
    await store.get_by_test_id("tab-picking").click()
    await store.get_by_test_id(f"parts-{order_id}").click()
    await store.get_by_test_id("part-less").click()
    await store.get_by_test_id("part-search").fill("菠菜")
    await store.get_by_test_id("part-search").press("Enter")
    await store.get_by_test_id("other-spinach").click()
    await _keep(store, "substitute-store")
    await store.get_by_test_id("part-note").click()
    await buyer.get_by_test_id("orders-open").click()
    await expect(buyer.get_by_test_id("offer-yes")).to_be_visible()
    await _keep(buyer, "substitute-buyer")
    await buyer.get_by_test_id("offer-yes").click()
    await expect(store.get_by_test_id("part-0-0")).to_have_attribute("data-state", "substituted")


async def _hand_over_without_a_network(leader: Page, buyer: Page, order_id: str) -> None:
    """The leader's phone knows the code, keeps the hand-over, and sends it when it can."""
    code = await buyer.get_by_test_id("pickup-code").inner_text()
    codes = "localStorage.getItem('linli.leader.codes.chunjiang')"
    known = f"() => ({codes} ?? '').includes({json.dumps(order_id)})"
    await leader.wait_for_function(known)
    await leader.context.set_offline(True)
    await leader.get_by_test_id("code-input").fill(code)
    await leader.get_by_test_id("code-submit").click()
    result = leader.get_by_test_id("code-result")
    await expect(result).to_have_attribute("data-result", "kept")
    await expect(leader.get_by_test_id("scans-waiting")).to_be_visible()
    await _keep(leader, "offline-leader")
    await leader.context.set_offline(False)
    await expect(leader.get_by_test_id("scans-waiting")).to_have_count(0)
    mine = buyer.get_by_test_id(f"my-order-{order_id}")
    await expect(mine).to_have_attribute("data-state", "handed_over")


async def _bring_to_the_door(linli: Running, leader: Page, guest: dict[str, Any]) -> None:
    await leader.goto("/leader#walk")
    await leader.get_by_test_id("walk-go").click()
    door = leader.get_by_test_id("walk").get_by_role("listitem").first
    await expect(door).to_contain_text("3 - 502")
    await expect(leader.get_by_test_id("walk-go")).to_have_count(0)
    await _keep(leader, "walk")
    await door.locator(".tick").click()

    async def delivered() -> bool:
        async with linli.client(str(guest["token"])) as client:
            [mine] = (await client.get("/api/me/orders")).json()["orders"]
        return bool(mine["state"] == "delivered")

    await wait_until(delivered, what="a delivery")


async def _claim_and_rate(buyer: Page, order_id: str) -> None:
    """The eggs were broken: a photo, and the rule pays back at once. The spinach was good."""
    await buyer.get_by_test_id(f"claim-{order_id}").click()
    fault = buyer.get_by_test_id("fault-broken")
    await buyer.locator("label", has=fault).click()
    file = {"name": "eggs.jpg", "mimeType": "image/jpeg", "buffer": _photo()}
    await buyer.get_by_test_id("claim-photo").set_input_files(file)  # type: ignore[arg-type]
    await buyer.get_by_test_id("claim-send").click()
    made = buyer.get_by_test_id("claim-made")
    await expect(made).to_have_attribute("data-state", "approved")
    await _keep(buyer, "claim")
    await buyer.get_by_test_id("claim-sheet").get_by_role("button").first.click()
    await buyer.get_by_test_id(f"rate-{order_id}").click()
    await buyer.get_by_test_id("stars-4").click()
    await buyer.get_by_test_id("rating-send").click()
    await expect(buyer.get_by_test_id("rating-sent")).to_be_visible()
    await _keep(buyer, "rating")


def _photo() -> bytes:
    """What a phone sends of broken eggs."""
    out = io.BytesIO()
    Image.new("RGB", (320, 240), (214, 178, 64)).save(out, "JPEG")
    return out.getvalue()


async def _close_the_day(linli: Running, valkey_url: str) -> str:
    """Close the books of today, as a worker does tomorrow; return the day."""
    day = day_of(wall_clock())
    url = f"sqlite+aiosqlite:///{linli.folder}/var/linli.sqlite3"
    clock = TestClock(DAY_MS)
    async with open_shop(url, valkey_url, clock=clock, started=False) as tomorrow:
        await tomorrow.commerce.books.close("linxian", day, "token:HQ")
        settled = await tomorrow.commerce.books.settle("linxian", day)
    assert "store:s1" in {one.party for one in settled}
    return day


async def _read_the_books(page: Page, linli: Running, day: str) -> None:
    await page.goto("/hq#/books")
    await expect(page.get_by_text("store:s1").first).to_be_visible()
    await _keep(page, "books")
    async with linli.client(linli.token(Role.HQ, brand_id="linxian")) as client:
        books = (await client.get("/api/hq/books", params={"period": day})).json()
        assert books["balance"]["sum_fen"] == 0
        file = await client.get(f"/api/hq/books/settlements/{day}/store:s1")
        assert file.status_code == 200 and len(file.text.splitlines()) > 2


async def _read_why_and_where(page: Page, order_id: str) -> None:
    """Why that store packed it, how full the stores are, and which refunds wait or were made."""
    await page.goto("/hq#/orders")
    await page.get_by_test_id(f"why-{order_id}").click()
    await expect(page.get_by_test_id("route")).to_contain_text(re.compile("春江店|Spring River"))
    await page.get_by_test_id("route").click()  # which waits for the end of its animation
    await _keep(page, "orders")
    await page.goto("/hq#/capacity")
    await expect(page.get_by_test_id("row-s1")).to_contain_text("100%")
    await _keep(page, "capacity")
    await page.goto("/hq#/refunds")
    await expect(page.get_by_test_id("state")).to_be_visible()
    await _keep(page, "refunds")


async def _keep(page: Page, name: str) -> None:
    language = await page.evaluate("navigator.language.slice(0, 2)")
    await keep_screenshot(page, f"after-{name}-{language}")
