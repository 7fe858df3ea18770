"""Every page and sheet against WCAG 2.2 AA, by axe and by the keyboard."""

import time
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, Route, expect

from tests.support.axe import DESKTOP, PHONE, violations
from tests.support.played_pages import Open
from tests.support.played_server import ORIGIN, PlayedServer, now_ms, remember_guest, remember_staff
from tests.support.waiting import WAIT_S


def play(**more: Any) -> PlayedServer:
    """Return a server with goods, orders in several states and lives in all of them."""
    server = PlayedServer(**{"pinned": ["strawberries", "bass", "spinach"], **more})
    server.orders = [
        server.order("ready"),
        server.order("picking", "weekend-set", 1025),
        server.order("waiting_group", "strawberries", 1026),
        server.order("cancelled", "eggs", 1027, refunded_fen=1880),
        server.order("handed_over", "tofu", 1028),
    ]
    server.store_orders = [
        server.store_order("new", "weekend-set", 1, "李阿姨"),
        server.store_order("picking", "spinach", 2, "王叔叔", due_s=120),
        server.store_order("packed", "eggs", 3, "小周", due_s=-60),
        server.store_order("ready", "tofu", 4, "Mia"),
        server.store_order("handed_over", "tofu", 5, "Mia"),
    ]
    server.guests.channels = {"push": ["ready", "out", "live"], "sms": ["ready"]}
    server.guests.deliveries = [
        {
            "kind": "ready",
            "subject": "o1",
            "made_at_ms": now_ms(),
            "channel": "sms",
            "state": state,
            "at_ms": now_ms(),
        }
        for state in ("sent", "failed")
    ]
    server.waiting = [
        {
            "group": server.group("spinach"),
            "product_name": {"zh": "菠菜", "en": "Spinach"},
            "orders": 2,
        }
    ]
    server.lives = [
        {
            "room_id": state,
            "title": {"zh": "周末家庭厨房", "en": "Weekend family kitchen"},
            "store": {"id": "s1", "name": {"zh": "邻鲜优选", "en": "Linxian Fresh"}},
            "state": state,
            "viewers": 12,
            "started_at_ms": now_ms(),
        }
        for state in ("live", "paused", "scheduled", "over")
    ]
    return server


def everybody(page: Page) -> None:
    """Make the browser one that has bought and is logged in."""
    remember_guest(page)
    remember_staff(page, "host")
    remember_staff(page, "store")


def stay(page: Page) -> None:
    """Look at the page as it opens."""


def open_bag(page: Page) -> None:
    """Open the bag of the room."""
    page.get_by_test_id("bag-open").click()
    expect(page.get_by_test_id("bag-sheet")).to_be_visible()


def open_orders(page: Page) -> None:
    """Open the orders of the room."""
    page.get_by_test_id("orders-open").click()
    expect(page.get_by_test_id("pickup-qr")).to_be_visible()


def confirm_second_order(page: Page) -> None:
    """Buy once more what was bought a moment ago."""
    page.get_by_test_id("join").click()
    expect(page.get_by_test_id("confirm-order-sheet")).to_be_visible()


def open_encoder(page: Page) -> None:
    """Look up the address and key for an encoder."""
    page.get_by_test_id("encoder-open").click()
    expect(page.get_by_test_id("encoder-key")).to_be_visible()


def go_live(page: Page) -> None:
    """Go live, and ask to end it."""
    page.get_by_test_id("go-live").click()
    page.get_by_test_id("end-live").click()
    expect(page.get_by_test_id("end-confirm-sheet")).to_be_visible()


def open_all_orders(page: Page) -> None:
    """Open the host's orders and groups over the camera's video."""
    page.get_by_test_id("orders-all").click()
    page.get_by_test_id("host-groups").scroll_into_view_if_needed()


def type_unknown_code(page: Page) -> None:
    """Try a pickup code that nobody has."""
    page.get_by_test_id("code-input").fill("AAAA-AAAA-AA")
    page.get_by_test_id("code-submit").click()
    expect(page.get_by_test_id("code-result")).to_be_visible()


def write_off_nothing(page: Page) -> None:
    """Open the form for goods that cannot be sold, and send it empty."""
    page.locator("[data-testid^=write_off-]").first.click()
    page.get_by_test_id("stock-submit").click()
    expect(page.get_by_test_id("stock-problem")).not_to_be_empty()


def try_to_log_in(page: Page) -> None:
    """Use a wrong password."""
    page.get_by_test_id("login-username").fill("chen")
    page.get_by_test_id("login-password").fill("wrong")
    page.get_by_test_id("login-submit").click()
    expect(page.get_by_test_id("login-problem")).not_to_be_empty()


def ask_identity(page: Page) -> None:
    """Order as somebody unknown, and confirm without a name."""
    page.get_by_test_id("join").first.click()
    page.get_by_test_id("identity-confirm").click()
    expect(page.get_by_test_id("identity-problem")).not_to_be_empty()


SOAK = pytest.mark.soak  # axe takes seconds: all looks are in the soaks, a few in each run
STRANGER, KNOWN = stay, everybody
LOOKS: list[tuple[str, Callable[[Page], None], Callable[[Page], None], dict[str, Any]]] = [
    ("/", STRANGER, stay, {}),
    ("/r/demo", KNOWN, stay, {}),
    ("/r/demo", KNOWN, stay, {"live": "over"}),
    ("/r/demo", KNOWN, stay, {"live": "paused"}),
    ("/r/demo", KNOWN, open_bag, {}),
    ("/r/demo", KNOWN, open_orders, {}),
    ("/r/demo", KNOWN, confirm_second_order, {"pinned": ["tofu"]}),
    ("/r/demo", STRANGER, ask_identity, {}),
    ("/r/nowhere", STRANGER, stay, {}),
    ("/me", STRANGER, stay, {}),
    ("/me", KNOWN, stay, {}),
    ("/host", STRANGER, try_to_log_in, {}),
    ("/host", KNOWN, stay, {}),
    ("/host", KNOWN, open_encoder, {}),
    ("/host", KNOWN, go_live, {}),
    ("/host", KNOWN, open_all_orders, {}),
    ("/store", STRANGER, stay, {}),
    ("/store", KNOWN, type_unknown_code, {}),
    ("/store#stock", KNOWN, write_off_nothing, {}),
    ("/store#neighbours", KNOWN, stay, {}),
    ("/store#live", KNOWN, stay, {"live": "live"}),
]


EACH_RUN = [
    ("/r/demo", KNOWN, confirm_second_order),
    ("/r/demo", STRANGER, ask_identity),
    ("/me", KNOWN, stay),
    ("/host", KNOWN, go_live),
    ("/store", KNOWN, type_unknown_code),
]


@pytest.mark.parametrize(
    ("path", "who", "act", "more"),
    [pytest.param(*look, marks=() if look[:3] in EACH_RUN else SOAK) for look in LOOKS],
    ids=[f"{path} {act.__name__} {more.get('live', '')}".rstrip() for path, _, act, more in LOOKS],
)
def test_page_has_one_heading_and_no_violation_of_wcag(
    open_page: Open,
    path: str,
    who: Callable[[Page], None],
    act: Callable[[Page], None],
    more: dict[str, Any],
) -> None:
    page = open_page(play(**more), path, prepare=who, locale="en-GB")
    page.wait_for_load_state("networkidle")
    act(page)
    for size in (PHONE, DESKTOP):
        page.set_viewport_size(size)
        assert violations(page) == []
    assert page.locator("h1").count() == 1


# The focus ring: its width, and the contrast between its two colours.
RING = """() => {
  const box = document.activeElement, style = getComputedStyle(box);
  const luminance = (colour) => {
    const parts = colour.match(/[\\d.]+/g).slice(0, 3).map((part) => part / 255);
    const [r, g, b] = parts.map((part) =>
      part <= 0.04 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const shadow = style.boxShadow.match(/rgba?\\([^)]*\\)/)?.[0] ?? 'rgb(0, 0, 0)';
  const [dark, light] = [luminance(style.outlineColor), luminance(shadow)].sort((a, b) => a - b);
  return {
    name: box === document.body ? '' : box.dataset.testid || box.className || box.tagName,
    width: style.outlineStyle === 'none' ? 0 : parseFloat(style.outlineWidth),
    contrast: (light + 0.05) / (dark + 0.05),
  };
}"""


@pytest.mark.parametrize(
    ("path", "who", "act"),
    [
        pytest.param("/", STRANGER, stay, marks=SOAK),
        ("/r/demo", KNOWN, stay),
        pytest.param("/r/demo", STRANGER, ask_identity, marks=SOAK),
        pytest.param("/host", STRANGER, stay, marks=SOAK),
        pytest.param("/host", KNOWN, stay, marks=SOAK),
        ("/store", KNOWN, stay),
    ],
    ids=lambda value: value if isinstance(value, str) else value.__name__,
)
def test_keyboard_focus_is_visible_on_every_control(
    open_page: Open, path: str, who: Callable[[Page], None], act: Callable[[Page], None]
) -> None:
    page = open_page(play(), path, prepare=who, size=DESKTOP)
    page.wait_for_load_state("networkidle")
    act(page)
    seen: set[str] = set()
    for _ in range(14):
        page.keyboard.press("Tab")
        ring = page.evaluate(RING)
        if not ring["name"]:
            continue
        seen.add(ring["name"])
        assert ring["width"] >= 2, ring
        assert ring["contrast"] >= 3, ring
    assert len(seen) >= 3


@pytest.mark.parametrize(
    "path", ["/r/demo", *(pytest.param(path, marks=SOAK) for path in ("/host", "/store"))]
)
def test_controls_keep_an_edge_in_forced_colours(open_page: Open, path: str) -> None:
    page = open_page(play(), path, prepare=everybody, size=DESKTOP, forced_colors="active")
    page.wait_for_load_state("networkidle")
    without = page.evaluate(
        """() => [...document.querySelectorAll('button, select, input, .card, .panel, .track')]
          .filter((node) => node.checkVisibility())
          .filter((node) => parseFloat(getComputedStyle(node).borderTopWidth) < 1)
          .map((node) => node.dataset.testid || node.className)"""
    )
    assert without == []


def test_focus_goes_to_the_next_order_when_one_has_moved(open_page: Open) -> None:
    server = play()
    server.store_orders = [server.store_order("new", "eggs", n, "Mia") for n in (1, 2, 3)]
    page = open_page(server, "/store", prepare=everybody, size=DESKTOP)
    page.get_by_test_id("move-o2").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_test_id("lane-new")).to_have_attribute("data-count", "2")
    focused = page.evaluate(
        "document.activeElement.closest('[data-testid^=order-]')?.dataset.state"
    )
    assert focused == "new"


def test_focus_stays_on_the_button_that_failed_to_log_in(open_page: Open) -> None:
    page = open_page(play(), "/host")
    page.get_by_test_id("login-username").fill("chen")
    page.get_by_test_id("login-password").fill("wrong")
    page.get_by_test_id("login-submit").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_test_id("login-problem")).not_to_be_empty()
    expect(page.get_by_test_id("login-submit")).to_be_focused()


def test_chat_is_a_log_and_nothing_that_ticks_is_announced(open_page: Open) -> None:
    page = open_page(play(), "/r/demo", prepare=everybody)
    expect(page.get_by_role("log").get_by_test_id("chat-list")).to_be_visible()
    for path, ticking in (
        ("/r/demo", "countdown"),
        ("/store", "order-o1"),
        ("/host", "live-state"),
    ):
        page.goto(ORIGIN + path)
        if path == "/host":
            page.get_by_test_id("go-live").click()
            expect(page.get_by_role("timer").first).to_be_visible()
        expect(page.get_by_test_id(ticking).first).to_be_visible()
        # What changes within two seconds, less the verdict on the uplink: that is to be announced.
        announced = page.evaluate(
            """() => new Promise((resolve) => {
              const found = [];
              const live = '[aria-live]:not([aria-live=off]), [role=status], [role=alert]';
              new MutationObserver((changes) => changes.forEach(({ target }) => {
                const box = (target.parentElement ?? target).closest(live);
                if (box && box.dataset.testid !== 'uplink-verdict') found.push(box.textContent);
              })).observe(document.body, { subtree: true, childList: true, characterData: true });
              setTimeout(() => resolve(found), 2200);
            })"""
        )
        assert announced == [], path


def test_progress_of_an_overfull_group_ends_at_its_target(open_page: Open) -> None:
    page = open_page(play(joined=34, group_state="reached"), "/r/demo", prepare=everybody)
    bar = page.get_by_role("progressbar").first
    assert bar.get_attribute("aria-valuenow") == bar.get_attribute("aria-valuemax")


def test_focus_returns_to_the_button_that_opened_a_sheet(open_page: Open) -> None:
    held: list[Route] = []

    def hold_sheets(page: Page) -> None:
        everybody(page)
        page.route("**/RoomSheets*.js", lambda route: held.append(route))

    page = open_page(play(), "/r/demo", prepare=hold_sheets)
    page.get_by_test_id("bag-open").focus()
    page.keyboard.press("Enter")
    deadline = time.monotonic() + WAIT_S
    while not held:
        assert time.monotonic() < deadline, "the page did not ask for the script of its sheets"
        page.wait_for_timeout(20)
    held.pop().fallback()
    expect(page.get_by_test_id("bag-sheet").get_by_test_id("sheet-close")).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.get_by_test_id("bag-open")).to_be_focused()
