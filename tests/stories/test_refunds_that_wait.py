"""The head office sees on a real server which refunds wait, why, since when and what is next."""

import asyncio
import re
import sqlite3

import pytest
from playwright.async_api import Browser, expect

from server.access.policy import Role
from tests.support.browsers import DESKTOP, SCREENSHOTS, People, log_in
from tests.support.evening_story import neighbour, order
from tests.support.offices import fits_all_widths
from tests.support.running import Running
from tests.support.waiting import wait_until

HOUR_MS = 3_600_000


@pytest.mark.soak
async def test_refunds_wait_with_reason_age_state_and_next_attempt(
    browser: Browser, office: Running
) -> None:
    waits = await _one_that_waits(office)
    failed = await _one_that_is_declined(office)
    people = People(browser, office)
    page = await people.open("/hq#/refunds", size=DESKTOP, locale="en-GB")
    await log_in(page, "zongbu")
    row = page.get_by_test_id(f"refund-{waits}")
    await expect(row.get_by_test_id("refund-amount")).to_have_text("¥33.60")
    await expect(row.get_by_test_id("refund-state")).to_have_text("Waiting to be sent")
    await expect(row.get_by_test_id("refund-why")).to_have_text(
        "cancelled by the store · Linxian Spring River"
    )
    await expect(row.get_by_test_id("refund-age")).to_have_text(re.compile(r"^\d+ minutes?$"))
    await expect(row.get_by_test_id("refund-next")).to_have_text(re.compile(r"\d\d:\d\d$"))
    await expect(page.get_by_test_id(f"refund-{failed}")).to_have_count(0)
    await fits_all_widths(page, "refunds-en")

    await page.get_by_test_id("state").click()
    await page.get_by_role("option", name="Declined by the provider").click()
    row = page.get_by_test_id(f"refund-{failed}")
    await expect(row.get_by_test_id("refund-state")).to_have_text("Declined by the provider")
    await expect(row.get_by_test_id("refund-next")).to_have_text("none by itself: please decide")
    await page.screenshot(path=SCREENSHOTS / "refunds-failed-360-en.png")
    await _in_record(
        office, "UPDATE sandbox_charges SET amount_fen = 1680 WHERE order_id = ?", failed
    )
    earlier = "UPDATE refund_calls SET sent_at_ms = sent_at_ms - ? WHERE order_id = ?"
    await _in_record(office, earlier, HOUR_MS, failed)  # no minute's wait for the next one
    await row.get_by_test_id("refund-retry").click()
    await expect(row).to_have_count(0)
    await page.get_by_test_id("state").click()
    await page.get_by_role("option", name="Paid back", exact=True).click()
    await expect(row.get_by_test_id("refund-state")).to_have_text("Paid back")

    chinese = await people.open("/hq#/refunds", locale="zh-CN")
    await log_in(chinese, "zongbu")
    row = chinese.get_by_test_id(f"refund-{waits}")
    await expect(row.get_by_test_id("refund-why")).to_have_text("门店取消 · 邻鲜优选·春江店")
    await expect(row.get_by_test_id("refund-state")).to_have_text("等待发出")
    await chinese.screenshot(path=SCREENSHOTS / "refunds-360-zh.png")
    await people.close()


async def _one_that_waits(office: Running) -> str:
    """One of three boxes was missing and is paid back; then the store cancels the other two.

    The first call was sent in an hour, by the record: the next one waits until a minute later.
    """
    bought = await order(office, await neighbour(office, "小满"), 3)
    async with office.client(office.token(Role.STORE, store_id="s1")) as store:
        await store.post(f"/api/orders/{bought}/moves", json={"to": "picking"})
        pick = f"/api/stores/s1/orders/{bought}/picks/0/0"
        answer = await store.put(pick, json={"found_units": 2})
        assert answer.status_code == 200, answer.text
    await _in_state(office, bought, "done")
    later = "UPDATE refund_calls SET sent_at_ms = sent_at_ms + ? WHERE order_id = ?"
    await _in_record(office, later, HOUR_MS, bought)
    await _cancel(office, bought)
    return bought


async def _one_that_is_declined(office: Running) -> str:
    """The provider knows of less money than is to go back."""
    bought = await order(office, await neighbour(office, "谷雨"), 1)
    await _in_record(office, "UPDATE sandbox_charges SET amount_fen = 1 WHERE order_id = ?", bought)
    await _cancel(office, bought)
    await _in_state(office, bought, "failed")
    return bought


async def _cancel(office: Running, bought: str) -> None:
    async with office.client(office.token(Role.STORE, store_id="s1")) as store:
        answer = await store.post(f"/api/orders/{bought}/moves", json={"to": "cancelled"})
        assert answer.status_code == 200, answer.text


async def _in_state(office: Running, bought: str, state: str) -> None:
    async def is_there() -> bool:
        async with office.client(office.token(Role.HQ, brand_id="linxian")) as client:
            found = (await client.get("/api/hq/refunds", params={"state": state})).json()["refunds"]
        return bought in {call["order_id"] for call in found}

    await wait_until(is_there, what=f"a refund that is {state}")


async def _in_record(office: Running, statement: str, *values: object) -> None:
    def write() -> None:
        connection = sqlite3.connect(office.folder / "var" / "linli.sqlite3", timeout=60)
        with connection:
            assert connection.execute(statement, values).rowcount == 1
        connection.close()

    await asyncio.to_thread(write)
