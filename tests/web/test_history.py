"""Going back, leaving and reloading."""

import pytest
from playwright.sync_api import Dialog, Page, expect

from tests.support.played_pages import Open
from tests.support.played_server import (
    ORIGIN,
    PlayedServer,
    now_ms,
    remember_guest,
    remember_staff,
)

# A minute of real pages; the rules behind them are tested in web/tests each time.
pytestmark = pytest.mark.soak


def test_going_back_closes_the_sheet_and_stays_in_the_live(open_page: Open) -> None:
    page = open_page(PlayedServer(), "/", prepare=remember_guest)
    page.goto(ORIGIN + "/r/demo")
    page.get_by_test_id("bag-open").click()
    expect(page.get_by_test_id("bag-sheet")).to_be_visible()
    page.evaluate("history.back()")
    expect(page.get_by_test_id("bag-sheet")).to_be_hidden()
    expect(page.get_by_test_id("room")).to_be_visible()
    page.get_by_test_id("bag-open").click()
    page.get_by_test_id("bag-sheet").get_by_test_id("sheet-close").click()
    expect(page.get_by_test_id("bag-sheet")).to_be_hidden()
    page.wait_for_function("!history.state?.sheet")
    page.evaluate("history.back()")
    page.wait_for_url(ORIGIN + "/")


def test_logo_asks_before_it_leaves_a_live(open_page: Open) -> None:
    page = open_page(PlayedServer(), "/r/demo", prepare=remember_guest)
    expect(page.get_by_test_id("live-badge")).to_have_text("直播中")
    page.get_by_test_id("home").click()
    expect(page.get_by_test_id("leave-confirm-sheet")).to_be_visible()
    assert page.url == ORIGIN + "/r/demo"
    page.get_by_test_id("leave-confirm").click()
    page.wait_for_url(ORIGIN + "/")


def host(page: Page) -> None:
    """Log the browser in as a host."""
    remember_staff(page, "host")


def test_host_page_asks_before_it_is_closed_on_air_and_offers_to_go_on(open_page: Open) -> None:
    page = open_page(PlayedServer(), "/host", prepare=host)
    asked: list[str] = []

    def accept(dialog: Dialog) -> None:
        asked.append(dialog.type)
        dialog.accept()

    page.on("dialog", accept)
    page.get_by_test_id("go-live").click()
    expect(page.get_by_test_id("live-state")).to_have_attribute("data-state", "live")
    page.reload()
    assert asked == ["beforeunload"]
    page.get_by_test_id("resume").click()
    expect(page.get_by_test_id("live-state")).to_have_attribute("data-state", "live")
    expect(page.get_by_test_id("interrupted")).to_have_count(0)


@pytest.mark.soak
def test_host_page_offers_nothing_in_a_later_live_of_another_device(open_page: Open) -> None:
    def prepare(page: Page) -> None:
        host(page)
        left_ms = now_ms() - 86_400_000
        page.add_init_script(f"localStorage.setItem('linli.on-air.demo', '{left_ms}')")

    page = open_page(PlayedServer(), "/host", prepare=prepare)
    expect(page.get_by_test_id("elsewhere")).to_be_visible()
    expect(page.get_by_test_id("interrupted")).to_have_count(0)


@pytest.mark.soak
def test_host_on_air_does_not_log_out_without_being_asked(open_page: Open) -> None:
    page = open_page(PlayedServer(), "/host", prepare=host, locale="en-GB")
    page.get_by_test_id("go-live").click()
    expect(page.get_by_test_id("end-live")).to_be_visible()
    page.get_by_role("button", name="Log out").click()
    expect(page.get_by_test_id("end-confirm-sheet")).to_be_visible()
    page.get_by_test_id("end-confirm").click()
    expect(page.get_by_test_id("go-live")).to_be_visible()
    expect(page.get_by_test_id("end-confirm-sheet")).to_be_hidden()
    page.get_by_role("button", name="Log out").click()
    expect(page.get_by_test_id("login-submit")).to_be_visible()


@pytest.mark.soak
def test_host_keeps_its_orders_after_a_reload(open_page: Open) -> None:
    server = PlayedServer()
    page = open_page(server, "/host", prepare=host)
    expect(page.get_by_test_id("network-banner")).to_have_count(0)
    waits = server.store_order("waiting_group", "spinach", 1, "李阿姨")
    new = server.store_order("new", "eggs", 2, "王叔叔")
    server.waiting_orders, server.store_orders = [waits], [new]
    expect(page.get_by_test_id("tray-item-spinach")).to_be_visible()
    server.tick({"k": "order", "order": waits}, {"k": "order", "order": new})
    lines = page.get_by_test_id("host-orders").locator("li")
    expect(lines).to_have_count(2)
    page.reload()
    expect(lines).to_have_count(2)
    expect(lines.filter(has_text="李阿姨")).to_have_count(1)
