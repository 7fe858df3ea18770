"""Buying on the page of a room: how many, from which shop, confirmed, and left again."""

from typing import Any

from playwright.sync_api import expect

from tests.support.played_guests import PHONE_CODE
from tests.support.played_pages import Open
from tests.support.played_server import PlayedServer, now_ms, remember_guest
from tests.support.played_shop import PRODUCTS


def server_with_stock(own: int, other: int, **more: Any) -> PlayedServer:
    """Return a server whose spinach lies in the estate's own shop and in another one."""
    server = PlayedServer(**more)
    stores = [{"store_id": "s1", "left": own}, {"store_id": "s2", "left": other}]
    server.products[0] = {**PRODUCTS[0], "left": own + other, "stores": stores}
    return server


def test_the_card_names_the_shop_and_says_when_it_is_another_one(open_page: Open) -> None:
    page = open_page(server_with_stock(2, 4), "/r/demo", locale="en-GB", prepare=remember_guest)
    store = page.get_by_test_id("card-store")
    expect(page.get_by_test_id("card-left")).to_have_attribute("data-left", "4")
    expect(store).to_contain_text("18 Jinxiu Road")
    for _ in range(2):
        page.get_by_test_id("quantity-more").click()
    expect(page.get_by_test_id("quantity")).to_have_text("3")
    expect(store).to_have_attribute("data-store", "s2")
    expect(store).to_contain_text("6 Cuihu Road")


def test_a_dear_order_is_placed_after_a_second_tap_only(open_page: Open) -> None:
    in_a_day_ms = now_ms() + 86_400_000
    presale = {
        "product_ids": ["spinach"],
        "cut_off_ms": in_a_day_ms,
        "from_ms": in_a_day_ms + 50_400_000,
        "until_ms": in_a_day_ms + 57_600_000,
        "pickup": [{"store_id": "s1", "from_ms": None, "until_ms": None}],
        "delivery": [],
    }
    server = server_with_stock(9, 0, confirm_above_fen=1_000, presales=[presale])
    placed: list[dict[str, Any]] = []

    def answer(body: dict[str, Any], _: str) -> tuple[int, dict[str, Any]]:
        placed.append(body)
        order = server.order("waiting_group", quantity=body["quantity"])
        server.orders.insert(0, order)
        return 201, {"order": order}

    server.answer_order = answer
    page = open_page(server, "/r/demo", prepare=remember_guest)
    # In a presale: the card says until when it is ordered.
    expect(page.get_by_test_id("cut-off")).to_contain_text("前下单")
    page.get_by_test_id("quantity-more").click()
    page.get_by_test_id("join").click()
    confirm = page.get_by_test_id("confirm-order")
    expect(confirm).to_be_visible()
    assert placed == []
    confirm.click()
    expect(page.get_by_test_id("join")).to_have_attribute("data-state", "joined")
    assert [body["quantity"] for body in placed] == [2]


def test_a_waiting_group_stays_in_the_orders_without_its_card_and_can_be_left(
    open_page: Open,
) -> None:
    server = PlayedServer(pinned=[])
    server.orders = [server.order("waiting_group")]
    page = open_page(server, "/r/demo", prepare=remember_guest)
    page.get_by_test_id("orders-open").click()
    sheet = page.get_by_test_id("orders-sheet")
    expect(sheet.get_by_test_id("group-line")).to_contain_text("25")
    expect(sheet.get_by_test_id("countdown")).to_be_visible()
    page.get_by_test_id("leave-o1024").click()
    page.get_by_test_id("leave-group").click()
    expect(page.get_by_test_id("my-order-o1024")).to_have_attribute("data-state", "cancelled")


def test_an_option_is_bought_once_the_number_that_the_shop_asks_for_is_proved(
    open_page: Open,
) -> None:
    server = PlayedServer(pinned=["spinach"])
    option, large = {"zh": "小份", "en": "Small"}, {"zh": "大份", "en": "Large"}
    head = {**PRODUCTS[0], "group": None}
    server.products[0] = {
        **head,
        "option": option,
        "variants": [
            {**head, "id": "large", "option": large, "price_fen": 4_990, "left": 3},
            {**head, "id": "gone", "option": {"zh": "礼盒", "en": "Gift"}, "left": 0, "stores": []},
        ],
    }
    placed: list[str] = []

    def answer(body: dict[str, Any], _: str) -> tuple[int, dict[str, Any]]:
        placed.append(body["product_id"])
        if len(placed) == 1:
            return 403, {"type": "urn:linli:problem:phone-needed", "status": 403}
        order = server.order("new") | {"product_id": "large"}
        server.orders.insert(0, order)
        return 201, {"order": order}

    server.answer_order = answer
    page = open_page(server, "/r/demo", prepare=remember_guest, locale="en-GB")
    expect(page.get_by_test_id("option-gone")).to_contain_text("Sold out")
    page.get_by_test_id("option-large").get_by_role("radio").check()
    page.get_by_test_id("join").click()
    page.get_by_test_id("phone-input").fill("13800001234")
    page.get_by_test_id("phone-consent").check()
    page.get_by_test_id("phone-send").click()
    page.get_by_test_id("code-input").fill(PHONE_CODE)
    page.get_by_test_id("code-submit").click()
    expect(page.get_by_test_id("about-you-sheet")).not_to_be_visible()
    expect(page.get_by_test_id("join")).to_have_attribute("data-state", "bought")
    assert placed == ["large", "large"]
