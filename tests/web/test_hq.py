"""The head office's page: its sections, lists and forms, by pointer and by keyboard."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, ViewportSize, expect

from tests.support.played_pages import Open
from tests.support.played_server import PlayedServer, remember_staff
from tests.web.test_accessibility import DESKTOP, PHONE, violations

TABLET: ViewportSize = {"width": 768, "height": 1024}
OVERFLOW = "() => document.documentElement.scrollWidth - document.documentElement.clientWidth"


def office(page: Page) -> None:
    """Make the browser one that is logged in as the head office."""
    remember_staff(page, "hq")


def list_of_stores(page: Page) -> None:
    """Wait for the list."""
    expect(page.get_by_test_id("row-s1")).to_be_visible()


LOOKS: list[tuple[str, Callable[[Page], None]]] = [("#/stores", list_of_stores)]


@pytest.mark.parametrize(("place", "act"), LOOKS, ids=[act.__name__ for _, act in LOOKS])
def test_section_fits_all_widths_without_a_violation_of_wcag(
    open_page: Open, place: str, act: Callable[[Page], None]
) -> None:
    page = open_page(PlayedServer(), f"/hq{place}", prepare=office, locale="en-GB", size=DESKTOP)
    act(page)
    for size in (DESKTOP, TABLET, PHONE):
        page.set_viewport_size(size)
        assert violations(page) == []
        assert page.evaluate(OVERFLOW) == 0
    assert page.locator("h1").count() == 1


def test_list_is_paged_searched_and_read_again_after_a_failure(open_page: Open) -> None:
    server = PlayedServer()
    server.office.refusals = [(503, {"status": 503})]
    page = open_page(server, "/hq", prepare=office, size=DESKTOP)
    page.get_by_test_id("table-retry").click()
    expect(page.get_by_test_id("table-total")).to_contain_text("24")
    page.get_by_test_id("page-next").click()
    expect(page.get_by_test_id("row-s21")).to_be_visible()
    page.get_by_test_id("table-search").fill("没有的")
    expect(page.get_by_test_id("table-empty")).to_be_visible()
