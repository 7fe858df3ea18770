"""The whole evening in real browsers: from going live to handing the goods over."""

import asyncio
import re

import pytest
from playwright.async_api import Locator, Page, expect

from tests.support.browsers import (
    DESKTOP,
    ROOMS,
    People,
    SharedServer,
    goes_live,
    host_of,
    keep_screenshot,
    log_in,
    more_frames,
    room_of,
)
from tests.support.evening_show import (
    KEEP_PURCHASES,
    HostDesk,
    asks_what_the_host_explains,
    buys_in_a_flash_sale,
    claims_a_coupon,
    enters_a_lucky_bag,
    host_desk,
    is_helped_by_a_colleague,
    is_muted_and_told_why,
    is_shared,
    is_summed_up,
    sees_steps_and_invites,
    sees_who_has_just_bought,
    watches_notice_poll_and_questions,
)
from tests.support.evening_story import logged_in
from tests.support.running import Running
from tests.support.waiting import wait_until

# No other story has neighbours of these names.
NEIGHBOURS = ("朝霞", "Sunny")
COLLEAGUE = host_of(ROOMS - 1)


async def test_from_going_live_to_the_handover(people: People, linli: Running) -> None:
    async with host_desk(linli) as desk:
        await _evening(people, linli, desk)


@pytest.mark.soak
@pytest.mark.timeout(600)
async def test_a_bag_is_drawn_and_the_audience_led_to_the_next_room(
    people: People, linli: Running, shared_server: SharedServer
) -> None:
    """What takes half a minute, and a second host."""
    await goes_live(people)
    viewer = await people.open(people.room_path)
    number = next(shared_server.rooms)
    people.host = host_of(number)
    await goes_live(people)
    async with host_desk(linli) as desk:
        await desk.does("PUT", "/pins/spinach")
        await _join(viewer, "拾光")
        await enters_a_lucky_bag(viewer, desk, duration_s=30)
        await expect(viewer.get_by_test_id("lucky-bag-outcome")).to_be_visible()
        await expect(viewer.get_by_test_id("lucky-bag-winner")).to_contain_text("拾光")
        await desk.does("PUT", "/next", room_id=room_of(number))
        await viewer.get_by_test_id("next-go").click()
        await viewer.wait_for_url(f"**/r/{room_of(number)}*")
        await more_frames(viewer)


async def _evening(people: People, linli: Running, desk: HostDesk) -> None:
    first = await _the_room_is_announced_and_rehearsed(people, desk)
    host = await people.open("/host", size=DESKTOP)
    await log_in(host, people.host)
    await host.get_by_test_id("go-live").click()
    await expect(host.get_by_test_id("live-state")).to_have_attribute("data-state", "live")

    await first.reload()
    second = await people.open(people.room_path, locale="en-US")
    await asyncio.gather(more_frames(first), more_frames(second))

    await host.get_by_test_id("pin-spinach").click()
    for viewer, name in ((first, "有机菠菜"), (second, "Organic spinach")):
        await expect(viewer.get_by_test_id("card-name")).to_contain_text(name)
        await expect(viewer.get_by_test_id("countdown")).to_be_visible()
    await keep_screenshot(first, "room-card-zh")
    await second.evaluate(KEEP_PURCHASES)

    await _join(first, NEIGHBOURS[0])
    for viewer, line in (
        (first, "本小区已有 1 位邻居参团，还差 1 人成团！"),
        (second, "1 neighbour joined, 1 to go!"),
    ):
        await expect(viewer.get_by_test_id("group-line")).to_have_text(line)
    await keep_screenshot(first, "room-joined-zh")
    await _the_show(first, people, linli, desk)
    await sees_who_has_just_bought(second, NEIGHBOURS[0])

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
    await is_summed_up(host)
    await keep_screenshot(host, "host-summary-zh")


async def _the_room_is_announced_and_rehearsed(people: People, desk: HostDesk) -> Page:
    """A page opened before the live shows when it begins, and nothing of the rehearsal."""
    early = await people.open(people.room_path)
    await desk.schedules("周五鲜果夜")
    await expect(early.get_by_test_id("teaser")).to_contain_text("周五鲜果夜")
    await desk.does("PUT", "/rehearsal")
    await expect(early.get_by_test_id("room-rehearses")).to_be_visible()
    await desk.does("DELETE", "/rehearsal")
    return early


async def _the_show(viewer: Page, people: People, linli: Running, desk: HostDesk) -> None:
    """Reasons to act now, to bring a neighbour, to ask; one line for each."""
    await watches_notice_poll_and_questions(viewer, desk)
    await buys_in_a_flash_sale(viewer, desk)
    await claims_a_coupon(viewer, desk)
    await enters_a_lucky_bag(viewer, desk)
    await sees_steps_and_invites(viewer, desk)
    await asks_what_the_host_explains(viewer, desk)
    await is_muted_and_told_why(viewer, desk)
    await is_shared(linli)
    invited = await desk.does("POST", "/cohosts")
    link, login = (
        f"/host#cohost={linli.room}.{invited['token']}",
        await logged_in(linli, "host", COLLEAGUE),
    )
    colleague = await people.open(link, scripts=[login])
    await is_helped_by_a_colleague(viewer, colleague, desk)
    await desk.does("PUT", "/pins/spinach")


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
    # What was bought in the show is packed by others.
    return orders.filter(has_text=re.compile("|".join(NEIGHBOURS))).filter(has_text="菠菜")


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
