"""What the pages say and do in a real Chromium; the server is played, the media drawn."""

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.support.played_pages import LOCALES, Open, wait_for_text
from tests.support.played_server import (
    PROBLEM,
    PlayedServer,
    now_ms,
    remember_guest,
    remember_staff,
)

REFUSES_CAMERA = """navigator.mediaDevices.getUserMedia =
  () => Promise.reject(new DOMException('no', 'NotAllowedError'))"""


def refusing(
    problem: str, **more: Any
) -> Callable[[dict[str, Any], str], tuple[int, dict[str, Any]]]:
    """Return an answer to every order: this problem."""
    return lambda order, key: (409, {"type": PROBLEM + problem, "status": 409, **more})


def test_only_the_first_order_asks_for_identity(open_page: Open) -> None:
    server = PlayedServer(pinned=["spinach"])
    page = open_page(server, "/r/demo")
    page.get_by_test_id("join").click()
    page.get_by_test_id("nickname").fill("李阿姨")
    page.get_by_test_id("estate").select_option("e1")
    page.get_by_test_id("identity-confirm").click()
    expect(page.get_by_test_id("order-status")).to_have_attribute("data-state", "placed_group")
    assert len(server.keys) == 1

    server.pinned = ["strawberries"]
    page.reload()
    page.get_by_test_id("join").click()
    expect(page.get_by_test_id("order-status")).to_contain_text("参团成功")
    assert page.get_by_test_id("identity-sheet").count() == 0
    assert len(set(server.keys)) == 2


def test_group_line_is_shown_in_both_languages(open_page: Open) -> None:
    page = open_page(PlayedServer(), "/r/demo")
    line = page.get_by_test_id("group-line")
    expect(line).to_have_text("本小区已有 25 位邻居参团，还差 5 人成团！")
    page.get_by_test_id("lang").click()
    expect(line).to_have_text("25 neighbours joined, 5 to go!")
    page.reload()
    expect(line).to_have_text("25 neighbours joined, 5 to go!")


def test_group_event_updates_the_counter(open_page: Open) -> None:
    server = PlayedServer(joined=28)
    page = open_page(server, "/r/demo")
    line = page.get_by_test_id("group-line")
    expect(line).to_contain_text("28")
    server.joined = 29
    server.tick({"k": "group", "group": server.group("spinach")})
    expect(line).to_have_text("本小区已有 29 位邻居参团，还差 1 人成团！")


def test_order_is_retried_with_its_key_until_answered(open_page: Open) -> None:
    server = PlayedServer()
    answers = [503, 503]

    def answer(order: dict[str, Any], key: str) -> tuple[int, dict[str, Any]]:
        if answers:
            return answers.pop(), {}
        return 201, {"order": server.order("waiting_group")}

    server.answer_order = answer
    page = open_page(server, "/r/demo", prepare=remember_guest)
    page.get_by_test_id("join").click()
    expect(page.get_by_test_id("join")).to_have_attribute("data-state", "joined")
    assert len(server.keys) == 3
    assert len(set(server.keys)) == 1


@pytest.mark.parametrize(
    ("problem", "says"),
    [
        ("sold-out", "刚刚抢光了"),
        pytest.param("already-joined", "已经参过这个团", marks=pytest.mark.soak),
        pytest.param("group-closed", "刚刚结束", marks=pytest.mark.soak),
        ("limit-reached", "限购"),
    ],
)
def test_refused_order_shows_its_reason(open_page: Open, problem: str, says: str) -> None:
    page = open_page(
        PlayedServer(answer_order=refusing(problem)), "/r/demo", prepare=remember_guest
    )
    page.get_by_test_id("join").click()
    expect(page.get_by_test_id("order-status")).to_contain_text(says)


def test_ready_order_opens_its_pickup_code(open_page: Open) -> None:
    server = PlayedServer()
    server.orders = [server.order("packed")]
    page = open_page(server, "/r/demo", prepare=remember_guest)
    expect(page.get_by_test_id("order-strip")).to_have_attribute("data-state", "packed")
    server.orders = [server.order("ready")]
    server.send({"t": "you", "event": {"k": "order", "order": server.order("ready")}})
    expect(page.get_by_test_id("pickup-code")).to_have_text("7KQ2-M9XD-4")
    expect(page.get_by_test_id("pickup-qr")).to_be_visible()


def test_the_timeline_of_an_order_moves_by_itself(open_page: Open) -> None:
    server = PlayedServer()
    server.orders = [server.order("new")]
    page = open_page(server, "/r/demo", prepare=remember_guest, locale="en-GB")
    page.get_by_test_id("order-strip").click()
    step = page.locator(".timeline [aria-current=step]")
    steps = [step.inner_text()]
    for state in ("picking", "packed", "ready"):
        server.send({"t": "you", "event": {"k": "order", "order": server.order(state)}})
        expect(step).not_to_have_text(steps[-1])
        steps.append(step.inner_text())
    assert len(set(steps)) == 4
    expect(page.get_by_test_id("pickup-code")).to_be_visible()
    server.send({"t": "you", "event": {"k": "order", "order": server.order("handed_over")}})
    expect(step).to_have_count(0)


def test_live_event_starts_playback_without_a_reload(open_page: Open) -> None:
    server = PlayedServer(live="scheduled", whep=(409, "not-live", 60))
    page = open_page(server, "/r/demo")
    notice = page.get_by_test_id("stage-notice")
    expect(notice).to_have_attribute("data-notice", "not_live")
    server.whep = (201, "", 0)
    server.tick({"k": "live", "state": "live", "started_at_ms": now_ms()})
    expect(page.get_by_test_id("room")).to_have_attribute("data-player", "playing")
    expect(notice).to_have_count(0)
    server.tick({"k": "live", "state": "over", "started_at_ms": now_ms()})
    expect(notice).to_have_attribute("data-notice", "over")


@pytest.mark.soak
def test_frozen_video_gets_a_new_session(open_page: Open) -> None:
    page = open_page(PlayedServer(), "/r/demo")
    expect(page.get_by_test_id("room")).to_have_attribute("data-player", "playing")
    page.evaluate("window.__peers[0].frozen = true")
    page.wait_for_function("window.__peers.length > 1")
    expect(page.get_by_test_id("room")).to_have_attribute("data-player", "playing")


def test_blocked_network_shows_what_to_do(open_page: Open) -> None:
    page = open_page(
        PlayedServer(), "/r/demo", prepare=lambda page: page.add_init_script("__blocked = true")
    )
    notice = page.get_by_test_id("stage-notice")
    expect(notice).to_have_attribute("data-notice", "webrtc_only")
    expect(notice).to_contain_text("换用手机流量")
    expect(page.get_by_test_id("join")).to_be_enabled()


def test_live_that_no_road_carries_is_unsupported(open_page: Open) -> None:
    page = open_page(PlayedServer(whep=(409, "no-webrtc", 0)), "/r/demo")
    notice = page.get_by_test_id("stage-notice")
    expect(notice).to_have_attribute("data-notice", "unsupported")
    expect(page.get_by_test_id("room")).to_have_attribute("data-road", "hls")


def test_chat_markup_stays_text(open_page: Open) -> None:
    markup = "<img src=x onerror=alert(1)>"
    page = open_page(PlayedServer(chat=[("c", "u", "<b>x</b>", "guest", markup)]), "/r/demo")
    expect(page.get_by_test_id("chat-list")).to_contain_text(markup)
    assert page.locator("[data-testid=chat-list] img").count() == 0


def test_refused_chat_line_returns_to_the_input(open_page: Open) -> None:
    server = PlayedServer(chat_refused="too-fast")
    page = open_page(server, "/r/demo", prepare=remember_guest)
    expect(page.get_by_test_id("viewer-count")).to_have_attribute("data-count", "1286")
    line = page.get_by_test_id("chat-input")
    line.fill("还有吗")
    page.get_by_test_id("chat-send").click()
    wait_for_text(page, "说得太快了")
    expect(line).to_have_value("还有吗")
    server.chat_refused = ""
    page.get_by_test_id("chat-send").click()
    expect(line).to_have_value("")


def test_first_chat_line_asks_for_identity_and_stays(open_page: Open) -> None:
    page = open_page(PlayedServer(), "/r/demo")
    page.get_by_test_id("chat-input").fill("你好")
    page.get_by_test_id("chat-send").click()
    page.get_by_test_id("nickname").fill("李阿姨")
    page.get_by_test_id("estate").select_option("e1")
    page.get_by_test_id("identity-confirm").click()
    expect(page.get_by_test_id("identity-sheet")).to_be_hidden()
    expect(page.get_by_test_id("chat-input")).to_have_value("你好")


def test_newcomers_and_likes_of_others_are_shown(open_page: Open) -> None:
    server = PlayedServer()
    page = open_page(server, "/r/demo")
    expect(page.get_by_test_id("like")).to_have_attribute("data-count", "23904")
    server.tick(joins=["王阿姨"], counters={"viewers": 1287, "likes": 23907})
    wait_for_text(page, "王阿姨 来了")
    expect(page.get_by_test_id("like")).to_have_attribute("data-count", "23907")


def test_lost_connection_shows_a_banner_until_reconnected(open_page: Open) -> None:
    server = PlayedServer()
    page = open_page(server, "/r/demo")
    expect(page.get_by_test_id("viewer-count")).to_have_attribute("data-count", "1286")
    server.socket_works = False
    server.sockets[-1].close(code=1012)
    expect(page.get_by_test_id("network-banner")).to_be_visible()
    server.socket_works = True
    expect(page.get_by_test_id("network-banner")).to_have_count(0)


def test_refused_camera_shows_what_to_do(open_page: Open) -> None:
    def prepare(page: Page) -> None:
        remember_staff(page, "host")
        page.add_init_script(REFUSES_CAMERA)

    page = open_page(PlayedServer(), "/host", prepare=prepare)
    expect(page.get_by_test_id("camera-trouble")).to_contain_text("允许摄像头")
    expect(page.get_by_test_id("go-live")).to_be_disabled()


def test_wrong_password_shows_a_problem(open_page: Open) -> None:
    page = open_page(PlayedServer(), "/host")
    page.get_by_test_id("login-username").fill("chen")
    page.get_by_test_id("login-password").fill("wrong")
    page.get_by_test_id("login-submit").click()
    expect(page.get_by_test_id("login-problem")).to_contain_text("用户名或密码不对")


def test_pickup_code_is_accepted_once_in_any_format(open_page: Open) -> None:
    server = PlayedServer()
    order = server.store_order("ready", "spinach", 1023, "李阿姨")
    server.store_orders = [order]
    given = {"state": "handed_over", "handed_over_at_ms": now_ms()}
    also = [{**server.store_order("ready", "eggs", 1024, "李阿姨"), **given}]
    server.codes["7KQ2-M9XD-4"] = 200, {**order, **given, "also": also}
    page = open_page(server, "/store", prepare=lambda page: remember_staff(page, "store"))
    page.get_by_test_id("code-input").fill("7kq2 m9xd4")
    page.get_by_test_id("code-submit").click()
    result = page.get_by_test_id("code-result")
    expect(result).to_have_attribute("data-result", "ok")
    expect(page.get_by_test_id("handed-order")).to_have_count(2)
    expect(page.get_by_test_id("lane-handed_over")).to_have_attribute("data-count", "2")
    used = {"type": PROBLEM + "already-handed-over", "handed_over_at_ms": now_ms()}
    server.codes["7KQ2-M9XD-4"] = 409, used
    page.get_by_test_id("code-input").fill("7KQ2-M9XD-4")
    page.get_by_test_id("code-submit").click()
    expect(result).to_contain_text("已经用过")


def test_order_moves_to_the_next_lane_with_one_button(open_page: Open) -> None:
    server = PlayedServer()
    server.store_orders = [server.store_order("new", "spinach", 1, "李阿姨")]
    page = open_page(server, "/store", prepare=lambda page: remember_staff(page, "store"))
    expect(page.get_by_test_id("lane-new")).to_have_attribute("data-count", "1")
    page.get_by_test_id("move-o1").click()
    expect(page.get_by_test_id("lane-picking")).to_have_attribute("data-count", "1")


def test_host_page_shows_groups_of_products_that_were_taken_off(open_page: Open) -> None:
    server = PlayedServer(pinned=[])
    page = open_page(server, "/host", prepare=lambda page: remember_staff(page, "host"))
    groups = page.get_by_test_id("host-groups").locator("li")
    expect(page.get_by_test_id("chat-list").locator("li")).to_have_count(6)
    expect(groups).to_have_count(0)
    server.tick({"k": "group", "group": server.group("strawberries")})
    expect(groups).to_contain_text("丹东奶油草莓")
    expect(groups).to_contain_text("25/20")


def test_store_page_shows_older_orders_page_by_page(open_page: Open) -> None:
    server = PlayedServer()
    server.store_orders = [server.store_order("handed_over", "tofu", 5, "Mia")]
    server.older_orders = [
        server.store_order("handed_over", "tofu", number, "Mia") for number in (4, 3)
    ]
    page = open_page(server, "/store", prepare=lambda page: remember_staff(page, "store"))
    page.get_by_test_id("tab-handed_over").click()
    lane = page.get_by_test_id("lane-handed_over")
    for count in (1, 2):
        expect(lane).to_have_attribute("data-count", str(count))
        page.get_by_test_id("older").click()
    expect(lane).to_have_attribute("data-count", "3")
    expect(page.get_by_test_id("older")).to_have_count(0)
    # The board is listed anew with every order, and keeps them.
    new = server.store_order("new", "spinach", 6, "李阿姨")
    server.store_orders.append(new)
    with page.expect_request("**/api/stores/s1/orders"):
        server.tick({"k": "order", "order": new})
    expect(page.get_by_test_id("lane-new")).to_have_attribute("data-count", "1")
    expect(lane).to_have_attribute("data-count", "3")


@pytest.mark.parametrize("locale", LOCALES)
@pytest.mark.parametrize(
    "path",
    [
        *("/r/demo", "/host", "/store"),
        *(pytest.param(path, marks=pytest.mark.soak) for path in ("/", "/r/nowhere")),
    ],
)
def test_no_element_is_wider_than_a_small_phone(open_page: Open, path: str, locale: str) -> None:
    server = PlayedServer()
    server.orders = [server.order("picking", "weekend-set")]
    server.store_orders = [server.store_order("new", "weekend-set", 1, "三号楼的李阿姨和王叔叔")]

    def prepare(page: Page) -> None:
        remember_guest(page)
        remember_staff(page, "host")
        remember_staff(page, "store")

    page = open_page(server, path, locale=locale, prepare=prepare)
    page.wait_for_load_state("networkidle")
    # Boxes that scroll or clip on purpose are asked for their own width, not for what they hold.
    too_wide = page.evaluate(
        """() => [...document.querySelectorAll('body *')]
          .filter((node) => !node.closest('.tabs, .tray, .ambient, .air'))
          .filter((node) => node.getBoundingClientRect().right > innerWidth + 1)
          .map((node) => node.className || node.tagName)"""
    )
    assert too_wide == []
