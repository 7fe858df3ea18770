"""The stock of a store on a phone: goods come, are counted and written off, by keyboard too."""

from playwright.sync_api import expect

from tests.support.axe import PHONE
from tests.support.played_pages import Open
from tests.support.played_server import PlayedServer, remember_staff
from tests.support.played_shop import PRODUCTS

FIRST = PRODUCTS[0]["id"]


def test_staff_receives_counts_and_writes_off_on_a_phone(open_page: Open) -> None:
    server = PlayedServer()
    page = open_page(
        server,
        "/store",
        prepare=lambda page: remember_staff(page, "store"),
        size=PHONE,
        locale="en-GB",
    )
    page.get_by_test_id("app-stock").click()
    available = page.get_by_test_id(f"available-{FIRST}")
    expect(available).to_have_text("18")
    page.get_by_test_id("arrived-t1").fill("39")
    page.get_by_test_id("arrive-t1").click()
    expect(page.get_by_test_id("arrive-t1")).to_have_count(0)
    assert server.stock.arrived == [39]
    page.get_by_test_id(f"receive-{FIRST}").click()
    page.get_by_test_id("stock-units").fill("10")
    page.get_by_test_id("stock-supplier").fill("绿源农场")
    page.get_by_test_id("stock-cost").fill("3.5")
    page.get_by_test_id("stock-submit").click()
    expect(available).to_have_text("28")
    expect(page.get_by_test_id("stock-sheet")).to_be_hidden()
    page.get_by_test_id(f"write_off-{FIRST}").click()
    page.get_by_test_id("reason-expired").check()
    page.get_by_test_id("stock-units").fill("4")
    page.get_by_test_id("stock-units").press("Enter")
    expect(available).to_have_text("24")
    expect(page.get_by_test_id("stock-sheet")).to_be_hidden()
    page.get_by_test_id(f"count-{FIRST}").click()
    page.get_by_test_id("stock-units").fill("29")
    page.get_by_test_id("stock-submit").click()
    expect(available).to_have_text("23")
    assert [(path, body) for path, _, body in server.stock.sent] == [
        (
            "deliveries",
            {
                "product_id": FIRST,
                "units": 10,
                "best_before_ms": None,
                "supplier": "绿源农场",
                "cost_fen": 350,
            },
        ),
        ("write-offs", {"product_id": FIRST, "units": 4, "reason": "expired"}),
        ("counts", {"product_id": FIRST, "units": 29, "was": 30}),
    ]
    assert len({key for _, key, _ in server.stock.sent}) == 3


def test_a_till_gets_a_key_that_is_shown_once(open_page: Open) -> None:
    server = PlayedServer()
    page = open_page(
        server, "/store#stock", prepare=lambda page: remember_staff(page, "store"), size=PHONE
    )
    page.get_by_test_id("tills-open").click()
    page.get_by_test_id("till-name").fill("前台")
    page.get_by_test_id("till-add").click()
    expect(page.get_by_test_id("till-key")).to_contain_text("till-")
    page.get_by_test_id("sheet-close").click()
    expect(page.get_by_test_id("tills-sheet")).to_be_hidden()
    page.get_by_test_id("tills-open").click()
    expect(page.get_by_test_id("till-name")).to_be_visible()
    expect(page.get_by_test_id("till-key")).to_have_count(0)
