"""Pages in browsers that keep nothing."""

import pytest
from playwright.sync_api import expect

from tests.support.played_pages import Open, wait_for_text
from tests.support.played_server import PlayedServer

# A minute of real pages; the rules behind them are tested in web/tests each time.
pytestmark = pytest.mark.soak

BLOCKED = """Object.defineProperty(window, 'localStorage', {
  get() { throw new DOMException('blocked', 'SecurityError') } })"""
NO_QUOTA = """Storage.prototype.setItem = () => {
  throw new DOMException('full', 'QuotaExceededError') }"""


@pytest.mark.parametrize("browser_keeps", [BLOCKED, NO_QUOTA], ids=["blocked", "no quota"])
def test_order_can_be_placed_where_the_browser_keeps_nothing(
    open_page: Open, browser_keeps: str
) -> None:
    server = PlayedServer()
    page = open_page(server, "/r/demo", prepare=lambda page: page.add_init_script(browser_keeps))
    wait_for_text(page, "取货码请先截图")
    page.get_by_test_id("join").click()
    page.get_by_test_id("nickname").fill("李阿姨")
    page.get_by_test_id("estate").select_option("e1")
    page.get_by_test_id("identity-confirm").click()
    expect(page.get_by_test_id("join")).to_have_attribute("data-state", "joined")


@pytest.mark.parametrize("path", ["/", "/host", "/store"])
def test_page_opens_where_site_data_is_blocked(open_page: Open, path: str) -> None:
    page = open_page(PlayedServer(), path, prepare=lambda page: page.add_init_script(BLOCKED))
    expect(page.locator("h1")).to_be_visible()
