"""What stays on screen in small and odd windows, and with large text."""

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, ViewportSize, expect

from tests.support.chromium import find_chromium
from tests.support.played_pages import FLAGS, LOCALES, Open
from tests.support.played_server import (
    ORIGIN,
    PlayedServer,
    remember_guest,
    remember_staff,
)
from tests.support.played_shop import PRODUCTS

# A phone with its keyboard open, 400 % zoom, and phones held sideways.
LOW: list[ViewportSize] = [
    {"width": 360, "height": 340},
    {"width": 360, "height": 380},
    {"width": 320, "height": 256},
    {"width": 683, "height": 384},
    {"width": 844, "height": 390},
]
PHONE: ViewportSize = {"width": 360, "height": 740}
TALL: ViewportSize = {"width": 390, "height": 844}
TABLET: ViewportSize = {"width": 768, "height": 1024}
DESKTOP: ViewportSize = {"width": 1366, "height": 768}

# The names of those parts that are not wholly in the window, or lie under something else.
HIDDEN = """(names) => names.filter((name) => {
  const box = document.querySelector(name);
  if (!box) return true;
  const { left, right, top, bottom } = box.getBoundingClientRect();
  const inside = left >= 0 && top >= 0 && right <= innerWidth + 0.5
    && bottom <= (window.visualViewport?.height ?? innerHeight) + 0.5;
  const [x, y] = [(left + right) / 2, (top + bottom) / 2];
  const above = document.elementFromPoint(x, y);
  return !inside || !(box.contains(above) || above?.contains(box));
})"""
CARD = [f"main [data-testid={name}]" for name in ("card-price", "countdown", "join")]
BAR = [f"[data-testid={name}]" for name in ("chat-input", "bag-open", "orders-open", "like")]


def room_with_long_names(**more: Any) -> PlayedServer:
    """Return a server whose product has the longest name and unit that a shop writes."""
    server = PlayedServer(**more)
    long = {
        **PRODUCTS[0],
        "name": {
            "zh": "丹东东港九九红颜奶油草莓礼盒装顺丰冷链次日达坏果包赔",
            "en": "Dandong Donggang double-nine cream strawberries in a gift box, chilled",
        },
        "unit": {"zh": "整箱（约二十四枚大果）", "en": "case of about twenty-four large ones"},
        "price_fen": 1_399_900,
        "list_price_fen": 1_599_900,
    }
    server.products[0] = long
    server.orders = [server.order("ready", number=1025, grouped=False, slug="tofu")]
    return server


@pytest.mark.parametrize("locale", LOCALES)
@pytest.mark.parametrize("live", [pytest.param("live", marks=pytest.mark.soak), "paused"])
def test_low_windows_keep_price_deadline_and_button(
    open_page: Open, locale: str, live: str
) -> None:
    page = open_page(
        room_with_long_names(live=live), "/r/demo", locale=locale, prepare=remember_guest
    )
    expect(page.get_by_test_id("countdown")).to_be_visible()
    for size in LOW:
        page.set_viewport_size(size)
        assert page.evaluate(HIDDEN, CARD + BAR) == [], size
        chat = page.get_by_test_id("chat-input").bounding_box()
        assert chat is not None
        assert chat["width"] >= 80, size


# Safari's keyboard: the visual viewport shrinks, the window stays as it is.
SAFARI_KEYBOARD = """(() => {
  const viewport = new EventTarget();
  Object.assign(viewport, { height: innerHeight, offsetTop: 0, scale: 1 });
  Object.defineProperty(window, 'visualViewport', { value: viewport });
  window.openKeyboard = (height) => {
    viewport.height = innerHeight - height;
    viewport.dispatchEvent(new Event('resize'));
  };
})()"""


def test_keyboard_over_the_page_keeps_price_deadline_button_and_chat(open_page: Open) -> None:
    def prepare(page: Page) -> None:
        page.add_init_script(SAFARI_KEYBOARD)

    size: ViewportSize = {"width": 360, "height": 640}
    page = open_page(room_with_long_names(), "/r/demo", prepare=prepare, size=size)
    expect(page.get_by_test_id("countdown")).to_be_visible()
    page.evaluate("openKeyboard(300)")
    assert page.evaluate(HIDDEN, CARD + BAR) == []
    page.evaluate("openKeyboard(0)")
    bar = page.get_by_test_id("chat-input").bounding_box()
    assert bar is not None
    assert bar["y"] > 560
    page.get_by_test_id("join").click()
    expect(page.get_by_test_id("nickname")).to_be_visible()
    page.evaluate("openKeyboard(300)")
    # It is still sliding in.
    page.wait_for_function(
        """() => {
          const { top, bottom } = document.querySelector('.sheet').getBoundingClientRect();
          return top >= 0 && bottom <= 340;
        }"""
    )


@pytest.fixture
def double_text(browser: Browser) -> Iterator[Page]:
    """A page of a reader whose text is twice as large."""
    flags = [*FLAGS, "--blink-settings=defaultFontSize=32"]
    chromium = browser.browser_type.launch(executable_path=find_chromium(), args=flags)
    yield chromium.new_context(viewport=PHONE, locale="en-GB").new_page()
    chromium.close()


def test_double_text_keeps_price_deadline_and_button(double_text: Page) -> None:
    page = double_text
    room_with_long_names().attach(page.context)
    remember_guest(page)
    page.goto(ORIGIN + "/r/demo")
    expect(page.get_by_test_id("countdown")).to_be_visible()
    for size in (PHONE, TABLET, DESKTOP):
        page.set_viewport_size(size)
        assert page.evaluate(HIDDEN, CARD + BAR) == [], size
    assert page.evaluate("parseFloat(getComputedStyle(document.body).fontSize)") == 30


@pytest.mark.parametrize("locale", LOCALES)
def test_flag_on_the_goods_picture_is_one_line(open_page: Open, locale: str) -> None:
    page = open_page(PlayedServer(), "/r/demo", locale=locale)
    lines = page.locator(".flag").evaluate(
        "(box) => box.offsetHeight / parseFloat(getComputedStyle(box).lineHeight)"
    )
    assert lines == 1


@pytest.mark.parametrize("live", ["over", pytest.param("paused", marks=pytest.mark.soak)])
def test_notice_and_chat_do_not_overlap(open_page: Open, live: str) -> None:
    server = room_with_long_names(live=live)
    page = open_page(server, "/r/demo", prepare=remember_guest)
    notice = page.get_by_test_id("stage-notice")
    expect(notice).to_be_visible()
    for size in (TALL, LOW[-1], DESKTOP):
        page.set_viewport_size(size)
        overlap = page.evaluate(
            """() => {
              const box = (name) =>
                document.querySelector(`[data-testid=${name}]`).getBoundingClientRect();
              const [a, b] = [box('stage-notice'), box('chat-list')];
              return Math.min(a.right, b.right) - Math.max(a.left, b.left) > 1
                && Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top) > 1;
            }"""
        )
        assert not overlap, size
        if live == "over":
            notice.locator("a").scroll_into_view_if_needed()
            assert page.evaluate(HIDDEN, ["[data-testid=stage-notice] a"]) == [], size


def test_nothing_is_on_the_table_after_the_end(open_page: Open) -> None:
    server = PlayedServer()
    page = open_page(server, "/r/demo", prepare=remember_guest)
    expect(page.get_by_text("正在讲解")).to_be_visible()
    server.tick({"k": "live", "state": "over", "started_at_ms": 1})
    expect(page.get_by_test_id("stage-notice")).to_be_visible()
    expect(page.get_by_text("正在讲解")).to_have_count(0)


def test_stage_keeps_the_shape_of_the_video_after_the_end(open_page: Open) -> None:
    server = PlayedServer()
    page = open_page(server, "/r/demo", size=DESKTOP)
    expect(page.locator(".room.landscape")).to_be_visible()
    shape = "[...document.querySelectorAll('.stage')].map((box) => box.clientWidth).join()"
    before = page.evaluate(shape)
    server.tick({"k": "live", "state": "over", "started_at_ms": 1})
    expect(page.get_by_test_id("stage-notice")).to_be_visible()
    assert page.evaluate(shape) == before


DESK = [
    f"[data-testid={name}]"
    for name in (
        "live-state",
        "mic",
        "chat-list",
        "explain",
        "unpin-spinach",
        "chat-input",
        "end-live",
    )
] + ["[data-testid=host-orders] li"]
OFF_AIR = [
    f"[data-testid={name}]"
    for name in ("elsewhere", "encoder-open", "unpin-spinach", "chat-input", "go-live")
]
FILLED = """() => {
  const { left, top, right, bottom } =
    document.querySelector('[data-testid=self-view]').getBoundingClientRect();
  return left <= 0 && top <= 0 && right >= innerWidth && bottom >= innerHeight;
}"""


@pytest.mark.parametrize("locale", LOCALES)
def test_host_sees_chat_orders_and_goods_over_the_page_that_films(
    open_page: Open, locale: str
) -> None:
    server = room_with_long_names()
    server.store_orders = [server.store_order("new", "tofu", 1, "三号楼的李阿姨和王叔叔")]
    page = open_page(
        server, "/host", locale=locale, prepare=lambda page: remember_staff(page, "host")
    )
    page.set_viewport_size(PHONE)
    expect(page.get_by_test_id("elsewhere")).to_be_visible()
    assert page.evaluate(HIDDEN, OFF_AIR) == []
    page.get_by_test_id("go-live").click()
    expect(page.get_by_test_id("uplink")).to_be_visible()
    expect(page.get_by_test_id("host-orders").locator("li")).to_have_count(1)
    for size in (TALL, PHONE, LOW[-1], TABLET):
        page.set_viewport_size(size)
        assert page.evaluate(HIDDEN, DESK) == [], size
        assert page.evaluate(FILLED), size
    page.set_viewport_size(DESKTOP)
    assert page.evaluate(HIDDEN, DESK) == []
    assert not page.evaluate(FILLED)
    for size in LOW[:-1]:
        page.set_viewport_size(size)
        assert page.evaluate(HIDDEN, [DESK[0], *DESK[-3:-1]]) == [], size


def test_low_desktop_shows_orders_below_what_the_counter_has(open_page: Open) -> None:
    server = PlayedServer()
    server.store_orders = [server.store_order("new", "tofu", 1, "李阿姨")]
    page = open_page(
        server, "/store", prepare=lambda page: remember_staff(page, "store"), size=DESKTOP
    )
    lane = page.get_by_test_id("lane-new")
    expect(lane.locator("li")).to_have_count(1)
    box = lane.locator("xpath=..").bounding_box()
    assert box and box["height"] >= 380
