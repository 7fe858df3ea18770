"""Pages for people, problem documents for programs, and files in the smallest form."""

import re
from dataclasses import dataclass, field, replace
from html import unescape
from pathlib import Path
from types import SimpleNamespace

import httpx
import msgspec
import pytest
from starlette.applications import Starlette
from starlette.exceptions import HTTPException

from commerce.catalogue.recordings import Clip
from commerce.catalogue.values import Text
from commerce.errors import NotFound
from rooms.log import LogUnavailable
from server.bridge.channels.cards import Card, Product
from server.bridge.channels.groups import Group
from server.bridge.channels.registry import RoomState
from server.bridge.channels.texts import LocalText
from server.http.pages import accepted_encodings, page_or_problem, page_routes
from server.http.share import card as share_card
from server.printing.drawings import Drawings

PAGE = """<html lang="zh-CN"><head><title>Linli</title></head>
<body><!--shell--><div id="app"></div></body></html>"""
CARD = Card(
    Product(
        id="spinach",
        name=LocalText("菠菜", "<Spinach>"),
        unit=LocalText("份", "pack"),
        image="/goods/spinach.svg",
        price_fen=1290,
        list_price_fen=1580,
        left=3,
        group=None,
    ),
    pinned_at_ms=0,
    media_time=None,
)
GROUP = Group("g", "spinach", "e1", 2, 30, 990, "open", 1)
ENDED = Group("g", "spinach", "e1", 2, 30, 990, "expired", 1)
CLIP = Clip("c1", "demo", "7", "spinach", None, False, False, 4_000, 9_000)
FOR_PEOPLE = {"accept": "text/html,*/*"}


@dataclass
class Table:
    """What is on the table of the room, and whether its live has a thumbnail."""

    state: RoomState = field(default_factory=RoomState)
    has_thumbnail: bool = False
    on_sale: list[Product] = field(default_factory=list)
    log_is_away: bool = False
    clip_is_hidden: bool = False

    async def open_room(self, channel: str) -> SimpleNamespace:
        """Stand in for the hub."""
        assert channel == "room:demo"
        if self.log_is_away:
            raise LogUnavailable
        return SimpleNamespace(room=SimpleNamespace(state=self.state))

    def can_make(self, room_id: str) -> bool:
        """Stand in for the thumbnails."""
        return self.has_thumbnail

    async def clip(self, room_id: str, clip_id: str) -> Clip:
        """Stand in for the recordings."""
        if clip_id != CLIP.id:
            raise NotFound("clip", clip_id)
        return replace(CLIP, hidden=self.clip_is_hidden)

    async def products(self, room_id: str) -> list[Product]:
        """Stand in for the catalogue."""
        return self.on_sale


@pytest.fixture
def table() -> Table:
    """An empty table."""
    return Table()


@pytest.fixture
def web(tmp_path: Path, table: Table) -> httpx.AsyncClient:
    """A client of a built web folder with one room."""
    (tmp_path / "assets").mkdir()
    for name in ("index", "room", "replay", "me", "host", "store"):
        (tmp_path / f"{name}.html").write_text(PAGE)
    (tmp_path / "sw.js").write_text("worker")
    (tmp_path / "app.webmanifest").write_text("{}")
    script = tmp_path / "assets" / "a-1.js"
    script.write_text("plain")
    script.with_name("a-1.js.br").write_text("br")
    script.with_name("a-1.js.gz").write_text("gzip")
    app = Starlette(
        routes=[*share_card.routes, *page_routes(tmp_path)],
        exception_handlers={HTTPException: page_or_problem},
    )
    store = SimpleNamespace(name=Text("<店>", "Shop"), address=Text("路 1 号", '1 "Road"'))
    room = SimpleNamespace(id="demo", store_id="s1", title=Text("厨房", "Kitchen & more"))
    catalogue = SimpleNamespace(
        rooms={"demo": room},
        room=lambda room_id: room,
        store=lambda store_id: store,
        estates_of=lambda room_id: [SimpleNamespace(id="e1")],
        products={"spinach": SimpleNamespace(name=Text("菠菜", "<Spinach>"))},
    )
    commerce = SimpleNamespace(catalogue=catalogue, recordings=table, products=table.products)
    app.state.services = SimpleNamespace(
        commerce=commerce,
        rooms=table,
        thumbnails=table,
        settings=SimpleNamespace(font=""),
        limits=SimpleNamespace(is_https=lambda request: False),
        drawings=Drawings(),
        rehearsals=SimpleNamespace(rooms={}),
    )
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://shop")


@pytest.mark.parametrize(
    ("header", "codings"),
    [
        ("gzip, deflate, br", ["br", "gzip"]),
        ("br;q=0, gzip;q=0.5", ["gzip"]),
        ("br;q=0.0", []),
        ("identity", []),
        ("", []),
        (";;,=", []),
    ],
)
def test_encodings_are_those_that_the_header_takes(header: str, codings: list[str]) -> None:
    assert [coding for coding, _ in accepted_encodings(header)] == codings


@pytest.mark.parametrize(("takes", "form"), [("gzip, br", "br"), ("gzip", "gzip"), ("", "plain")])
async def test_asset_is_served_in_the_smallest_form(
    web: httpx.AsyncClient, takes: str, form: str
) -> None:
    request = web.build_request("GET", "/assets/a-1.js", headers={"accept-encoding": takes})
    response = await web.send(request, stream=True)
    raw = b"".join([part async for part in response.aiter_raw()])
    assert raw == form.encode()
    assert response.headers.get("content-encoding", "plain") == form
    assert response.headers["content-type"].startswith("text/javascript")
    assert response.headers["vary"] == "Accept-Encoding"
    assert "immutable" in response.headers["cache-control"]


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/sw.js", "text/javascript"),
        ("/room.html", "text/html"),
        ("/app.webmanifest", "application/manifest+json"),
    ],
)
async def test_worker_and_what_it_keeps_are_asked_for_anew(
    web: httpx.AsyncClient, path: str, kind: str
) -> None:
    response = await web.get(path)
    assert response.headers["content-type"].startswith(kind)
    assert response.headers["cache-control"] == "no-cache"
    if kind.startswith("text/"):
        assert "frame-ancestors 'none'" in response.headers["content-security-policy"]


@pytest.mark.parametrize("path", ["/r/demo/", "/host/", "/store/", "/me/"])
async def test_trailing_slash_leads_to_the_page(web: httpx.AsyncClient, path: str) -> None:
    response = await web.get(path + "?a=1")
    assert response.status_code == 308
    assert response.headers["location"] == path.rstrip("/") + "?a=1"


async def test_wrong_path_is_a_page_for_people_and_a_problem_for_programs(
    web: httpx.AsyncClient,
) -> None:
    page = await web.get("/nowhere", headers=FOR_PEOPLE)
    assert page.status_code == 404
    assert page.headers["content-type"].startswith("text/html")
    assert 'href="/"' in page.text
    assert "frame-ancestors 'none'" in page.headers["content-security-policy"]
    for path, headers in (("/nowhere", {}), ("/r/nowhere", {}), ("/api/nowhere", FOR_PEOPLE)):
        problem = await web.get(path, headers=headers)
        assert problem.status_code == 404
        assert problem.headers["content-type"] == "application/problem+json"


async def test_room_has_its_own_title_description_and_share_picture(
    web: httpx.AsyncClient,
) -> None:
    english = await web.get("/r/demo", headers={"accept-language": "en-GB"})
    assert "<title>Shop · Kitchen &amp; more</title>" in english.text
    assert '<meta property="og:title" content="Shop · Kitchen &amp; more" />' in english.text
    assert 'content="1 &quot;Road&quot; · ' in english.text
    assert "http://shop/icons/icon-512.png" in english.text
    assert "thumbnail.jpg" not in english.text
    assert "<h1>Shop</h1>" in english.text
    assert '<html lang="en">' in english.text
    chinese = await web.get("/r/demo", headers={"accept-language": "zh-CN"})
    assert "<title>&lt;店&gt; · 厨房</title>" in chinese.text
    assert english.headers["vary"] == "Accept-Encoding, Accept-Language"


async def test_share_pictures_of_a_live_are_its_card_and_its_thumbnail(
    web: httpx.AsyncClient, table: Table
) -> None:
    table.has_thumbnail = True
    page = (await web.get("/r/demo")).text
    first, second, third = re.findall(r'og:image" content="([^"]*)"', page)
    assert first.startswith("http://shop/api/rooms/demo/card.png?language=zh&amp;v=")
    assert second == "http://shop/live/demo/thumbnail.jpg"
    assert third == "http://shop/icons/icon-512.png"


async def test_link_of_a_product_shows_a_card_that_changes_with_its_group(
    web: httpx.AsyncClient, table: Table
) -> None:
    table.on_sale = [CARD.product]
    seen = []
    for joined in (25, 26):
        group = msgspec.structs.replace(GROUP, joined=joined)
        table.state = RoomState(groups=(group,))
        shown = facts((await web.get("/r/demo?p=spinach")).text)
        assert shown["og:title"] == "&lt;店&gt; · 菠菜"
        assert f"还差 {30 - joined} 人成团" in shown["og:description"]
        card = await web.get(unescape(shown["og:image"]))
        assert (card.status_code, card.headers["content-type"]) == (200, "image/png")
        assert "max-age=86400" in card.headers["cache-control"]
        seen.append(card)
    assert seen[0].content != seen[1].content
    old = await web.get(seen[0].url, headers={"if-none-match": seen[1].headers["etag"]})
    assert old.status_code == 304
    unknown = facts((await web.get("/r/demo?p=none")).text)
    assert unknown["og:title"] == "&lt;店&gt; · 厨房" and "p=none" not in unknown["og:image"]


@pytest.mark.parametrize(
    ("groups", "price"), [((GROUP,), "¥9.90"), ((), "¥12.90"), ((ENDED,), "¥12.90")]
)
async def test_shell_of_a_room_has_product_picture_and_price_on_the_table(
    web: httpx.AsyncClient, table: Table, groups: tuple[Group, ...], price: str
) -> None:
    table.state = RoomState(cards=(CARD,), groups=groups)
    page = (await web.get("/r/demo", headers={"accept-language": "en"})).text
    shell = page[page.index('id="shell"') : page.index('id="app"')]
    assert "<h2>&lt;Spinach&gt;</h2>" in shell
    assert '<img src="/goods/spinach.svg"' in shell
    assert f"<b>{price}</b> /pack" in shell
    assert f'og:description" content="&lt;Spinach&gt; {price} · ' in page


async def test_shell_has_no_product_while_the_room_log_is_away(
    web: httpx.AsyncClient, table: Table
) -> None:
    table.log_is_away = True
    page = await web.get("/r/demo")
    assert page.status_code == 200
    assert "<h1>" in page.text
    assert "<article>" not in page.text


@pytest.mark.parametrize("path", ["/r/demo", "/", "/store"])
async def test_page_is_sent_compressed_to_those_who_take_it(
    web: httpx.AsyncClient, path: str
) -> None:
    packed = await web.get(path, headers={"accept-encoding": "gzip, br"})
    plain = await web.get(path, headers={"accept-encoding": "identity"})
    assert packed.headers["content-encoding"] == "gzip"
    assert "content-encoding" not in plain.headers
    assert packed.text == plain.text
    assert packed.headers["cache-control"] == "no-cache"


async def test_unknown_room_is_the_page_that_says_so(web: httpx.AsyncClient) -> None:
    response = await web.get("/r/nowhere", headers=FOR_PEOPLE)
    assert response.status_code == 404
    assert "shell" not in response.text.replace("<!--shell-->", "")
    assert '<div id="app">' in response.text


def facts(page: str) -> dict[str, str]:
    """What the page says of itself to messengers; of pictures the first."""
    found = re.findall(r'<meta property="([a-z:]+)" content="([^"]*)"', page)
    return dict(reversed(found))


async def test_link_of_a_clip_shows_its_product_its_frame_and_the_price(
    web: httpx.AsyncClient, table: Table
) -> None:
    table.on_sale, table.state = [CARD.product], RoomState(groups=(GROUP,))
    url = "/r/demo/replay/7?clip=c1"
    shown = facts((await web.get(url, headers={"accept-language": "en"})).text)
    assert shown["og:title"] == "Shop · &lt;Spinach&gt;"
    assert shown["og:description"].startswith("&lt;Spinach&gt; ¥9.90 · ")
    assert shown["og:image"] == "http://shop/live/demo/clips/c1.jpg?4000-9000"
    assert (shown["product:price:amount"], shown["product:price:currency"]) == ("9.90", "CNY")
    table.on_sale = []
    shown = facts((await web.get(url, headers={"accept-language": "en"})).text)
    assert shown["og:title"] == "Shop · &lt;Spinach&gt;" and "product:price:amount" not in shown


@pytest.mark.parametrize("path", ["/r/demo/replay/7?clip=no", "/r/demo/replay/8?clip=c1"])
async def test_link_of_no_clip_shows_the_room(
    web: httpx.AsyncClient, table: Table, path: str
) -> None:
    assert facts((await web.get(path)).text)["og:title"] == "&lt;店&gt; · 厨房"
    table.clip_is_hidden = True
    assert facts((await web.get("/r/demo/replay/7?clip=c1")).text)["og:title"].endswith("厨房")
