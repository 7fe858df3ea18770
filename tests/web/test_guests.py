"""A guest's pages: the same person after a refused token, and on another device."""

import pytest
from playwright.sync_api import expect

from tests.support.played_guests import MOVE_CODE
from tests.support.played_pages import Open
from tests.support.played_server import PlayedServer, now_ms, remember_guest, remember_staff


def test_refused_token_is_renewed_for_the_same_guest(open_page: Open) -> None:
    server = PlayedServer(pinned=["spinach"])
    server.guests.tokens.clear()
    page = open_page(server, "/r/demo", prepare=remember_guest)
    page.get_by_test_id("join").click()
    expect(page.get_by_test_id("order-status")).to_have_attribute("data-state", "placed_group")
    kept = page.evaluate("JSON.parse(localStorage.getItem('linli.guest'))")
    assert (kept["token"], kept["guest"]["nickname"]) == ("t2", "李阿姨")
    assert server.guests.registered == []


@pytest.mark.soak
def test_forgotten_guest_sees_a_notice_and_is_not_replaced(open_page: Open) -> None:
    server = PlayedServer(pinned=["spinach"])
    server.guests.tokens.clear()
    server.guests.devices.clear()
    page = open_page(server, "/r/demo", prepare=remember_guest)
    page.get_by_test_id("join").click()
    expect(page.get_by_test_id("identity-lost")).to_contain_text("李阿姨")
    expect(page.get_by_test_id("identity-lost").get_by_role("link")).to_have_attribute(
        "href", "/me"
    )
    assert server.guests.registered == []
    assert server.keys == []


def test_me_shows_the_guest_their_orders_and_a_move_code(open_page: Open) -> None:
    server = PlayedServer()
    url = "https://pay.example/7"
    action = {"kind": "redirect", "url": url, "qr": "", "parameters": []}
    payment = {"expires_at_ms": now_ms() + 900_000, "provider": "wechat", "action": action}
    unpaid = {**server.order("waiting_payment", number=1025), "payment": payment}
    server.orders = [unpaid, server.order("expired", number=1023), server.order("ready")]
    page = open_page(server, "/me", prepare=remember_guest)
    expect(page.get_by_test_id("payment-go")).to_have_attribute("href", url)
    expect(page.get_by_test_id("payment")).to_contain_text("付款")
    expect(page.get_by_test_id("my-order-o1023")).to_contain_text("没有按时付款")
    expect(page.get_by_role("heading", level=1)).to_have_text("李阿姨")
    expect(page.get_by_test_id("pickup-code")).to_have_text("7KQ2-M9XD-4")
    page.get_by_test_id("move-start").click()
    expect(page.get_by_test_id("move-code")).to_have_text(MOVE_CODE)
    expect(page.get_by_test_id("move-qr")).to_be_visible()


def test_move_link_makes_another_device_the_same_guest(open_page: Open) -> None:
    server = PlayedServer()
    page = open_page(server, f"/me#move={MOVE_CODE}")
    expect(page.get_by_test_id("move-input")).to_have_value(MOVE_CODE)
    assert "#" not in page.url
    page.get_by_test_id("move-submit").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("老王")
    page.reload()
    expect(page.get_by_role("heading", level=1)).to_have_text("老王")


@pytest.mark.soak
def test_wrong_move_code_says_so(open_page: Open) -> None:
    page = open_page(PlayedServer(), "/me", locale="en-GB")
    for typed in ("nonsense", "0000-0000-0"):
        page.get_by_test_id("move-input").fill(typed)
        page.get_by_test_id("move-submit").click()
        expect(page.get_by_test_id("move-problem")).to_contain_text("Wrong, used or expired")


@pytest.mark.parametrize("which", ["store", "host"])
def test_staff_whose_token_was_revoked_logs_in_again(open_page: Open, which: str) -> None:
    server = PlayedServer()
    server.guests.tokens.clear()
    page = open_page(server, f"/{which}", prepare=lambda page: remember_staff(page, which))
    expect(page.get_by_test_id("login")).to_be_visible()
    expect(page.get_by_role("status").first).to_be_visible()
    assert page.evaluate(f"localStorage.getItem('linli.{which}')") is None


def test_messages_are_chosen_for_each_channel_and_show_how_they_came(open_page: Open) -> None:
    server = PlayedServer()
    server.guests.channels = {"push": ["ready", "refund", "live"], "sms": ["ready", "refund"]}
    sent = {"kind": "ready", "subject": "o1", "made_at_ms": now_ms(), "at_ms": now_ms()}
    server.guests.deliveries = [
        {**sent, "channel": "sms", "state": "sent"},
        {**sent, "kind": "refund", "channel": "push", "state": "failed"},
    ]
    page = open_page(server, "/me", prepare=remember_guest, locale="en-GB")
    choices = page.get_by_test_id("notice-choices")
    box = choices.get_by_role("checkbox", name="Ready to collect: Push")
    expect(box).to_be_checked()
    expect(choices.get_by_role("checkbox")).to_have_count(5)
    box.focus()
    page.keyboard.press("Space")
    expect(box).not_to_be_checked()
    expect(page.get_by_test_id("notice-ready-sms")).to_be_checked()
    choices.get_by_label("Quiet from").select_option("21")
    page.get_by_test_id("notice-live-push").uncheck()
    expect(choices.get_by_role("row", name="Lives that you want to see")).to_contain_text(
        "on this page only"
    )
    page.reload()
    expect(choices.get_by_label("Quiet from")).to_have_value("21")
    expect(page.get_by_test_id("notice-ready-push")).not_to_be_checked()
    muted_by = {"push": ["ready", "live"], "wechat": [], "sms": []}
    assert server.guests.wanted["muted_by"] == muted_by
    page.get_by_text("Messages of the last days").click()
    came = page.get_by_test_id("notice-deliveries").get_by_role("listitem")
    expect(came.nth(0)).to_contain_text("SMS sent")
    expect(came.nth(1)).to_contain_text("Push not delivered")
