"""The head office's page: its sections, lists and forms, by pointer and by keyboard."""

from collections.abc import Callable

import pytest
from playwright.sync_api import FilePayload, Page, ViewportSize, expect

from tests.support.axe import DESKTOP, PHONE, violations
from tests.support.played_goods import report
from tests.support.played_pages import Open
from tests.support.played_server import ORIGIN, PlayedServer, remember_staff

TABLET: ViewportSize = {"width": 768, "height": 1024}
OVERFLOW = "() => document.documentElement.scrollWidth - document.documentElement.clientWidth"


def office(page: Page) -> None:
    """Make the browser one that is logged in as the head office."""
    remember_staff(page, "hq")


def edited(page: Page) -> None:
    """Open the form of the first row."""
    page.locator("tbody tr button").first.click()
    expect(page.get_by_test_id("place-map").last).to_be_visible()


def drawn(page: Page) -> None:
    """Wait for the map."""
    expect(page.get_by_test_id("place-map")).to_be_visible()


def invites(page: Page) -> None:
    """Open the form of an invitation."""
    page.get_by_test_id("add").click()
    expect(page.get_by_test_id("username")).to_be_visible()


def listed(page: Page) -> None:
    """Wait for entries of the audit trail."""
    expect(page.get_by_test_id("entry-42")).to_contain_text("邻鲜优选·春江店")
    expect(page.get_by_test_id("chain")).to_contain_text("42")


def priced(page: Page) -> None:
    """Open the form of the first product."""
    page.get_by_test_id("edit-p1").click()
    expect(page.get_by_test_id("price_fen")).to_be_visible()


def explained(page: Page) -> None:
    """Ask why the first product costs what it costs."""
    page.get_by_test_id("why-p1").click()
    expect(page.get_by_test_id("why-answer")).to_contain_text("8.80")


def ruled(page: Page) -> None:
    """Open the form of a new rule."""
    page.get_by_test_id("add").click()
    expect(page.get_by_test_id("scope-id")).to_be_visible()


def chosen(page: Page) -> None:
    """Wait for the choice of lists."""
    expect(page.get_by_test_id("file")).to_be_visible()


LOOKS: list[tuple[str, Callable[[Page], None]]] = [
    ("#/stores", edited),
    ("#/estates", edited),
    ("#/map", drawn),
    ("#/staff", invites),
    ("#/audit", listed),
    ("#/products", priced),
    ("#/products", explained),
    ("#/prices", ruled),
    ("#/files", chosen),
]


EACH_RUN = [("#/products", priced), ("#/prices", ruled)]


@pytest.mark.parametrize(
    ("place", "act"),
    [pytest.param(*look, marks=() if look in EACH_RUN else pytest.mark.soak) for look in LOOKS],
    ids=[f"{place[2:]} {act.__name__}" for place, act in LOOKS],
)
def test_section_fits_all_widths_without_a_violation_of_wcag(
    open_page: Open, place: str, act: Callable[[Page], None]
) -> None:
    page = open_page(PlayedServer(), f"/hq{place}", prepare=office, locale="en-GB", size=DESKTOP)
    act(page)
    for size in (DESKTOP, TABLET, PHONE):
        page.set_viewport_size(size)
        assert page.evaluate(OVERFLOW) == 0
        if size is PHONE or (place, act) == LOOKS[0]:
            assert violations(page) == []
    assert page.locator("h1").count() == 1


def test_store_is_edited_by_keyboard_and_sends_only_what_changed(open_page: Open) -> None:
    server = PlayedServer()
    page = open_page(server, "/hq#/stores", prepare=office, locale="en-GB", size=DESKTOP)
    page.get_by_test_id("edit-s1").focus()
    page.keyboard.press("Enter")
    name = page.get_by_test_id("name-en")
    name.fill("Linxian Riverside")
    server.office.refusals = [(412, {"status": 412})]
    name.press("Enter")
    expect(page.get_by_test_id("form-problem")).to_contain_text("Somebody else")
    name.press("Enter")
    expect(page.get_by_test_id("form-dialog")).to_have_count(0)
    name_sent = {"zh": "邻鲜优选·春江店", "en": "Linxian Riverside"}
    assert server.office.edits == [{"name": name_sent}]
    expect(page.get_by_test_id("row-s1")).to_contain_text("Linxian Riverside")


def test_file_is_imported_once_no_cell_is_wrong(open_page: Open) -> None:
    server = PlayedServer()
    server.office.reports = [report(errors=2), report(), report(done=True)]
    page = open_page(server, "/hq#/files", prepare=office, locale="en-GB", size=DESKTOP)
    file: FilePayload = {"name": "prices.csv", "mimeType": "text/csv", "buffer": b"id\n"}
    page.get_by_test_id("file").set_input_files(file)
    expect(page.get_by_test_id("report")).to_contain_text("2 cells are wrong")
    expect(page.get_by_test_id("apply")).to_have_count(0)
    assert violations(page) == []
    page.get_by_test_id("file").set_input_files([])
    page.get_by_test_id("file").set_input_files(file)
    page.get_by_test_id("apply").click()
    expect(page.get_by_test_id("report")).to_contain_text("12 rows imported")
    assert server.office.imports == ["", "", "apply=yes"]


@pytest.mark.soak
def test_list_is_paged_searched_and_read_again_after_a_failure(open_page: Open) -> None:
    server = PlayedServer()
    server.office.refusals = [(503, {"status": 503})]
    page = open_page(server, "/hq#/stores", prepare=office, size=DESKTOP)
    page.get_by_test_id("table-retry").click()
    expect(page.get_by_test_id("table-total")).to_contain_text("24")
    page.get_by_test_id("page-next").click()
    expect(page.get_by_test_id("row-s21")).to_be_visible()
    page.get_by_test_id("table-search").fill("没有的")
    expect(page.get_by_test_id("table-empty")).to_be_visible()


def test_person_is_invited_and_chooses_a_password_by_the_link(open_page: Open) -> None:
    server = PlayedServer()
    page = open_page(server, "/hq#/staff", prepare=office, locale="en-GB", size=DESKTOP)
    invites(page)
    page.get_by_test_id("username").fill("xiaolin")
    page.get_by_test_id("name").fill("小林")
    page.get_by_test_id("name").press("Enter")
    link = page.get_by_test_id("link").input_value()
    roles = {"roles": ["host", "store"], "store_id": "", "estate_ids": []}
    assert server.office.edits == [{"username": "xiaolin", "name": "小林", **roles}]
    invited = open_page(server, link.removeprefix(ORIGIN), locale="en-GB")
    expect(invited.locator("h1")).to_have_text("Welcome to Linxian Select")
    assert violations(invited) == []
    for again, problem in (("a quiet harbor 7", "not the same"), ("a quiet harbour 7", "")):
        invited.get_by_test_id("password").fill("a quiet harbour 7")
        invited.get_by_test_id("password-again").fill(again)
        invited.get_by_test_id("password-again").press("Enter")
        if problem:
            expect(invited.get_by_test_id("invite-problem")).to_contain_text(problem)
    expect(invited.get_by_test_id("open-store")).to_be_visible()
    used = {"token": "once-only-secret", "password": "a quiet harbour 7"}
    assert server.office.edits[1:] == [{"token": "once-only-secret"}, used]
    assert "once-only-secret" not in invited.url
