"""What every answer and every page says to the browser, and who may read the figures."""

from types import SimpleNamespace
from typing import Any

import httpx
import pytest
from pydantic import SecretStr
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from server.http import health
from server.http.headers import SafeHeaders
from server.http.pages import security_headers
from server.problem import Problem, problem_handler
from server.settings import Settings


def client(app: Starlette, address: str = "127.0.0.1") -> httpx.AsyncClient:
    transport = httpx.ASGITransport(app, client=(address, 1))
    return httpx.AsyncClient(transport=transport, base_url="http://shop")


async def test_no_type_is_guessed_and_no_answer_of_the_api_is_kept() -> None:
    async def answer(request: Request) -> Response:
        return PlainTextResponse("x", headers={"Cache-Control": "no-cache"} if own else None)

    paths = ("/api/me", "/live/demo/whep", "/other")
    app = Starlette(
        routes=[Route(path, answer) for path in paths], middleware=[Middleware(SafeHeaders)]
    )
    async with client(app) as web:
        own = False
        found = [(await web.get(path)).headers for path in (*paths, "/api/nothing")]
        assert [headers["x-content-type-options"] for headers in found] == ["nosniff"] * 4
        kept = [headers.get("cache-control") for headers in found]
        assert kept == ["no-store", "no-store", None, "no-store"]
        own = True
        assert (await web.get("/api/me")).headers["cache-control"] == "no-cache"


@pytest.mark.parametrize(
    ("host", "sockets"),
    [
        ("shop.example:8443", "connect-src 'self' ws://shop.example:8443 wss://shop.example:8443;"),
        ("[::1]:8080", "connect-src 'self' ws://[::1]:8080 wss://[::1]:8080;"),
        ("x; script-src *", "connect-src 'self';"),
    ],
)
def test_a_page_opens_sockets_to_its_own_host_only(host: str, sockets: str) -> None:
    request = Request({"type": "http", "headers": [(b"host", host.encode())]})
    assert sockets in security_headers(request)["Content-Security-Policy"]


@pytest.mark.parametrize(
    ("token", "address", "headers", "status"),
    [
        ("", "127.0.0.1", {}, 200),
        ("", "::1", {}, 200),
        ("", "7.7.7.7", {}, 403),
        ("", "127.0.0.1", {"X-Forwarded-For": "127.0.0.1"}, 403),
        ("secret", "127.0.0.1", {}, 403),
        ("secret", "7.7.7.7", {"Authorization": "Bearer secret"}, 200),
        ("secret", "7.7.7.7", {"Authorization": "Bearer sécret".encode()}, 403),
    ],
)
async def test_figures_are_for_the_operator(
    monkeypatch: pytest.MonkeyPatch,
    token: str,
    address: str,
    headers: dict[str, Any],
    status: int,
) -> None:
    async def render(services: object) -> str:
        return "# HELP figures Figures.\n"

    async def no_others(target: str) -> list[str]:
        return []

    monkeypatch.setattr(health, "render", render)
    app = Starlette(
        routes=[Route("/metrics", health.metrics)], exception_handlers={Problem: problem_handler}
    )
    settings = Settings(metrics_token=SecretStr(token))
    app.state.services = SimpleNamespace(settings=settings, ask_siblings=no_others)
    async with client(app, address) as web:
        assert (await web.get("/metrics", headers=headers)).status_code == status
