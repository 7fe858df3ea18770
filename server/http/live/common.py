"""What the routes of media share: open to pages of all origins, one set of problems."""

from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager

from starlette.requests import Request
from starlette.responses import Response

from media.errors import (
    BadFragment,
    BadOffer,
    Busy,
    Full,
    NoSuchSession,
    NotForwarded,
    NotLive,
    StaleIce,
    TakenOver,
)
from server.access.policy import Action, require
from server.http.bodies import path_id, problems, services_of
from server.problem import Problem

SDP = "application/sdp"
FRAGMENT = "application/trickle-ice-sdpfrag"
# Pages of other origins may watch and publish: what protects a live is its token, not the origin.
CORS = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Expose-Headers": "Location, ETag, Link, Retry-After, Server-Timing, "
    "Accept-Post, Accept-Patch",
}

RETRY_AFTER_S = 2

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


def watched_room(request: Request) -> str:
    """Return the room whose live is asked for.

    Raises:
        NotFound: There is no such room.
        Problem: 401 `bad-token`, or 403 `rehearsal` for all but the staff of its brand.
    """
    services, room_id = services_of(request), path_id(request, "room")
    principal = services.access.principal(request)
    require(principal, Action.WATCH, room_id=room_id)
    services.commerce.catalogue.room(room_id)
    services.rehearsals.require(principal, room_id)
    if services.media.is_private(room_id) and room_id not in services.rehearsals.rooms:
        with media_problems():  # a rehearsal that ends by itself is over in a moment
            raise NotLive(RETRY_AFTER_S)
    return room_id


def preflight(accept_post: str = "", accept_patch: str = "") -> Handler:
    """Return a handler of `OPTIONS`: what may be sent here (RFC 9725 section 4.2)."""
    headers = {
        **CORS,
        "Access-Control-Allow-Methods": "OPTIONS, GET, HEAD, POST, PATCH, DELETE",
        "Access-Control-Allow-Headers": "Authorization, Content-Type, If-Match",
        "Access-Control-Max-Age": "86400",
    }
    if accept_post:
        headers["Accept-Post"] = accept_post
    if accept_patch:
        headers["Accept-Patch"] = accept_patch

    async def handle(request: Request) -> Response:
        return Response(status_code=200, headers=headers)

    return handle


@contextmanager
def media_problems() -> Iterator[None]:
    """Translate errors of the media plane into problem documents."""
    try:
        yield
    except BadOffer as error:
        status = 422 if error.well_formed else 400
        raise Problem(status, "bad-offer", "Unacceptable SDP offer.", error.reason) from None
    except BadFragment as error:
        status = 422 if error.well_formed else 400
        raise Problem(status, "bad-fragment", "Unacceptable SDP fragment.", error.reason) from None
    except StaleIce:
        raise Problem(412, "stale-ice", "ICE session changed.", "Use the newest ETag.") from None
    except NotForwarded:
        detail = "The host sends B-frames. Watch by HLS or FLV."
        raise Problem(409, "no-webrtc", "Not available by WebRTC.", detail) from None
    except NotLive as error:
        raise Problem(
            409, "not-live", "Not live.", headers=_retry_after(error.retry_after_s)
        ) from None
    except Busy as error:
        raise Problem(
            409,
            "another-host",
            "Another host is live.",
            headers=_retry_after(error.retry_after_s),
        ) from None
    except Full as error:
        raise Problem(
            503, "full", "Server full.", headers=_retry_after(error.retry_after_s)
        ) from None
    except TakenOver:
        raise Problem(410, "taken-over", "Another host has taken over this live.") from None
    except NoSuchSession:
        raise Problem(404, "no-such-session", "No such session.") from None


def _retry_after(seconds: int) -> dict[str, str]:
    return {"Retry-After": str(seconds)}
