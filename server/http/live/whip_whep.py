"""WHIP (RFC 9725) to publish, WHEP (draft-ietf-wish-whep) to watch: an offer in, an answer out."""

import time
from collections.abc import Awaitable, Callable

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from media.errors import NoSuchSession, TakenOver
from media.io.webrtc.session import Direction, Session, SessionInfo
from server.access.policy import Action, require
from server.http.bodies import path_id, read_bytes, services_of
from server.http.ice_servers import links
from server.http.live import events, layers
from server.http.live.common import (
    FRAGMENT,
    SDP,
    Handler,
    media_problems,
    open_to_all,
    preflight,
    watched_room,
)
from server.limits import LimitKind
from server.problem import Problem
from server.services import Services

OFFER_BYTES_MAX = 64_000


async def publish(request: Request) -> Response:
    """`POST /live/{room}/whip`: a host's offer."""
    services, room_id = services_of(request), path_id(request, "room")
    principal = services.access.principal(request)
    require(principal, Action.PUBLISH, room_id=room_id)
    services.commerce.catalogue.room(room_id)
    await services.limits.take(LimitKind.PUBLISH, f"{principal.subject}:{room_id}")
    offer = await _read(request, SDP)
    await services.commerce.rehearsals.runs(room_id)  # before the media, this worker knows
    with media_problems():
        info = await services.media.publish(room_id, offer, takeover=not principal.standby)
    services.host_sessions.add(room_id, info.id, principal)
    return _created(services, info, f"/live/{room_id}/whip/{info.id}")


async def play(request: Request) -> Response:
    """`POST /live/{room}/whep`: a viewer's offer."""
    services, room_id, begins_ns = services_of(request), watched_room(request), time.time_ns()
    await services.limits.take(LimitKind.PLAY, services.limits.address(request))
    offer = await _read(request, SDP)
    private = room_id in services.rehearsals.rooms
    with media_problems():
        info = await services.media.play(room_id, offer, private=private)
    ends_ns = time.time_ns()
    services.latency["joins"].observe((ends_ns - begins_ns) / 1e9)
    if services.tracing is not None:
        services.tracing.record("join.answer", info.id, begins_ns, ends_ns)
    url = f"/live/{room_id}/whep/{info.id}"
    response = _created(services, info, url)
    # From the first frame on, the page delays playout by what repairs of the host's link take.
    response.headers["Server-Timing"] = f"held;dur={round(info.held_s * 1e3)}"
    response.headers.append("Link", events.link(url))
    response.headers.append("Link", layers.link(url))
    return response


async def nothing(request: Request, direction: Direction) -> Response:
    """`GET` and `HEAD`: 2xx without content (RFC 9725 section 4.1); 404 once a session is over."""
    if "session" in request.path_params:
        await _session(request, direction)
    elif request.method == "HEAD" and direction is Direction.PLAY:
        # How players find out that this is WHEP (draft-ietf-wish-whep-03 section 4.2).
        return Response(status_code=200, media_type=SDP)
    return Response(status_code=204)


async def end(request: Request, direction: Direction) -> Response:
    """`DELETE`: the host stops (RFC 9725 section 4.2), or the viewer."""
    services, room_id = services_of(request), path_id(request, "room")
    if direction is Direction.PUBLISH:
        require(services.access.principal(request), Action.PUBLISH, room_id=room_id)
    with media_problems():
        try:
            await services.media.close_session(request.path_params["session"], room_id, direction)
        except NoSuchSession as error:
            await _charge(request, error)
            raise
    return Response(status_code=200)


async def patch(request: Request, direction: Direction) -> Response:
    """`PATCH`: trickle ICE and ICE restarts (RFC 9725 section 4.3)."""
    services = services_of(request)
    if direction is Direction.PUBLISH:
        room_id = path_id(request, "room")
        require(services.access.principal(request), Action.PUBLISH, room_id=room_id)
    session = await _session(request, direction)
    await services.limits.take(LimitKind.ICE, session.id)
    if "if-match" not in request.headers:
        raise Problem(
            428,
            "no-if-match",
            "If-Match required.",
            "Send If-Match with the ETag, or * for a restart.",
        )
    text = await _read(request, FRAGMENT)
    etag = request.headers["if-match"].strip().removeprefix("W/").strip('"')
    with media_problems():
        restarted = await services.media.change_ice(session, None if etag == "*" else etag, text)
    if restarted is None:
        return Response(status_code=204)
    headers = {"ETag": f'"{restarted.etag}"'}
    return Response(restarted.answer, 200, headers, media_type=FRAGMENT)


async def _session(request: Request, direction: Direction) -> Session:
    services, room_id = services_of(request), path_id(request, "room")
    with media_problems():
        try:
            return services.media.session(request.path_params["session"], room_id, direction)
        except NoSuchSession as error:
            await _charge(request, error)
            raise


async def _charge(request: Request, error: NoSuchSession) -> None:
    """A session that is not there costs as much as a join (RFC 9725 section 5).

    One that was taken over was no guess, and a host that got 429 instead would publish again.
    """
    if isinstance(error, TakenOver):
        return
    limits = services_of(request).limits
    await limits.take(LimitKind.PLAY, limits.address(request))


async def _read(request: Request, kind: str) -> str:
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != kind:
        accept = "Accept-Post" if kind == SDP else "Accept-Patch"
        raise Problem(
            415,
            "not-sdp",
            "Unsupported media type.",
            f"Send {kind}.",
            headers={accept: kind},
        )
    body = await read_bytes(request, OFFER_BYTES_MAX)
    try:
        return body.decode()
    except UnicodeDecodeError:
        raise Problem(400, "bad-offer", "The body is not UTF-8.") from None


def _created(services: Services, info: SessionInfo, location: str) -> Response:
    headers = {"Location": location, "ETag": f'"{info.etag}"'}
    response = Response(info.answer, 201, headers, media_type=SDP)
    settings = services.settings
    secret = settings.turn_secret.get_secret_value()
    for link in links(settings.ice_servers, secret, now_s=time.time()):
        response.headers.append("Link", link)
    return response


def _routes(name: str, direction: Direction, post: Handler) -> list[Route]:
    endpoint, session = f"/live/{{room}}/{name}", f"/live/{{room}}/{name}/{{session}}"

    def of_direction(handler: Callable[[Request, Direction], Awaitable[Response]]) -> Handler:
        return open_to_all(lambda request: handler(request, direction))

    return [
        Route(endpoint, open_to_all(post), methods=["POST"]),
        Route(endpoint, preflight(SDP), methods=["OPTIONS"]),
        Route(endpoint, of_direction(nothing), methods=["GET"]),
        Route(session, of_direction(end), methods=["DELETE"]),
        Route(session, of_direction(patch), methods=["PATCH"]),
        Route(session, preflight(SDP, FRAGMENT), methods=["OPTIONS"]),
        Route(session, of_direction(nothing), methods=["GET"]),
    ]


routes = [
    *_routes("whip", Direction.PUBLISH, publish),
    *_routes("whep", Direction.PLAY, play),
    *events.routes,
    *layers.routes,
]
