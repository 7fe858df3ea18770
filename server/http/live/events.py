"""What happens to a live, as server-sent events to a WHEP player.

The WHEP extension `urn:ietf:params:whep:ext:core:server-sent-events`: a player posts the names of
the events it wants to the address in the `Link` header, and reads the stream at the `Location` of
the answer. We know `active`, `inactive`, `viewercount` and `reconnect`.
"""

import asyncio
import json
import time
from collections.abc import AsyncIterator

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from media.errors import NoSuchSession
from media.forwarding.viewer import Viewer
from media.io.webrtc.plane import MediaPlane
from server.http.bodies import path_id, read_bytes, services_of
from server.http.live.common import media_problems, open_to_all, preflight
from server.limits import LimitKind
from server.problem import Problem

EXTENSION = "urn:ietf:params:whep:ext:core:server-sent-events"
EVENTS = ("active", "inactive", "viewercount", "reconnect")
LOOK_EVERY_S = 1.0
COMMENT_EVERY_S = 15.0  # proxies end streams that are silent for longer
BODY_BYTES_MAX = 2_000
RECONNECT_MS = 1_000


def link(session_url: str) -> str:
    """Return the value of the `Link` header that offers the extension."""
    return f'<{session_url}/events>; rel="{EXTENSION}"; events="{",".join(EVENTS)}"'


async def choose(request: Request) -> Response:
    """`POST`: which events; 201 with the stream's address."""
    viewer = _viewer(request)
    await services_of(request).limits.take(LimitKind.ICE, viewer.id)
    body = await read_bytes(request, BODY_BYTES_MAX)
    try:
        names = json.loads(body)
    except (ValueError, RecursionError):
        names = None
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise Problem(400, "bad-events", "Invalid event list.")
    known = [name for name in EVENTS if name in names]
    if not known:
        raise Problem(422, "bad-events", "Unknown events.", ", ".join(EVENTS))
    return Response(
        status_code=201, headers={"Location": f"{request.url.path}?of={','.join(known)}"}
    )


async def stream(request: Request) -> Response:
    """`GET`: the events, as long as the session lasts; one stream per session."""
    viewer = _viewer(request)
    wanted = frozenset(request.query_params.get("of", ",".join(EVENTS)).split(","))
    if viewer.events_read:
        raise Problem(409, "already-read", "Events already read.")
    media = services_of(request).media
    return StreamingResponse(
        _events(media, viewer, wanted),
        media_type="text/event-stream",
        headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
    )


async def _events(media: MediaPlane, viewer: Viewer, wanted: frozenset[str]) -> AsyncIterator[str]:
    viewer.events_read = True
    active: bool | None = None
    viewers: int | None = None
    spoken = time.monotonic()
    try:
        yield ": hello\n\n"
        while True:
            try:
                media.viewer(viewer.id, viewer.room_id)
            except NoSuchSession:
                if "reconnect" in wanted and media.closed:
                    yield _event("reconnect", {"reconnecttime": RECONNECT_MS})
                return
            now_active = media.is_watched(viewer.room_id)
            now_viewers = media.viewers(viewer.room_id)
            said = []
            if now_active is not active:
                active = now_active
                said.append(_event("active" if active else "inactive", {}))
            if now_viewers != viewers:
                viewers = now_viewers
                said.append(_event("viewercount", {"viewercount": viewers}))
            said = [event for event in said if event.split("\n", 1)[0][7:] in wanted]
            if time.monotonic() - spoken > COMMENT_EVERY_S:
                said.append(": still here\n\n")
            if said:
                spoken = time.monotonic()
                yield "".join(said)
            await asyncio.sleep(LOOK_EVERY_S)
    finally:
        viewer.events_read = False


def _event(name: str, data: dict[str, int]) -> str:
    return f"event: {name}\ndata: {json.dumps(data)}\n\n"


def _viewer(request: Request) -> Viewer:
    with media_problems():
        return services_of(request).media.viewer(
            request.path_params["session"], path_id(request, "room")
        )


PATH = "/live/{room}/whep/{session}/events"
routes = [
    Route(PATH, open_to_all(choose), methods=["POST"]),
    Route(PATH, open_to_all(stream), methods=["GET"]),
    Route(PATH, preflight("application/json"), methods=["OPTIONS"]),
]
