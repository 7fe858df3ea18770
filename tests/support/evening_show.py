"""What a host does in an evening beside selling: its controls by the API, and what a page shows."""

import re
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
from playwright.async_api import Page, expect

from server.access.policy import Role
from tests.support.running import Running
from tests.support.waiting import wait_until

BRAND = "linxian"
DAY_MS = 24 * 3_600_000
# The ticker shows a line for less than three seconds.
KEEP_PURCHASES = """() => {
  window.purchases = []
  const look = () => {
    const shown = document.querySelector('[data-testid=purchase]')
    if (shown) window.purchases.push(shown.textContent)
  }
  new MutationObserver(look).observe(document, { childList: true, subtree: true })
}"""
DRAW_S = 1_800  # longer than the story: a result would show itself in the midst of it


class HostDesk:
    """The controls of a room's host, and those of the head office that belong to a show."""

    def __init__(self, client: httpx.AsyncClient, office: httpx.AsyncClient, room: str) -> None:
        self.room = room
        self._client = client
        self._office = office

    async def does(self, method: str, path: str, **body: Any) -> dict[str, Any]:
        """Do something in the room."""
        return await _sent(self._client, method, f"/api/rooms/{self.room}{path}", body)

    async def releases_coupons(self) -> None:
        """The head office has made a campaign; the host gives ten of it away."""
        now_ms = time.time_ns() // 1_000_000
        campaign = await _sent(
            self._office,
            "POST",
            "/api/hq/campaigns",
            {
                "name": {"zh": "开播券", "en": "Tonight's coupon"},
                "kind": "room",
                "amount_fen": 300,
                "minimum_fen": 900,
                "until_ms": now_ms + DAY_MS,
                "valid_s": 86_400,
                "budget_fen": 10_000,
            },
        )
        await self.does("POST", "/coupons", campaign_id=campaign["id"], pieces=10, duration_s=600)

    async def schedules(self, title: str) -> None:
        """A live is announced for tomorrow."""
        at_ms = time.time_ns() // 1_000_000 + DAY_MS
        await self.does("POST", "/schedule", title=title, product_ids=[], starts_at_ms=at_ms)


@asynccontextmanager
async def host_desk(linli: Running) -> AsyncIterator[HostDesk]:
    """The desk of the story's room."""
    office_token = linli.token(Role.ADMIN, brand_id=BRAND)
    async with (
        linli.client(await linli.host_token()) as client,
        linli.client(office_token) as office,
    ):
        yield HostDesk(client, office, linli.room)


async def _sent(
    client: httpx.AsyncClient, method: str, path: str, body: dict[str, Any]
) -> dict[str, Any]:
    answer = await client.request(method, path, json=body)
    assert answer.is_success, f"{method} {path}: {answer.text}"
    found: dict[str, Any] = answer.json() if answer.content else {}
    return found


async def open_card(viewer: Page, feature: str) -> None:
    """Open a feature of the room's strip, unless it has opened by itself."""
    chip = viewer.get_by_test_id(f"strip-{feature}")
    if await chip.get_attribute("aria-expanded") != "true":
        await chip.click()
    await expect(chip).to_have_attribute("aria-expanded", "true")


async def close_card(viewer: Page, feature: str) -> None:
    """Close it: what it hid comes back."""
    await viewer.get_by_test_id(f"strip-{feature}").click()


async def _close(viewer: Page, sheet: str) -> None:
    await viewer.get_by_test_id(sheet).get_by_test_id("sheet-close").click()
    await expect(viewer.get_by_test_id(sheet)).to_be_hidden()


async def guest_id(viewer: Page) -> str:
    """The id of the guest on a page."""
    found: str = await viewer.evaluate("JSON.parse(localStorage.getItem('linli.guest')).guest.id")
    return found


async def watches_notice_poll_and_questions(viewer: Page, desk: HostDesk) -> None:
    """A pinned text, a vote, and a question that is answered."""
    await desk.does("PUT", "/notice", text="八点半抽福袋")
    await expect(viewer.get_by_test_id("notice-line")).to_have_text("八点半抽福袋")
    options = ["番茄炒蛋", "清炒菠菜"]
    await desk.does("POST", "/polls", question="今晚加什么菜？", options=options, duration_s=600)
    await open_card(viewer, "poll")
    await viewer.get_by_test_id("poll-option").first.click()
    await expect(viewer.get_by_test_id("poll-result").first).to_contain_text("100%")

    await viewer.get_by_test_id("questions-open").click()
    await viewer.get_by_test_id("question-text").fill("菠菜是今天的吗？")
    await viewer.get_by_test_id("question-ask").click()
    question = viewer.get_by_test_id("questions").get_by_role("listitem")
    await expect(question).to_contain_text("菠菜是今天的吗？")
    await _close(viewer, "questions-sheet")


async def buys_in_a_flash_sale(viewer: Page, desk: HostDesk) -> None:
    """A few eggs for less, one of which the neighbour gets by one tap."""
    lowest = await desk.does("GET", "/flash-sales/lowest/eggs")
    await desk.does(
        "POST",
        "/flash-sales",
        product_id="eggs",
        price_fen=lowest["lowest_fen"] - 100,
        units=3,
        starts_in_s=0,
        duration_s=600,
    )
    await open_card(viewer, "flash")
    await viewer.get_by_test_id("flash-buy").click()
    await expect(viewer.get_by_test_id("flash-bought")).to_be_visible()
    await expect(viewer.get_by_test_id("flash-left")).to_contain_text("2 / 3")


async def claims_a_coupon(viewer: Page, desk: HostDesk) -> None:
    """A piece of what the host gives away."""
    await desk.releases_coupons()
    await open_card(viewer, "coupon")
    await viewer.get_by_test_id("coupon-claim").click()
    await expect(viewer.get_by_test_id("coupon-own")).to_be_visible()


async def enters_a_lucky_bag(viewer: Page, desk: HostDesk, *, duration_s: int = DRAW_S) -> None:
    """A ticket for the word that the host asks for."""
    terms = {"product_id": "eggs", "winners": 1, "duration_s": duration_s, "word": "想吃鸡蛋"}
    await desk.does("POST", "/draws", **terms)
    await open_card(viewer, "bag")
    await viewer.get_by_test_id("lucky-bag-enter").click()
    await expect(viewer.get_by_test_id("lucky-bag-ticket")).to_be_visible()


async def asks_what_the_host_explains(viewer: Page, desk: HostDesk) -> None:
    """The product that is explained; the prompter counts its question from the chat."""
    await desk.does("POST", "/explain", product_id="spinach")
    await close_card(viewer, "bag")
    await expect(viewer.get_by_test_id("explained")).to_contain_text("有机菠菜")
    for words in ("菠菜新鲜吗", "这个菠菜新不新鲜啊？"):
        await viewer.get_by_test_id("chat-input").fill(words)
        await viewer.get_by_test_id("chat-send").click()

    async def counted() -> bool:
        questions = (await desk.does("GET", "/prompter"))["questions"]
        return any("新鲜" in asked["text"] for asked in questions)

    await wait_until(counted, what="the question on the prompter")


async def is_muted_and_told_why(viewer: Page, desk: HostDesk) -> None:
    """Order in the chat: a reason for the person, and the end of it."""
    made = await desk.does(
        "POST", "/sanctions", kind="mute", subject=await guest_id(viewer), reason="刷屏"
    )
    await expect(viewer.get_by_test_id("standing-sheet")).to_contain_text("刷屏")
    await _close(viewer, "standing-sheet")
    await desk.does("DELETE", f"/sanctions/{made['id']}")


async def sees_steps_and_invites(viewer: Page, desk: HostDesk) -> None:
    """A group whose price falls in steps, then one with an award for invites."""
    steps = [{"joined": 2, "price_fen": 2_500}, {"joined": 9, "price_fen": 2_000}]
    await desk.does("PUT", "/pins/berries", group={"steps": steps})
    await expect(viewer.get_by_test_id("tier-steps")).to_contain_text("2")
    await desk.does("PUT", "/pins/pears", group={"award": {"invites": 3, "off_fen": 500}})
    await expect(viewer.get_by_test_id("invite-line")).to_be_visible()
    # There is a coupon to take off: the order is confirmed with it.
    await viewer.get_by_test_id("join").click()
    await viewer.get_by_test_id("confirm-order").click()
    await expect(viewer.get_by_test_id("join")).to_have_attribute("data-state", "joined")
    await viewer.get_by_test_id("invite-open").click()
    await expect(viewer.get_by_test_id("invite-count")).to_contain_text("0")
    await _close(viewer, "invite-sheet")


async def sees_who_has_just_bought(viewer: Page, name: str) -> None:
    """A line of the ticker since `KEEP_PURCHASES`: the first character alone of the name."""

    async def shown() -> bool:
        lines: list[str] = await viewer.evaluate("window.purchases")
        assert not any(name in line for line in lines)
        return any(f"{name[0]}*" in line for line in lines)

    await wait_until(shown, what="a purchase in the ticker")


async def is_helped_by_a_colleague(viewer: Page, colleague: Page, desk: HostDesk) -> None:
    """A co-host, who has opened the invitation and logged in, shows a product until dismissed."""
    await expect(colleague.get_by_test_id("cohost-desk")).to_be_visible()
    await colleague.get_by_test_id("pin-eggs").click()
    await expect(viewer.get_by_test_id("card-name")).to_contain_text("鸡蛋")
    [cohost] = (await desk.does("GET", "/cohosts"))["cohosts"]
    assert cohost["accepted_at_ms"]
    await desk.does("DELETE", f"/cohosts/{cohost['id']}")
    await expect(colleague.get_by_test_id("cohost-over")).to_be_visible()


async def is_summed_up(host: Page) -> None:
    """The host's figures come by themselves when the live is over, and as a picture."""
    for figure in ("viewers_max", "orders", "households"):
        value = host.get_by_test_id(f"summary-{figure}").locator("dd")
        await expect(value).to_have_text(re.compile("[1-9]"))
    await expect(host.get_by_test_id("summary-sheet")).to_contain_text("菠菜是今天的吗？")


async def is_shared(linli: Running) -> None:
    """The link of a product has a card with its price, for WeChat and others."""
    async with linli.client() as client:
        page = await client.get(f"/r/{linli.room}?p=spinach")
        assert 'property="og:image"' in page.text
        card = await client.get(f"/api/rooms/{linli.room}/card.png?p=spinach")
    assert card.headers["content-type"] == "image/png" and len(card.content) > 1_000
