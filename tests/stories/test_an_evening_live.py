"""The whole evening in real browsers: from going live to handing the goods over."""

import asyncio
import re

from playwright.async_api import Locator, Page, expect

from tests.support.browsers import DESKTOP, People, keep_screenshot, log_in, more_frames
from tests.support.waiting import wait_until

# No other story has neighbours of these names.
NEIGHBOURS = ("朝霞", "Sunny")


async def test_from_going_live_to_the_handover(people: People) -> None:
    host = await people.open("/host", size=DESKTOP)
    await log_in(host, people.host)
    await host.get_by_test_id("go-live").click()
    await expect(host.get_by_test_id("live-state")).to_have_attribute("data-state", "live")

    first = await people.open(people.room_path)
    second = await people.open(people.room_path, locale="en-US")
    await asyncio.gather(more_frames(first), more_frames(second))

    await host.get_by_test_id("pin-spinach").click()
    for viewer, name in ((first, "有机菠菜"), (second, "Organic spinach")):
        await expect(viewer.get_by_test_id("card-name")).to_contain_text(name)
        await expect(viewer.get_by_test_id("countdown")).to_be_visible()
    await keep_screenshot(first, "room-card-zh")

    await _join(first, NEIGHBOURS[0])
    for viewer, line in (
        (first, "本小区已有 1 位邻居参团，还差 1 人成团！"),
        (second, "1 neighbour joined, 1 to go!"),
    ):
        await expect(viewer.get_by_test_id("group-line")).to_have_text(line)
    await keep_screenshot(first, "room-joined-zh")

    store = await people.open("/store", size=DESKTOP)
    await log_in(store, people.host)
    await expect(_orders(store, "new")).to_have_count(0)
    await _join(second, NEIGHBOURS[1])
    await expect(_orders(store, "new")).to_have_count(2)
    await keep_screenshot(store, "store-new-zh")
    await keep_screenshot(host, "host-live-zh")

    for lane in ("picking", "packed", "ready"):
        await _move_first_order(store, lane)
    buyer = await _who_got_the_code(first, second)
    code = await buyer.get_by_test_id("pickup-code").inner_text()
    await expect(buyer.get_by_test_id("pickup-qr")).to_be_visible()
    await keep_screenshot(buyer, "room-pickup")

    await store.get_by_test_id("code-input").fill(code.lower().replace("-", " "))
    await store.get_by_test_id("code-submit").click()
    await expect(store.get_by_test_id("code-result")).to_have_attribute("data-result", "ok")
    await keep_screenshot(store, "store-handed-over-zh")
    await store.get_by_test_id("code-input").fill(code)
    await store.get_by_test_id("code-submit").click()
    await expect(store.get_by_test_id("code-result")).to_have_attribute("data-result", "used")

    await host.get_by_test_id("end-live").click()
    await host.get_by_test_id("end-confirm").click()
    await expect(first.get_by_test_id("stage-notice")).to_have_attribute("data-notice", "over")
    await keep_screenshot(first, "room-over-zh")


async def _join(viewer: Page, nickname: str) -> None:
    await viewer.get_by_test_id("join").click()
    await viewer.get_by_test_id("nickname").fill(nickname)
    await viewer.get_by_test_id("estate").select_option("chunjiang")
    await viewer.get_by_test_id("identity-confirm").click()
    status = viewer.get_by_test_id("order-status")
    await expect(status).to_have_attribute("data-state", re.compile("placed_group|group_complete"))


def _orders(store: Page, lane: str) -> Locator:
    """Return the two neighbours' orders in `lane`; the store also has orders of other rooms."""
    orders = store.get_by_test_id(f"lane-{lane}").locator("[data-testid^=order-]")
    return orders.filter(has_text=re.compile("|".join(NEIGHBOURS)))


async def _move_first_order(store: Page, lane: str) -> None:
    """Move one order on; it appears in `lane`."""
    before = {"picking": "new", "packed": "picking", "ready": "packed"}[lane]
    await _orders(store, before).first.locator("[data-testid^=move-]").click()
    await expect(_orders(store, lane)).to_have_count(1)


async def _who_got_the_code(*viewers: Page) -> Page:
    """Return the viewer whose order became ready, with the code on the screen."""

    async def someone() -> bool:
        return any([await viewer.get_by_test_id("pickup-code").count() for viewer in viewers])

    await wait_until(someone, what="a pickup code")
    for viewer in viewers:
        if await viewer.get_by_test_id("pickup-code").count():
            return viewer
    raise AssertionError("unreachable")
