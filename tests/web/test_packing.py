"""What a store hears and sees of its orders' time; the server is played, the page's clock moved."""

from playwright.sync_api import Page, expect

from tests.support.played_pages import Open, wait_for_text
from tests.support.played_server import PlayedServer, remember_staff

MINUTE_MS = 60_000
COUNT_TONES = """
  window.tones = 0
  const create = AudioContext.prototype.createOscillator
  AudioContext.prototype.createOscillator = function () {
    window.tones += 1
    return create.call(this)
  }
"""


def packs(page: Page) -> None:
    """Be the store's staff, and count what is heard."""
    remember_staff(page, "store")
    page.add_init_script(COUNT_TONES)
    page.clock.install()


def test_a_new_order_is_heard_and_counted_in_the_title_once_the_sound_is_on(
    open_page: Open,
) -> None:
    server = PlayedServer()
    page = open_page(server, "/store", prepare=packs)
    wait_for_text(page, "实时更新中")
    title = page.title()

    def comes(number: int) -> None:
        server.store_orders.append(server.store_order("new", "spinach", number, "李阿姨"))
        server.tick({"k": "order", "order": server.store_orders[-1]})
        expect(page).to_have_title(f"({number}) {title}")

    comes(1)
    assert page.evaluate("window.tones") == 0
    page.get_by_test_id("order-sound").click()
    before = page.evaluate("window.tones")
    comes(2)
    assert page.evaluate("window.tones") > before
    page.get_by_test_id("move-o1").click()
    expect(page).to_have_title(f"(1) {title}")


def test_the_half_hour_turns_orange_then_red_with_an_alarm_that_names_the_order(
    open_page: Open,
) -> None:
    server = PlayedServer()
    server.store_orders = [server.store_order("picking", "spinach", 7, "李阿姨", due_s=25 * 60)]
    page = open_page(server, "/store", prepare=packs, locale="en-GB")
    page.get_by_test_id("order-sound").click()
    page.get_by_test_id("tab-picking").click()
    order, late = page.get_by_test_id("order-o7"), page.get_by_test_id("late-orders")
    looks = set()

    def passes(minutes: int, urgency: str) -> None:
        server.ahead_ms += minutes * MINUTE_MS
        page.clock.fast_forward(minutes * MINUTE_MS)
        expect(order).to_have_attribute("class", f"order {urgency}")
        looks.add(order.evaluate("it => getComputedStyle(it).backgroundColor + it.className"))

    passes(1, "calm")
    expect(late).to_have_count(0)
    passes(16, "soon")
    before = page.evaluate("window.tones")
    passes(9, "late")
    expect(late).to_contain_text("#7")
    assert page.evaluate("window.tones") > before
    assert len(looks) == 3
