"""WHIP (RFC 9725) to publish, WHEP (draft-ietf-wish-whep) to watch: an offer in, an answer out."""

from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from media.errors import BadOffer, Busy, Full, NoSuchSession, NotLive
from media.io.session import Role, SessionInfo
from server.access import Action, require
from server.limits import LimitKind
from server.problem import Problem
from server.routes.common import path_id, problems, services_of

SDP = "application/sdp"
OFFER_BYTES_MAX = 64_000
# Pages of other origins may watch and publish: what protects a live is its token, not the origin.
CORS = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Expose-Headers": "Location, ETag, Link, Retry-After",
}
PREFLIGHT = {
    **CORS,
    "Access-Control-Allow-Methods": "OPTIONS, GET, POST, PATCH, DELETE",
    "Access-Control-Allow-Headers": "Authorization, Content-Type, If-Match",
    "Access-Control-Max-Age": "86400",
    "Accept-Post": SDP,
}

Handler = Callable[[Request], Awaitable[Response]]


def open_to_all(handler: Handler) -> Handler:
    """Add the CORS headers to every answer, problems too."""

    async def handle(request: Request) -> Response:
        try:
            with problems():
                response = await handler(request)
        except Problem as problem:
            response = problem.response()
        response.headers.update(CORS)
        return response

    return handle


async def publish(request: Request) -> Response:
    """`POST /live/{room}/whip`: a host's offer."""
    services, room_id = services_of(request), path_id(request, "room")
    principal = services.access.principal(request)
    require(principal, Action.PUBLISH, room_id=room_id)
    services.commerce.directory.check_room(room_id)
    await services.limits.take(LimitKind.PUBLISH, f"{principal.subject}:{room_id}")
    offer = await _read_offer(request)
    with _media_problems():
        info = await services.media.publish(room_id, offer, takeover=not principal.standby)
    return _created(info, f"/live/{room_id}/whip/{info.id}")


async def play(request: Request) -> Response:
    """`POST /live/{room}/whep`: a viewer's offer."""
    services, room_id = services_of(request), path_id(request, "room")
    require(services.access.principal(request), Action.WATCH, room_id=room_id)
    services.commerce.directory.check_room(room_id)
    await services.limits.take(LimitKind.PLAY, services.limits.address(request))
    offer = await _read_offer(request)
    with _media_problems():
        info = await services.media.play(room_id, offer)
    return _created(info, f"/live/{room_id}/whep/{info.id}")


async def endpoint_options(request: Request) -> Response:
    """`OPTIONS`: what may be sent here (RFC 9725 section 4.2)."""
    return Response(status_code=200, headers=PREFLIGHT)


async def nothing(request: Request) -> Response:
    """`GET` and `HEAD`: 2xx without content (RFC 9725 section 4.1); 404 once a session is over."""
    if session_id := request.path_params.get("session"):
        role = Role.PUBLISH if "/whip/" in request.url.path else Role.PLAY
        with _media_problems():
            services_of(request).media.session(session_id, path_id(request, "room"), role)
    return Response(status_code=204)


async def end_publish(request: Request) -> Response:
    """`DELETE /live/{room}/whip/{session}`: the host stops (RFC 9725 section 4.2)."""
    return await _end(request, Role.PUBLISH)


async def end_play(request: Request) -> Response:
    """`DELETE /live/{room}/whep/{session}`: the viewer stops."""
    return await _end(request, Role.PLAY)


async def patch(request: Request) -> Response:
    """`PATCH`: neither trickle nor restart is needed or supported (RFC 9725 section 4.3.1)."""
    raise Problem(
        405,
        "no-trickle",
        "Candidates need not be sent.",
        "The server learns your address from your connectivity checks.",
        headers={"Allow": "OPTIONS, GET, HEAD, DELETE"},
    )


async def _end(request: Request, role: Role) -> Response:
    services, room_id = services_of(request), path_id(request, "room")
    if role is Role.PUBLISH:
        require(services.access.principal(request), Action.PUBLISH, room_id=room_id)
    with _media_problems():
        await services.media.close_session(request.path_params["session"], room_id, role)
    return Response(status_code=200)


async def _read_offer(request: Request) -> str:
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != SDP:
        raise Problem(415, "not-sdp", f"Send the offer as {SDP}.", headers={"Accept": SDP})
    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) > OFFER_BYTES_MAX:
            raise Problem(413, "too-large", f"An offer may have {OFFER_BYTES_MAX} bytes.")
    try:
        return body.decode()
    except UnicodeDecodeError:
        raise Problem(400, "bad-offer", "The offer is not UTF-8.") from None


def _created(info: SessionInfo, location: str) -> Response:
    headers = {"Location": location, "ETag": f'"{info.etag}"'}
    return Response(info.answer, 201, headers, media_type=SDP)


@contextmanager
def _media_problems() -> Iterator[None]:
    """Translate what the media plane says into problem documents."""
    try:
        yield
    except BadOffer as error:
        status = 422 if error.well_formed else 400
        raise Problem(status, "bad-offer", "This offer cannot be answered.", error.reason) from None
    except NotLive as error:
        raise Problem(
            409, "not-live", "Nobody is live here now.", headers=_retry_after(error.retry_after_s)
        ) from None
    except Busy as error:
        raise Problem(
            409,
            "another-host",
            "Another host is live here.",
            headers=_retry_after(error.retry_after_s),
        ) from None
    except Full as error:
        raise Problem(
            503, "full", "This server is full.", headers=_retry_after(error.retry_after_s)
        ) from None
    except NoSuchSession:
        raise Problem(404, "no-such-session", "This session is over.") from None


def _retry_after(seconds: int) -> dict[str, str]:
    return {"Retry-After": str(seconds)}


def _routes(kind: str, post: Handler, delete: Handler) -> list[Route]:
    endpoint, session = f"/live/{{room}}/{kind}", f"/live/{{room}}/{kind}/{{session}}"
    return [
        Route(endpoint, open_to_all(post), methods=["POST"]),
        Route(endpoint, endpoint_options, methods=["OPTIONS"]),
        Route(endpoint, open_to_all(nothing), methods=["GET"]),
        Route(session, open_to_all(delete), methods=["DELETE"]),
        Route(session, open_to_all(patch), methods=["PATCH"]),
        Route(session, endpoint_options, methods=["OPTIONS"]),
        Route(session, open_to_all(nothing), methods=["GET"]),
    ]


routes = [*_routes("whip", publish, end_publish), *_routes("whep", play, end_play)]
