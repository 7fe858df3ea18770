"""Recordings by HTTP: VOD playlists, MP4 files with byte ranges, clips, and what was shown when."""

import asyncio
import gzip
import re
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from commerce.catalogue.recordings import Clip
from media.errors import BlobsAway, NoSuchBlob
from media.recording.index import Index
from media.recording.replay import ReplayFile
from server.access.policy import Action, allowed, require
from server.http.bodies import path_id, problems, services_of
from server.http.live.byte_ranges import range_response, requested_range
from server.http.live.common import open_to_all, preflight
from server.problem import Problem

PLAYLIST = "application/vnd.apple.mpegurl"
# The bytes of a recording that is complete never change; the file may be deleted any day.
KEPT = "public, max-age=3600"
GROWS = "no-cache"
RETRY_AFTER_S = 5
GZIP_LEVEL = 4
_INIT = re.compile(r"i(\d{1,6})\.mp4")

Answer = Callable[[Request, str, str, Index], Awaitable[Response]]


async def playlist(request: Request, room_id: str, live_id: str, index: Index) -> Response:
    """`GET /live/{room}/replay/{live}.m3u8`: byte ranges of the MP4 file."""
    file = ReplayFile(index)
    text = file.playlist(f"{live_id}.mp4", f"{live_id}/i{{}}.mp4")
    headers = {"Cache-Control": _cacheable(request, room_id, live_id)}
    return Response(text, media_type=PLAYLIST, headers=headers)


async def movie(request: Request, room_id: str, live_id: str, index: Index) -> Response:
    """`GET /live/{room}/replay/{live}.mp4`: the whole recording as one file."""
    return await _file(request, room_id, live_id, index, live_id)


async def init(request: Request, room_id: str, live_id: str, index: Index) -> Response:
    """`GET /live/{room}/replay/{live}/i{n}.mp4`: an init segment that the playlist names."""
    match = _INIT.fullmatch(request.path_params["file"])
    if match is None or int(match[1]) >= len(index.inits):
        raise Problem(404, "not-found", "Not found.")
    data = index.inits[int(match[1])]
    return Response(data, media_type="video/mp4", headers={"Cache-Control": KEPT})


async def events(request: Request, room_id: str, live_id: str, index: Index) -> Response:
    """`GET /live/{room}/replay/{live}/events.json`: what the room showed, with its places."""
    text = await services_of(request).timeline(room_id, live_id, index)
    body = await asyncio.to_thread(gzip.compress, text, GZIP_LEVEL)
    headers = {"Content-Encoding": "gzip", "Cache-Control": "no-cache"}
    return Response(body, media_type="application/json", headers=headers)


async def clip(request: Request) -> Response:
    """`GET /live/{room}/clips/{clip}.mp4`: the minutes of one product."""
    services, room_id = services_of(request), path_id(request, "room")
    found = await visible_clip(request, room_id)
    with recording_problems():
        index = await services.recordings.index(room_id, found.live_id)
        part = index.part(found.start_ms / 1e3, found.end_ms / 1e3)
        if not part.fragments:
            raise NoSuchBlob(found.id)
        name = found.title or found.product_id
        return await _file(request, room_id, found.live_id, part, name, from_zero=True)


async def clip_thumbnail(request: Request) -> Response:
    """`GET /live/{room}/clips/{clip}.jpg`: a frame of the clip, 320 pixels wide."""
    services, room_id = services_of(request), path_id(request, "room")
    found = await visible_clip(request, room_id)
    with recording_problems():
        start_s, end_s = found.start_ms / 1e3, found.end_ms / 1e3
        jpeg = await services.clip_thumbnails.jpeg(room_id, found.live_id, start_s, end_s)
    return Response(jpeg, media_type="image/jpeg", headers={"Cache-Control": KEPT})


async def visible_clip(request: Request, room_id: str) -> Clip:
    """Return the clip that a path names; one that is hidden is there for the host alone."""
    services = services_of(request)
    principal = services.access.principal(request)
    require(principal, Action.WATCH, room_id=room_id)
    with problems():
        found = await services.commerce.recordings.clip(room_id, path_id(request, "clip"))
    if found.hidden and not allowed(principal, Action.EDIT_REPLAY, room_id=room_id):
        raise Problem(404, "no-such-clip", "No such clip.")
    return found


@contextmanager
def recording_problems() -> Iterator[None]:
    """Translate errors of the blob store into problem documents."""
    try:
        yield
    except NoSuchBlob:
        raise Problem(404, "no-such-live", "No such recording.") from None
    except BlobsAway:
        headers = {"Retry-After": str(RETRY_AFTER_S)}
        title = "Temporarily unavailable."
        raise Problem(503, "try-again", title, headers=headers) from None


async def _file(
    request: Request,
    room_id: str,
    live_id: str,
    index: Index,
    name: str,
    *,
    from_zero: bool = False,
) -> Response:
    file = ReplayFile(index, from_zero=from_zero)
    etag = f'"{live_id}-{index.start}-{file.size}"'
    wanted = requested_range(request, file.size, etag)
    headers = {"Cache-Control": _cacheable(request, room_id, live_id), "ETag": etag}
    if "download" in request.query_params:
        plain = re.sub(r"[^A-Za-z0-9._-]", "_", name)
        headers["Content-Disposition"] = f'attachment; filename="{plain}.mp4"'
    plan = [] if request.method == "HEAD" else list(file.read_plan(wanted.start, wanted.end))
    pieces = services_of(request).recordings.read(room_id, live_id, plan)
    return await range_response(wanted, file.size, pieces, headers, "video/mp4")


def _cacheable(request: Request, room_id: str, live_id: str) -> str:
    grows = services_of(request).recordings.find(room_id, live_id) is not None
    return GROWS if grows else KEPT


def _of_recording(answer: Answer) -> Callable[[Request], Awaitable[Response]]:
    async def handle(request: Request) -> Response:
        services, room_id = services_of(request), path_id(request, "room")
        require(services.access.principal(request), Action.WATCH, room_id=room_id)
        services.commerce.catalogue.room(room_id)
        live_id = path_id(request, "live")
        with recording_problems():
            index = await services.recordings.index(room_id, live_id)
            if not index.fragments:
                raise NoSuchBlob(live_id)
            return await answer(request, room_id, live_id, index)

    return open_to_all(handle)


_REPLAY = "/live/{room}/replay/{live}"
routes = [
    Route(_REPLAY + ".m3u8", _of_recording(playlist), methods=["GET"]),
    Route(_REPLAY + ".mp4", _of_recording(movie), methods=["GET"]),
    Route(_REPLAY + "/events.json", _of_recording(events), methods=["GET"]),
    Route(_REPLAY + "/{file}", _of_recording(init), methods=["GET"]),
    Route("/live/{room}/clips/{clip}.mp4", open_to_all(clip), methods=["GET"]),
    Route("/live/{room}/clips/{clip}.jpg", open_to_all(clip_thumbnail), methods=["GET"]),
    Route("/live/{room}/clips/{clip}.mp4", preflight(), methods=["OPTIONS"]),
    Route(_REPLAY + ".mp4", preflight(), methods=["OPTIONS"]),
    Route(_REPLAY + ".m3u8", preflight(), methods=["OPTIONS"]),
    Route(_REPLAY + "/{file}", preflight(), methods=["OPTIONS"]),
]
