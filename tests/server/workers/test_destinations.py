"""For which worker a request is."""

import re

import pytest

from server.http.live import flv, hls, replay, thumbnail, whip_whep
from server.workers.destinations import Ask, Destination, destination

SESSION = "0a1b2c02" + "-_aZ09bY" * 4


@pytest.mark.parametrize("method", ["GET", "PATCH", "DELETE", "POST"])
@pytest.mark.parametrize("kind", ["whip", "whep"])
@pytest.mark.parametrize("below", ["", "/layer", "/events"])
def test_what_belongs_to_a_session_is_for_the_worker_in_its_id(
    method: str, kind: str, below: str
) -> None:
    found = destination(method, f"/live/demo/{kind}/{SESSION}{below}")
    assert found == Destination(Ask.SESSION, "demo", "0a1b2c02")


@pytest.mark.parametrize(
    ("method", "path", "ask"),
    [
        ("POST", "/live/demo/whip", Ask.PUBLISH),
        ("POST", "/live/demo/whep", Ask.PLAY),
        ("GET", "/live/demo/hls/index.m3u8", Ask.LIVE),
        ("GET", "/live/demo.flv", Ask.LIVE),
        ("HEAD", "/live/demo/thumbnail.jpg", Ask.LIVE),
        ("GET", "/live/demo/clips/c1.jpg", Ask.LIVE),
        ("GET", "/live/demo/replay/20260101.m3u8", Ask.LIVE),
        ("GET", "/live/demo/replay/7/events.json", Ask.LIVE),
        ("GET", "/live/demo/clips/0a1b.mp4", Ask.LIVE),
        ("GET", "/live/demo/clips/0a1b.jpg", Ask.LIVE),
        ("GET", "/api/rooms/demo/recording", Ask.LIVE),
        ("POST", "/api/rooms/demo/explain", Ask.LIVE),
        ("GET", "/api/lives/demo/stats", Ask.LIVE),
        ("PUT", "/api/rooms/demo/pins/apples", Ask.LIVE),
        ("POST", "/api/rooms/demo/end", Ask.LIVE),
        ("DELETE", "/api/rooms/demo/rehearsal", Ask.LIVE),
    ],
)
def test_what_needs_the_media_is_for_the_worker_with_the_live(
    method: str, path: str, ask: Ask
) -> None:
    assert destination(method, path) == Destination(ask, "demo")


def test_every_route_of_a_live_is_for_the_worker_with_it() -> None:
    modules = (whip_whep, hls, flv, replay, thumbnail)
    parts = {"session": SESSION, "stream": "X5", "room": "demo", "live": "1", "clip": "c1"}
    parts["file"] = "i0.mp4"
    for route in (route for module in modules for route in module.routes):
        path = re.sub(r"\{(\w+)\}", lambda part: parts[part[1]], route.path)
        for method in (route.methods or set()) - {"OPTIONS"}:
            # Whether an endpoint is there says any worker.
            anywhere = method in ("GET", "HEAD") and path.endswith(("/whip", "/whep"))
            assert (destination(method, path) is None) == anywhere, (method, path)


def test_room_whose_name_ends_like_a_file_is_found() -> None:
    assert destination("GET", "/live/a.flv.flv") == Destination(Ask.LIVE, "a.flv")


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("OPTIONS", f"/live/demo/whep/{SESSION}"),
        ("OPTIONS", "/live/demo/whep"),
        ("GET", "/live/demo/whep"),
        ("GET", f"/live/demo/whep/{SESSION[1:]}"),
        ("GET", f"/live/demo/whep/{SESSION}/../../x"),
        ("GET", "/api/rooms/demo"),
        ("POST", "/api/orders"),
        ("GET", "/metrics"),
        ("GET", "/r/demo"),
    ],
)
def test_all_else_is_answered_where_it_lands(method: str, path: str) -> None:
    assert destination(method, path) is None


def test_room_names_that_are_none_are_for_nobody() -> None:
    assert destination("POST", "/live/-demo/whep") is None
    assert destination("POST", f"/live/{'x' * 65}/whep") is None
