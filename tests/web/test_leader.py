"""A leader's page on a phone: it moves by itself, and several households get theirs at once."""

from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.support.played_leader import NOW_MS, remember_leader
from tests.support.played_pages import LOCALES, Open
from tests.support.played_server import PlayedServer

NAMES = ("李*姨", "王*", "赵*平", "M*a")


def at_the_gate() -> PlayedServer:
    """Four households whose goods wait."""
    server = PlayedServer()
    for number, name in enumerate(NAMES, 1):
        server.leader.household(number, name)
    return server


def test_an_order_that_moved_is_shown_without_a_reload_by_the_estates_channel(
    open_page: Open,
) -> None:
    server = PlayedServer()
    server.leader.household(1, NAMES[0], state="packed")

    def prepare(page: Page) -> None:
        remember_leader(page)
        page.clock.install()  # so that no clock of the page asks for the day

    page = open_page(server, "/leader#orders", prepare=prepare)
    page.clock.run_for(1_000)
    expect(page.get_by_test_id("stage-coming")).to_contain_text("1")
    server.leader.orders[0]["state"] = "ready"
    moved = {"order_id": "o1", "number": "1", "state": "ready"}
    server.tick({"k": "led_orders", "orders": [moved]})
    household = page.get_by_test_id("household-h1")
    for _ in range(60):  # six seconds of its clock: fewer than until it would ask by itself
        page.clock.run_for(100)
        if household.count():
            break
        page.wait_for_timeout(20)
    expect(household).to_be_visible()


@pytest.mark.parametrize("locale", LOCALES)
def test_several_households_get_theirs_at_once_and_who_had_it_before_is_named(
    open_page: Open, locale: str
) -> None:
    server = at_the_gate()
    first = {"device": "d2", "device_name": "小陈", "staff_name": "王姐", "at_ms": NOW_MS - 60_000}
    server.leader.results = {"h3": {"result": "duplicate", "order_ids": ["o3"], "first": first}}
    page = open_page(server, "/leader#orders", locale=locale, prepare=remember_leader)
    for household in ("h1", "h2", "h3"):
        page.get_by_test_id(f"choose-{household}").check()
    page.get_by_test_id("batch-submit").click()
    expect(page.get_by_test_id("batch").get_by_role("alert")).to_be_visible()
    assert server.leader.scans == []
    page.get_by_test_id("batch-reason").fill("几户一起来取，都认识")
    _fits(page)
    page.get_by_test_id("batch-submit").click()
    result = page.get_by_test_id("code-result")
    expect(result).to_have_attribute("data-result", "batch")
    expect(result).to_contain_text("2")
    expect(page.get_by_test_id("batch-others")).to_contain_text("小陈")
    expect(page.get_by_test_id("batch")).to_have_count(0)
    _fits(page)
    sent = [(one["household_id"], one["batch"], one["reason"]) for one in server.leader.scans]
    assert sent == [(id, True, "几户一起来取，都认识") for id in ("h1", "h2", "h3")]
    expect(page.get_by_test_id("household-h1")).to_have_count(0)


def test_a_batch_without_a_network_is_kept_and_sent_later(open_page: Open) -> None:
    server = at_the_gate()
    page = open_page(server, "/leader#orders", prepare=remember_leader)
    page.get_by_test_id("choose-h1").check()
    page.get_by_test_id("choose-h4").check()
    page.get_by_test_id("batch-reason").fill("一起来取")
    page.context.set_offline(True)
    page.route("**/scans", lambda route: route.abort())
    page.get_by_test_id("batch-submit").click()
    expect(page.get_by_test_id("scans-waiting")).to_contain_text("2")
    expect(page.get_by_test_id("household-h1")).to_have_class("household kept")
    page.unroute("**/scans")
    page.context.set_offline(False)
    expect(page.get_by_test_id("scans-waiting")).to_have_count(0)
    assert [one["household_id"] for one in server.leader.scans] == ["h1", "h4"]


@pytest.mark.parametrize("locale", LOCALES)
def test_a_leader_sees_how_far_each_reminder_has_come(open_page: Open, locale: str) -> None:
    server = at_the_gate()
    fates = [("page", "seen"), ("push", "sent"), ("push", "failed"), ("page", "waiting")]
    server.leader.reminders = [
        _reminder(number, channel, state) for number, (channel, state) in enumerate(fates, 1)
    ]
    page = open_page(server, "/leader#orders", locale=locale, prepare=remember_leader)
    said = {
        page.get_by_test_id(f"household-h{number}").locator(".state").inner_text()
        for number in range(1, 5)
    }
    assert len(said) == 4
    _fits(page)


def _reminder(number: int, channel: str, state: str) -> dict[str, Any]:
    times = {"made_at_ms": NOW_MS - 600_000, "due_at_ms": NOW_MS - 600_000, "at_ms": NOW_MS}
    return {"household_id": f"h{number}", "channel": channel, "state": state, **times}


def _fits(page: Page) -> None:
    """Nothing is wider than the phone."""
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
