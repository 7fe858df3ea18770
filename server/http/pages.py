"""The browser apps and their assets, as Vite built them into web/dist."""

import re
from pathlib import Path

from starlette.requests import Request
from starlette.responses import FileResponse, PlainTextResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

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
_HOST = re.compile(r"[A-Za-z0-9.-]+(:\d+)?|\[[0-9A-Fa-f:.]+\](:\d+)?")


def security_headers(request: Request) -> dict[str, str]:
    """Return the headers of a page, which may open sockets to this host and no other.

    Safari before 15.4 does not count `ws:` of the same host as 'self'.
    """
    host = request.headers.get("host", "")
    sockets = f" ws://{host} wss://{host}" if _HOST.fullmatch(host) else ""
    return {name: value.replace("{sockets}", sockets) for name, value in SECURITY_HEADERS.items()}


class Assets(StaticFiles):
    """Files whose names carry a hash of their content: cacheable for ever."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        response = await super().get_response(path, scope)
        if response.status_code == 200:
            response.headers["Cache-Control"] = "public, max-age=31536000, immutable"
        return response


def page_routes(web_dir: Path) -> list[BaseRoute]:
    """Return the routes of all pages, served from `web_dir`."""

    def page(name: str) -> Route | None:
        async def serve(request: Request) -> Response:
            if not (web_dir / name).is_file():
                return PlainTextResponse(NOT_BUILT, status_code=503)
            headers = {**security_headers(request), "Cache-Control": "no-cache"}
            return FileResponse(web_dir / name, headers=headers)

        return Route(PAGES[name], serve, methods=["GET"], name=name)

    routes: list[BaseRoute] = [route for name in PAGES if (route := page(name))]
    routes.append(Mount("/assets", Assets(directory=web_dir / "assets", check_dir=False)))
    # What else is in the folder: images of goods, icons, the manifest.
    routes.append(Mount("/", StaticFiles(directory=web_dir, check_dir=False)))
    return routes


PAGES = {
    "index.html": "/",
    "room.html": "/r/{room_id}",
    "me.html": "/me",
    "host.html": "/host",
    "store.html": "/store",
}
