"""HTTP-FLV: a live as one answer that ends with it."""

import asyncio
from collections.abc import MutableMapping
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from media.errors import Full, NotPackaged
from media.io.flv.road import FlvRoad
from server.http.bodies import services_of
from server.http.live.common import media_problems, open_to_all, preflight, watched_room
from server.limits import LimitKind
from server.net.outlet import Outlet
from server.problem import Problem

RETRY_AFTER_S = 2


async def watch(request: Request) -> Response:
    """`GET /live/{room}.flv`: from the newest key frame on."""
    services, room_id = services_of(request), watched_room(request)
    await services.limits.take(LimitKind.PLAY, services.limits.address(request))
    outlet = Outlet.of(request.scope)
    if outlet is None:
        detail = "A live has no end: use HTTP/1.1, which sends it in chunks."
        raise Problem(505, "http-version", "HTTP version not supported.", detail)
    with media_problems():
        if not services.media.load.accepts_viewers:
            raise Full(RETRY_AFTER_S)
        try:
            services.hls.open(room_id)
        except NotPackaged:
            detail = "The host sends VP8; FLV carries H.264."
            raise Problem(409, "no-flv", "Not available by FLV.", detail) from None
    return FlvAnswer(services.flv, room_id, outlet)


class FlvAnswer(Response):
    """Ends when the live does, or the viewer leaves."""

    media_type = "video/x-flv"

    def __init__(self, road: FlvRoad, room_id: str, outlet: Outlet) -> None:
        super().__init__()
        del self.headers["content-length"]
        self._road, self._room_id, self._outlet = road, room_id, outlet

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See ASGI."""
        start: MutableMapping[str, Any] = {
            "type": "http.response.start",
            "status": self.status_code,
            "headers": self.raw_headers,
        }
        await send(start)
        if scope["method"] != "HEAD":
            with self._road.watching(self._room_id, self._outlet):
                await self._watched(receive)
        await send({"type": "http.response.body", "body": b""})

    async def _watched(self, receive: Receive) -> None:
        leaves = asyncio.create_task(_disconnected(receive), name="flv viewer")
        ends = asyncio.create_task(self._outlet.ended.wait(), name="flv live")
        try:
            await asyncio.wait({leaves, ends}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            leaves.cancel()
            ends.cancel()


async def _disconnected(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


routes = [
    Route("/live/{room}.flv", open_to_all(watch), methods=["GET"]),
    Route("/live/{room}.flv", preflight(), methods=["OPTIONS"]),
]
