"""A packer at the counter: a group of thirty in five taps, and five minutes without a network.

The page's own clock is the test's, so that the five minutes pass at once.
"""

import asyncio
from typing import Any

import pytest
from playwright.async_api import Locator, Page, expect

from server.access.policy import Role
from tests.support.browsers import People, keep_screenshot, log_in
from tests.support.evening_story import neighbour, send
from tests.support.running import Running
from tests.support.waiting import wait_until

TARGET = 30
TAPS_MAX = 5
SLOT = "B2"
PRICE_FEN = 2_000
# What a person does to the page.
COUNT_TAPS = """
  window.taps = 0
  addEventListener('click', (event) => { if (event.isTrusted) window.taps += 1 }, true)
"""


@pytest.mark.parametrize("locale", ["zh-CN", pytest.param("en-GB", marks=pytest.mark.soak)])
async def test_a_group_of_thirty_is_packed_in_five_taps_undone_found_and_kept_offline(
    people: People, linli: Running, locale: str
) -> None:
    store = await people.open("/store", locale=locale, scripts=[COUNT_TAPS])
    await log_in(store, people.host)
    orders = await _group_of_thirty(linli, "邻居" if locale == "zh-CN" else "Neighbour ")
    await expect(_wave(store, "new", orders[0]["group_id"])).to_contain_text(str(TARGET))
    await keep_screenshot(store, f"packer-new-{locale[:2]}")

    await _weigh(store, linli, orders[3])
    await _undo(store, orders)
    await _pack_without_a_network(store, linli, orders)
    await _find(store, linli, orders)
    await keep_screenshot(store, f"packer-ready-{locale[:2]}")


async def _group_of_thirty(linli: Running, called: str) -> list[dict[str, Any]]:
    """Thirty neighbours complete a group; their orders."""

    async def join(number: int) -> dict[str, Any]:
        nickname = f"{called}{number:02}"
        guest = await neighbour(linli, nickname)
        body = {"room_id": linli.room, "product_id": "cherries", "quantity": 1}
        placed = await send(
            linli, "POST", "/api/orders", str(guest["token"]), "join-the-group", **body
        )
        order: dict[str, Any] = placed["order"]
        return {**order, "token": guest["token"], "nickname": nickname}

    async with linli.client(await linli.host_token()) as client:
        answer = await client.put(f"/api/rooms/{linli.room}/pins/cherries", json={})
        assert answer.is_success, answer.text
    return list(await asyncio.gather(*(join(number) for number in range(TARGET))))


def _wave(store: Page, lane: str, group: str) -> Locator:
    return store.get_by_test_id(f"waves-{lane}").get_by_test_id(f"wave-{group}")


async def _weigh(store: Page, linli: Running, order: dict[str, Any]) -> None:
    """Four hundred grams of five hundred: a fifth goes back."""
    await store.get_by_test_id(f"parts-{order['id']}").click()
    await store.get_by_test_id("part-grams").fill("400")
    await store.get_by_test_id("part-note").click()
    await expect(store.get_by_test_id("part-0-0")).to_have_attribute("data-state", "found")
    await store.get_by_test_id("parts-sheet").get_by_test_id("sheet-close").click()

    async def paid_back() -> bool:
        async with linli.client(str(order["token"])) as client:
            [mine] = (await client.get("/api/me/orders")).json()["orders"]
        return bool(mine["refunded_fen"] == PRICE_FEN // 5)

    await wait_until(paid_back, what="a fifth of the price")


async def _undo(store: Page, orders: list[dict[str, Any]]) -> None:
    """A wave that was moved by mistake goes back."""
    group = orders[0]["group_id"]
    await _wave(store, "new", group).get_by_test_id("wave-move").click()
    await expect(_wave(store, "new", group)).to_have_count(0)
    await store.get_by_test_id("undo").click()
    await expect(_wave(store, "new", group)).to_be_visible()
    await expect(store.get_by_test_id("undo-bar")).to_have_count(0)


async def _pack_without_a_network(
    store: Page, linli: Running, orders: list[dict[str, Any]]
) -> None:
    """From new to ready; the network is gone from the second move on, and the slot is typed."""
    group = orders[0]["group_id"]
    await store.clock.install()
    await store.evaluate("window.taps = 0")
    await _wave(store, "new", group).get_by_test_id("wave-move").click()
    await _are(linli, orders, "picking")
    await store.get_by_test_id("tab-picking").click()
    await store.context.set_offline(True)
    await _wave(store, "picking", group).get_by_test_id("wave-slot").fill(SLOT)
    await _wave(store, "picking", group).get_by_test_id("wave-move").click()
    await store.get_by_test_id("tab-packed").click()
    await _wave(store, "packed", group).get_by_test_id("wave-move").click()
    await expect(store.get_by_test_id("moves-waiting")).to_contain_text(str(TARGET))
    assert await store.evaluate("window.taps") <= TAPS_MAX
    await keep_screenshot(store, "packer-offline")
    await store.clock.fast_forward("05:00")
    await expect(store.get_by_test_id("moves-waiting")).to_contain_text(str(TARGET))
    assert {order["state"] for order in await _board(linli, orders)} == {"picking"}

    await store.context.set_offline(False)
    await _are(linli, orders, "ready")
    await expect(store.get_by_test_id("moves-waiting")).to_have_count(0)
    assert {order["slot"] for order in await _board(linli, orders)} == {SLOT}


async def _find(store: Page, linli: Running, orders: list[dict[str, Any]]) -> None:
    """By name, by number, and by the code that the neighbour shows."""
    sought = orders[7]
    async with linli.client(str(sought["token"])) as client:
        [mine] = (await client.get("/api/me/orders")).json()["orders"]
    for words in (sought["nickname"], f"#{sought['number']}", mine["pickup"]["code"].lower()):
        await store.get_by_test_id("order-search").fill(words)
        await store.get_by_test_id("order-search").press("Enter")
        await expect(store.get_by_test_id("lane-ready")).to_have_attribute("data-count", "1")
        await expect(store.get_by_test_id(f"order-{sought['id']}")).to_be_visible()


async def _board(linli: Running, orders: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The orders as the store has them."""
    ids = {order["id"] for order in orders}
    async with linli.client(linli.token(Role.STORE, store_id="s1")) as client:
        board = (await client.get("/api/stores/s1/orders")).json()
    return [order for order in board["orders"] if order["id"] in ids]


async def _are(linli: Running, orders: list[dict[str, Any]], state: str) -> None:
    async def all_are() -> bool:
        return [order["state"] for order in await _board(linli, orders)] == [state] * TARGET

    await wait_until(all_are, what=f"thirty orders that are {state}")
