"""What a buyer says after the sale, and what others see of it; the server is played."""

from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.support.played_pages import LOCALES, Open
from tests.support.played_server import PlayedServer, now_ms, remember_guest

DAY_MS = 86_400_000


def had_a_dinner() -> PlayedServer:
    """A set of two parts was collected an hour ago."""
    server = PlayedServer()
    order = server.order("handed_over", "weekend-set", 1042, grouped=False)
    server.orders = [order]

    def part(number: int, slug: str) -> dict[str, Any]:
        item = next(item for item in server.products if item["id"] == slug)
        shown = {"product_id": slug, "name": item["name"], "image": item["image"]}
        money = {"units": 1, "amount_fen": 4_400, "refunded_fen": 0}
        return {"line": 0, "part": number, **shown, **money, "claim": None, "rating": None}

    server.guests.after_sales = [
        {
            "order_id": order["id"],
            "claim_until_ms": now_ms() + DAY_MS,
            "rate_until_ms": now_ms() + 30 * DAY_MS,
            "refund_due_fen": 0,
            "refunded_fen": 0,
            "parts": [part(0, "bass"), part(1, "tofu")],
            "note_cards": [],
        }
    ]
    return server


@pytest.mark.parametrize("locale", LOCALES)
def test_each_part_of_a_set_is_rated_by_itself_with_tags_and_words(
    open_page: Open, locale: str
) -> None:
    server = had_a_dinner()
    page = open_page(server, "/r/demo", locale=locale, prepare=remember_guest)
    page.get_by_test_id("orders-open").click()
    page.get_by_test_id("rate-o1042").click()
    sheet = page.get_by_test_id("rating-sheet")
    expect(sheet).to_contain_text("1 / 2")
    page.get_by_test_id("stars-2").click()
    for tag in ("too_salty", "small_portion"):
        page.get_by_test_id(f"tag-{tag}").click()
    sheet.locator("textarea").fill("盐放多了")
    _fits(page)
    page.get_by_test_id("rating-send").click()
    expect(sheet).to_contain_text("2 / 2")
    page.get_by_test_id("stars-5").click()
    expect(page.get_by_test_id("tag-too_salty")).to_have_count(0)
    page.get_by_test_id("tag-fresh").click()
    page.get_by_test_id("rating-send").click()
    expect(page.get_by_test_id("rating-sent")).to_be_visible()
    assert server.guests.rated == [
        {
            "line": 0,
            "part": 0,
            "stars": 2,
            "tags": ["too_salty", "small_portion"],
            "words": "盐放多了",
        },
        {"line": 0, "part": 1, "stars": 5, "tags": ["fresh"], "words": ""},
    ]


@pytest.mark.parametrize("locale", LOCALES)
def test_a_card_shows_stars_and_what_neighbours_said_and_none_of_one_with_few_ratings(
    open_page: Open, locale: str
) -> None:
    server = PlayedServer(pinned=["spinach"], ratings={"spinach": {"tenths": 46, "count": 5}})
    server.comments = [
        {"stars": stars, "tags": tags, "words": words, "rated_at_ms": now_ms() - DAY_MS}
        for stars, tags, words in (
            (5, ["fresh", "tasty"], "很新鲜，叶子嫩"),
            (4, [], ""),
            (2, ["too_salty"], ""),
        )
    ]
    page = open_page(server, "/r/demo", locale=locale, prepare=remember_guest)
    stars = page.get_by_test_id("card-stars")
    expect(stars).to_contain_text("4.6")
    expect(stars).to_contain_text("5")
    page.get_by_test_id("card-details").click()
    said = page.get_by_test_id("neighbour-ratings")
    expect(said.get_by_role("listitem")).to_have_count(2)  # one of three gave stars alone
    expect(said).to_contain_text("很新鲜，叶子嫩")
    expect(said).to_contain_text("太咸" if locale == "zh-CN" else "Too salty")
    _fits(page)
    few = open_page(PlayedServer(), "/r/demo", locale=locale, prepare=remember_guest)
    expect(few.get_by_test_id("card-price")).to_be_visible()
    expect(few.get_by_test_id("card-stars")).to_have_count(0)


def _fits(page: Page) -> None:
    """Nothing is wider than the phone."""
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
