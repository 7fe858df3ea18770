"""Pages for people, problem documents for programs, and files in the smallest form."""

from pathlib import Path
from types import SimpleNamespace

import httpx
import pytest
from starlette.applications import Starlette
from starlette.exceptions import HTTPException

from commerce.catalogue.values import Text
from server.http.pages import accepted_encodings, page_or_problem, page_routes

PAGE = '<html><head><title>Linli</title></head><body><div id="app"></div></body></html>'
FOR_PEOPLE = {"accept": "text/html,*/*"}


@pytest.fixture
def web(tmp_path: Path) -> httpx.AsyncClient:
    """A client of a built web folder with one room."""
    (tmp_path / "assets").mkdir()
    for name in ("index", "room", "me", "host", "store"):
        (tmp_path / f"{name}.html").write_text(PAGE)
    script = tmp_path / "assets" / "a-1.js"
    script.write_text("plain")
    script.with_name("a-1.js.br").write_text("br")
    script.with_name("a-1.js.gz").write_text("gzip")
    app = Starlette(
        routes=page_routes(tmp_path), exception_handlers={HTTPException: page_or_problem}
    )
    store = SimpleNamespace(name=Text("<店>", "Shop"), address=Text("路 1 号", '1 "Road"'))
    room = SimpleNamespace(store_id="s1", title=Text("厨房", "Kitchen & more"))
    catalogue = SimpleNamespace(rooms={"demo": room}, store=lambda store_id: store)
    app.state.services = SimpleNamespace(commerce=SimpleNamespace(catalogue=catalogue))
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
    for path, headers in (("/nowhere", {}), ("/api/nowhere", FOR_PEOPLE)):
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
    assert '<meta property="og:image" content="http://shop/goods/logo.svg" />' in english.text
    assert "<h1>Shop</h1>" in english.text
    chinese = await web.get("/r/demo", headers={"accept-language": "zh-CN"})
    assert "<title>&lt;店&gt; · 厨房</title>" in chinese.text
    assert english.headers["vary"] == "Accept-Language"


async def test_unknown_room_is_the_page_that_says_so(web: httpx.AsyncClient) -> None:
    response = await web.get("/r/nowhere", headers=FOR_PEOPLE)
    assert response.status_code == 404
    assert '<div id="app">' in response.text
