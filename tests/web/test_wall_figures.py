"""What is on the wall: every figure with its age, the way down to an order, paper and pictures."""

import re
from io import BytesIO
from pathlib import Path
from typing import Any

import pypdfium2
import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from tests.support import played_places
from tests.support.axe import DESKTOP
from tests.support.browsers import keep_picture
from tests.support.played_pages import Open
from tests.support.played_server import ORIGIN, PlayedServer, now_ms, remember_staff
from tests.support.played_wall import map_of, wall

LOOKED_MS_AGO = 9_000  # at lives, stock, ratings and cabinets
LIVES = 50  # more than are drawn at once on a screen


def office(page: Page) -> None:
    """Log in as the head office."""
    remember_staff(page, "hq")


def evening(lives: int = 12, **over: Any) -> PlayedServer:
    """A wall in the evening."""
    server = PlayedServer()
    shown = wall(lives, 12, now_ms(), **over)
    shown["sources"][1]["at_ms"] -= LOOKED_MS_AGO
    server.office.gets["/api/hq/wall"] = shown
    server.office.singles["map"] = map_of(12, played_places.place_map())
    return server


def test_less_than_last_week_is_red_with_a_minus(open_page: Open) -> None:
    server = evening(last_week_simulated=False)
    server.office.gets["/api/hq/wall"]["figures"]["last_week_gmv_fen"] = 206_960_000
    page = open_page(server, "/hq#/wall", prepare=office, locale="en-GB", size=DESKTOP)
    beside = page.get_by_test_id("wall-gmv").locator(".bad")
    expect(beside).to_have_text("−50% on last week, same time")


def test_every_figure_of_the_brand_is_on_the_wall_with_its_age(open_page: Open) -> None:
    page = open_page(evening(), "/hq#/wall", prepare=office, locale="en-GB", size=DESKTOP)
    for name, value, note in (
        ("gmv", "¥1,034,800.00", r"\+29% on last week, same time \(simulated\)"),
        ("orders", "52,000", r"[0-9.]+ a minute over 10 minutes"),
        ("on_time", "97%", "of 40,210 packed"),
        ("late", "7", "of 812 to pack"),
        ("groups", "64", "Today 733 reached, 48 expired; 9 end within 10 minutes"),
        ("stock_outs", "12", ""),
        ("refunds", "¥5,200.00", "577 refunds"),
        ("ratings", "4.8", "mean of 310 ratings"),
        ("cabinets", "3", "2 out of range; 140 cabinets in all"),
    ):
        tile = page.get_by_test_id(f"wall-{name}")
        expect(tile.locator("b")).to_have_text(value)
        expect(tile.locator(".beside")).to_have_text(re.compile(f"^{note}$"))
        expect(tile).to_contain_text(re.compile(r"as of \d+ s ago"))
    looked = page.get_by_test_id("wall-cabinets").locator("small").inner_text()
    assert LOOKED_MS_AGO // 1_000 <= int(re.sub(r"\D", "", looked))
    live = page.get_by_test_id("wall-live-r0")
    expect(live.locator("img").first).to_have_attribute("src", re.compile("/live/r0/thumbnail"))
    expect(live.locator("td")).to_have_text(["2,000", "300", "¥2,970"])
    assert page.locator("canvas").count() == 2
    heat = page.get_by_role("group", name="GMV today by estate")
    assert heat.locator("a").count() == 12
    radius = "(all) => all.map((one) => Number(one.getAttribute('r')))"
    drawn = heat.locator("circle").evaluate_all(radius)
    assert len(set(drawn)) > 5  # the more an estate bought, the larger


@pytest.mark.parametrize(
    ("age_ms", "behind", "words"),
    [
        (0, 120, r"^Behind: as of \d+ s ago, 120 facts not counted yet$"),
        (30_000, 0, r"^The wall has stopped: as of 3\d s ago$"),
    ],
)
def test_a_wall_that_is_behind_says_so(
    open_page: Open, age_ms: int, behind: int, words: str
) -> None:
    server = evening(behind=behind, made_at_ms=now_ms() - age_ms)
    page = open_page(server, "/hq#/wall", prepare=office, locale="en-GB", size=DESKTOP)
    expect(page.get_by_test_id("wall-age")).to_have_text(re.compile(words))


def test_each_step_from_the_brand_to_an_order_has_a_link_of_its_own(open_page: Open) -> None:
    page = open_page(evening(), "/hq#/wall", prepare=office, locale="en-GB", size=DESKTOP)
    path = page.get_by_role("navigation", name="Scope")
    path.get_by_label("City").select_option("hangzhou")
    expect(page).to_have_url(re.compile("#/wall/city/hangzhou$"))
    path.get_by_label("Store").select_option("s2")
    expect(page).to_have_url(re.compile("#/wall/store/s2$"))
    shown = page.locator("[data-testid^=wall-live-]")
    expect(shown).to_have_count(3)  # of twelve lives in four stores
    path.get_by_label("Estate").select_option("e5")
    expect(page).to_have_url(re.compile("#/wall/estate/e5$"))
    expect(page.get_by_test_id("wall-gmv").locator("b")).to_have_text("¥395.95")
    page.reload()
    expect(page.get_by_test_id("wall-estate")).to_have_value("e5")
    page.goto(f"{ORIGIN}/hq#/wall/store/s2")
    orders = page.get_by_test_id("wall-live-r1").locator("a[href='#/orders/room/r1']")
    expect(orders).to_have_text("299")
    orders.click()
    expect(page.get_by_test_id("orders-place")).to_contain_text("r1")


@pytest.mark.parametrize("locale", ["en-GB", pytest.param("zh-CN", marks=pytest.mark.soak)])
def test_the_wall_is_printed_whole_on_white_paper(open_page: Open, locale: str) -> None:
    page = open_page(
        evening(LIVES),
        "/hq#/wall",
        prepare=office,
        locale=locale,
        size=DESKTOP,
        color_scheme="dark",
    )
    expect(page.get_by_test_id("wall-live-r0")).to_be_visible()
    paper = pypdfium2.PdfDocument(page.pdf(prefer_css_page_size=True, print_background=True))
    texts = [sheet.get_textpage().get_text_range() for sheet in paper]
    whole = "\n".join(texts)
    for number, sheet in enumerate(paper):
        drawn = sheet.render(scale=2).to_pil().convert("RGB")
        keep_picture(drawn, f"wall-print-{locale}-{number}")
        corners = {drawn.getpixel((x, y)) for x in (2, drawn.width - 3) for y in (2, 9)}
        assert corners == {(255, 255, 255)}
        assert drawn.width > drawn.height  # landscape
    assert "¥1,034,800.00" in texts[0] and len(texts) <= 6
    assert f" {LIVES - 1}" in whole  # the last of the lives, too
    for button in ("Save picture", "保存图片", "Print", "All stores", "全部门店"):
        assert button not in whole
    # Once it is printed, the screen is as before.
    expect(page.get_by_test_id("wall")).to_have_class(re.compile("dark"))


@pytest.mark.parametrize("view", ["", "/store/s2"])
def test_a_picture_of_each_view_is_saved(open_page: Open, view: str) -> None:
    page = open_page(evening(), f"/hq#/wall{view}", prepare=office, locale="en-GB", size=DESKTOP)
    expect(page.get_by_test_id("wall-live-r1")).to_be_visible()
    with page.expect_download() as download:
        page.get_by_test_id("wall-png").click()
    name = download.value.suggested_filename
    assert re.fullmatch(r"linli-wall-\d{4}-\d\d-\d\d\.png", name)
    picture = Image.open(BytesIO(Path(download.value.path()).read_bytes())).convert("RGB")
    assert picture.width == 1_600
    keep_picture(picture, f"wall-picture{view.replace('/', '-')}")
    colours = picture.getcolors(picture.width * picture.height)
    assert colours and len(colours) > 50  # figures, charts and lists, no empty frame
