"""The wall of the head office: it fits every screen, and says what of it is no real result."""

import re

import pytest
from playwright.sync_api import Page, Route, ViewportSize, expect

from tests.support import played_places
from tests.support.axe import DESKTOP, PHONE, violations
from tests.support.played_pages import LOCALES, Open
from tests.support.played_server import ORIGIN, PlayedServer, now_ms, remember_staff
from tests.support.played_wall import map_of, wall

TELEVISION: ViewportSize = {"width": 1920, "height": 1080}
OVERFLOW = "() => document.documentElement.scrollWidth - document.documentElement.clientWidth"
BROKEN = """() => [...document.images].filter((image) =>
  image.complete && !image.naturalWidth && getComputedStyle(image).opacity !== '0').length"""


def busy(lives: int = 12, estates: int = 12) -> PlayedServer:
    """A wall in the evening."""
    server = PlayedServer()
    server.office.gets["/api/hq/wall"] = wall(lives, estates, now_ms())
    server.office.singles["map"] = map_of(estates, played_places.place_map())
    return server


def office(page: Page) -> None:
    """Log in as the head office."""
    remember_staff(page, "hq")


@pytest.mark.parametrize("scheme", ["light", pytest.param("dark", marks=pytest.mark.soak)])
@pytest.mark.parametrize("locale", LOCALES)
def test_the_wall_fits_all_widths_without_a_violation_of_wcag(
    open_page: Open, locale: str, scheme: str
) -> None:
    page = open_page(
        busy(),
        "/hq#/wall",
        prepare=office,
        locale=locale,
        size=TELEVISION,
        color_scheme=scheme,
    )
    expect(page.get_by_test_id("wall-live-r0")).to_be_visible()
    for size in (TELEVISION, DESKTOP, PHONE):
        page.set_viewport_size(size)
        assert page.evaluate(OVERFLOW) == 0
        if size is not DESKTOP:
            assert violations(page) == []


def test_last_week_is_marked_where_it_is_simulated(open_page: Open) -> None:
    server = busy()
    page = open_page(server, "/hq#/wall", prepare=office, locale="en-GB", size=DESKTOP)
    expect(page.get_by_test_id("wall-simulated")).to_contain_text("simulated data")
    expect(page.get_by_test_id("wall-gmv")).to_contain_text("(simulated)")
    server.office.gets["/api/hq/wall"] |= {"last_week_simulated": False}
    page.reload()
    expect(page.get_by_test_id("wall-gmv")).to_contain_text("on last week")
    expect(page.get_by_test_id("wall-gmv")).not_to_contain_text("(simulated)")
    expect(page.get_by_test_id("wall-simulated")).to_have_count(0)


def test_a_live_without_a_picture_shows_no_broken_one(open_page: Open) -> None:
    asked: list[str] = []

    def refuse(page: Page) -> None:
        office(page)

        def answer(route: Route) -> None:
            asked.append(route.request.url)
            route.fulfill(status=404, body="")

        page.route(re.compile(re.escape(ORIGIN) + r"/live/.*/thumbnail\.jpg.*"), answer)

    page = open_page(busy(), "/hq#/wall", prepare=refuse, size=DESKTOP)
    page.get_by_test_id("wall-live-r0").scroll_into_view_if_needed()
    with page.expect_response(re.compile(r".*/live/r0/thumbnail\.jpg.*")):
        page.reload()
        page.get_by_test_id("wall-live-r0").scroll_into_view_if_needed()
    assert asked
    assert page.evaluate(BROKEN) == 0
