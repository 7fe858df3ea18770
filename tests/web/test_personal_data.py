"""A neighbour gives phone number and flat, the shop confirms, and everything can be erased."""

from playwright.sync_api import Page, expect

from tests.support.played_guests import PHONE_CODE
from tests.support.played_pages import Open
from tests.support.played_server import PlayedServer, remember_guest, remember_staff


def test_a_number_is_verified_and_a_flat_is_named_on_me_and_confirmed_at_the_shop(
    open_page: Open,
) -> None:
    server = PlayedServer()
    page = open_page(server, "/me", prepare=remember_guest, locale="en-GB")
    page.get_by_test_id("phone-input").fill("13800001234")
    page.get_by_test_id("phone-consent").check()
    page.get_by_test_id("phone-send").click()
    for code in ("999999", PHONE_CODE):
        page.get_by_test_id("code-input").fill(code)
        page.get_by_test_id("code-submit").click()
    expect(page.get_by_test_id("phone-known")).to_contain_text("1234")
    page.get_by_test_id("building-input").fill("12")
    page.get_by_test_id("flat-input").fill("1203")
    page.get_by_test_id("dwelling-consent").check()
    page.get_by_test_id("dwelling-submit").click()
    expect(page.get_by_test_id("dwelling-state")).to_contain_text("Building 12, flat 1203")
    _fits(page)
    shop = open_page(server, "/store", prepare=lambda page: remember_staff(page, "store"))
    shop.get_by_test_id("app-neighbours").click()
    decisions = shop.get_by_test_id("neighbours").get_by_role("button")
    decisions.first.click()
    expect(decisions).to_have_count(1)
    page.reload()
    expect(page.get_by_test_id("dwelling-state")).to_contain_text("confirmed by the shop")


def test_everything_is_saved_and_erased_from_me(open_page: Open) -> None:
    page = open_page(PlayedServer(), "/me", prepare=remember_guest)
    with page.expect_download() as download:
        page.get_by_test_id("data-save").click()
    assert download.value.suggested_filename == "linli-data.json"
    page.get_by_test_id("data-erase").click()
    page.get_by_test_id("data-erase-confirm").click()
    expect(page.get_by_test_id("me-who")).to_contain_text("这台设备上还没有人")
    assert page.evaluate("localStorage.getItem('linli.guest')") is None


def _fits(page: Page) -> None:
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
