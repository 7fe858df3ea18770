"""The browser apps and their assets, as Vite built them into web/dist.

People get pages and programs get problem documents, also where there is nothing.
"""

import re
import zlib
from http import HTTPStatus
from pathlib import Path

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import (
    HTMLResponse,
    PlainTextResponse,
    RedirectResponse,
    Response,
)
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from server.http.room_page import room_page
from server.problem import http_error_handler

# The pages run our own scripts and nobody else's; media comes over WebRTC, images from here.
SECURITY_HEADERS = {
    "Content-Security-Policy": "default-src 'self'; img-src 'self' data:; media-src 'self' blob:; "
    "style-src 'self' 'unsafe-inline'; connect-src 'self'{sockets}; frame-ancestors 'none'; "
    "base-uri 'none'; form-action 'self'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Permissions-Policy": "camera=(self), microphone=(self)",
}
NOT_BUILT = "The browser apps are not built yet. Run `make setup` once.\n"
NOT_FOUND = """<!doctype html>
<html lang="zh-CN"><meta charset="utf-8" />
<meta name="viewport" content="width=device-width, initial-scale=1" />
<title>没有这个页面 Linli</title>
<body style="margin:0;display:grid;place-content:center;min-height:100vh;text-align:center;
font:1rem/1.6 system-ui,sans-serif;background:#fbf7f0;color:#22281f">
<main><h1 style="font-size:1.3rem">没有这个页面</h1>
<p lang="en">There is no such page.</p>
<p><a href="/" style="color:#14532d">返回首页 <span lang="en">Back to the start page</span></a></p>
</main></body></html>
"""
# What `vite build` wrote beside a file, the smaller first.
ENCODINGS = (("br", ".br"), ("gzip", ".gz"))
# The window of zlib's default, with the header of a gzip file.
GZIP_WBITS = 16 + zlib.MAX_WBITS
PROGRAM_PATHS = ("/api/", "/live/", "/ws")
_HOST = re.compile(r"[A-Za-z0-9.-]+(:\d+)?|\[[0-9A-Fa-f:.]+\](:\d+)?")


def security_headers(request: Request) -> dict[str, str]:
    """Return the headers of a page, which may open sockets to this host and no other.

    Safari before 15.4 does not count `ws:` of the same host as 'self'.
    """
    host = request.headers.get("host", "")
    sockets = f" ws://{host} wss://{host}" if _HOST.fullmatch(host) else ""
    return {name: value.replace("{sockets}", sockets) for name, value in SECURITY_HEADERS.items()}


def accepted_encodings(header: str) -> list[tuple[str, str]]:
    """Return those of `ENCODINGS` that an Accept-Encoding takes (RFC 9110 section 12.5.3)."""
    taken = set()
    for item in header.lower().split(","):
        coding, _, weight = item.partition(";")
        if weight.strip().removeprefix("q=").strip("0.") or not weight:
            taken.add(coding.strip())
    return [(coding, suffix) for coding, suffix in ENCODINGS if coding in taken]


class Compressed(StaticFiles):
    """Files, each in the smallest form that was built and that the client takes."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        for coding, suffix in accepted_encodings(Headers(scope=scope).get("accept-encoding", "")):
            full_path, found = self.lookup_path(path + suffix)
            if found:
                response = self.file_response(full_path, found, scope)
                response.headers["Content-Encoding"] = coding
                break
        else:
            response = await super().get_response(path, scope)
        response.headers["Vary"] = "Accept-Encoding"
        return response


class Assets(Compressed):
    """Files whose names carry a hash of their content: cacheable for ever."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        response = await super().get_response(path, scope)
        if response.status_code == 200:
            response.headers["Cache-Control"] = "public, max-age=31536000, immutable"
        return response


class Shells(Compressed):
    """What else is in the folder: images of goods, icons, manifests, the service worker.

    The worker and the pages as built, which it keeps for when there is no network, are asked for
    anew each time, and run by the rules of pages.
    """

    async def get_response(self, path: str, scope: Scope) -> Response:
        response = await super().get_response(path, scope)
        if path.endswith((".html", ".js")):
            response.headers.update(security_headers(Request(scope)))
        if path.endswith((".html", ".js", ".webmanifest")):
            response.headers["Cache-Control"] = "no-cache"
        return response


def page_routes(web_dir: Path) -> list[BaseRoute]:
    """Return the routes of all pages, served from `web_dir`."""

    def page(name: str) -> Route:
        async def serve(request: Request) -> Response:
            if not (web_dir / name).is_file():
                return PlainTextResponse(NOT_BUILT, status_code=503)
            status, text = 200, (web_dir / name).read_text("utf-8")
            if name in ROOM_PAGES:
                status, text = await room_page(request, text)
                if status == HTTPStatus.NOT_FOUND and not _is_for_people(request):
                    raise HTTPException(status)
            headers = {**security_headers(request), "Cache-Control": "no-cache"}
            return _compressed(request, status, text, headers)

        return Route(PAGES[name], serve, methods=["GET"], name=name)

    routes: list[BaseRoute] = [page(name) for name in PAGES]
    routes += [
        Route(path + "/", _without_slash, methods=["GET"]) for path in PAGES.values() if path != "/"
    ]
    routes.append(Mount("/assets", Assets(directory=web_dir / "assets", check_dir=False)))
    routes.append(Mount("/", Shells(directory=web_dir, check_dir=False)))
    return routes


async def page_or_problem(request: Request, error: Exception) -> Response:
    """Answer Starlette's own errors: with a page for people, a problem document for programs."""
    assert isinstance(error, HTTPException)
    if not _is_for_people(request) or error.status_code != HTTPStatus.NOT_FOUND:
        return await http_error_handler(request, error)
    if request.url.path.startswith(PROGRAM_PATHS):
        return await http_error_handler(request, error)
    return HTMLResponse(NOT_FOUND, status_code=404, headers=security_headers(request))


def _is_for_people(request: Request) -> bool:
    return request.method in ("GET", "HEAD") and "text/html" in request.headers.get("accept", "")


def _compressed(request: Request, status: int, text: str, headers: dict[str, str]) -> Response:
    body = text.encode()
    headers["Vary"] = "Accept-Encoding, Accept-Language"
    if ("gzip", ".gz") in accepted_encodings(request.headers.get("accept-encoding", "")):
        headers["Content-Encoding"] = "gzip"
        body = zlib.compress(body, wbits=GZIP_WBITS)
    return HTMLResponse(body, status, headers)


async def _without_slash(request: Request) -> Response:
    # From the path alone: `//host/` would otherwise lead to another host.
    path = "/" + request.url.path.strip("/")
    query = f"?{request.url.query}" if request.url.query else ""
    return RedirectResponse(path + query, status_code=308)


PAGES = {
    "index.html": "/",
    "room.html": "/r/{room_id}",
    "replay.html": "/r/{room_id}/replay/{live_id}",
    "me.html": "/me",
    "host.html": "/host",
    "store.html": "/store",
    "hq.html": "/hq",
    "leader.html": "/leader",
    "invite.html": "/invite",
}
ROOM_PAGES = ("room.html", "replay.html")
