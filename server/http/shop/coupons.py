"""Routes about the coupons of neighbours: what they have, what they may claim."""

from typing import Annotated

from pydantic import Field
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from commerce.coupons.campaigns import CODE_CHARS_MAX, PIECES_MAX, RELEASE_S_MAX
from server.access.policy import Action, Principal, require
from server.http.bodies import Body, Id, path_id, problems, read_body, reply, services_of
from server.limits import LimitKind
from server.problem import Problem


class Claim(Body):
    """The campaign of which a coupon is claimed, and the room of one for staying."""

    campaign_id: Id
    room_id: Id | None = None


async def wallet(request: Request) -> Response:
    """`GET /api/me/coupons`: the household's coupons, and those that it may claim now."""
    principal = await _neighbour(request)
    code = request.query_params.get("code", "")
    if len(code) > 2 * CODE_CHARS_MAX:
        raise Problem(422, "bad-request", "Invalid request.", "A code is shorter.", member="code")
    services = services_of(request)
    return reply(
        await services.commerce.coupons.wallets.wallet(principal.subject, principal.estate_id, code)
    )


async def claim(request: Request) -> Response:
    """`POST /api/me/coupons`: claim a coupon; the household's own, once or again."""
    principal = await _neighbour(request)
    body = await read_body(request, Claim)
    with problems():
        coupons = services_of(request).commerce.coupons
        room_id, who = body.room_id, principal.subject
        stayed_s = await coupons.stays.stayed_s(room_id, who) if room_id else 0
        given = await coupons.wallets.claim(
            body.campaign_id, who, principal.estate_id, stayed_s=stayed_s
        )
    return reply(given, 201)


class NewRelease(Body):
    """So many coupons of a campaign for a room, for so many seconds."""

    campaign_id: Id
    pieces: Annotated[int, Field(ge=1, le=PIECES_MAX)]
    duration_s: Annotated[int, Field(ge=1, le=RELEASE_S_MAX)] = 120


async def choices(request: Request) -> Response:
    """`GET /api/rooms/{room}/coupons`: the campaigns that a host may release now."""
    room_id, _ = _host(request)
    with problems():
        found = await services_of(request).commerce.coupons.releases.choices(room_id)
    return reply({"campaigns": found})


async def release(request: Request) -> Response:
    """`POST /api/rooms/{room}/coupons`: coupons for whoever taps first; one release at a time."""
    room_id, principal = _host(request)
    body = await read_body(request, NewRelease)
    with problems():
        opened = await services_of(request).commerce.coupons.releases.open(
            room_id, principal.subject, body.campaign_id, body.pieces, body.duration_s
        )
    return reply(opened, 201)


async def close(request: Request) -> Response:
    """`POST /api/rooms/{room}/coupons/{release}/close`: end it now; idempotent."""
    room_id, _ = _host(request)
    with problems():
        closed = await services_of(request).commerce.coupons.releases.close(
            room_id, path_id(request, "release")
        )
    return reply(closed)


async def claim_piece(request: Request) -> Response:
    """`POST /api/rooms/{room}/coupons/{release}/claim`: one piece for the household."""
    principal, room_id = await _neighbour(request), path_id(request, "room")
    services = services_of(request)
    estates = services.commerce.catalogue.estates_of(room_id)
    if principal.estate_id not in {estate.id for estate in estates}:
        raise Problem(403, "other-estate", "This room is for other estates.")
    with problems():
        given = await services.commerce.coupons.releases.claim(
            room_id, path_id(request, "release"), principal.subject, principal.estate_id
        )
    return reply(given, 201)


async def stay(request: Request) -> Response:
    """`PUT /api/rooms/{room}/stay`: a page is here, and says so every 30 s."""
    principal, room_id = await _neighbour(request), path_id(request, "room")
    services = services_of(request)
    catalogue = services.commerce.catalogue
    with problems():
        catalogue.room(room_id)
        if principal.estate_id:
            catalogue.require_one_brand(room_id, ("estate", principal.estate_id))
    return reply(
        {"stayed_s": await services.commerce.coupons.stays.seen(room_id, principal.subject)}
    )


def _host(request: Request) -> tuple[str, Principal]:
    room_id = path_id(request, "room")
    principal = services_of(request).access.principal(request)
    require(principal, Action.PIN, room_id=room_id)
    return room_id, principal


async def _neighbour(request: Request) -> Principal:
    """Return a guest of an estate.

    Raises:
        Problem: 401, 403, or 429.
    """
    services = services_of(request)
    principal = services.access.principal(request)
    require(principal, Action.ORDER)
    await services.limits.take(LimitKind.ACTIVITY, principal.subject)
    return principal


routes = [
    Route("/api/me/coupons", wallet, methods=["GET"]),
    Route("/api/me/coupons", claim, methods=["POST"]),
    Route("/api/rooms/{room}/coupons", choices, methods=["GET"]),
    Route("/api/rooms/{room}/coupons", release, methods=["POST"]),
    Route("/api/rooms/{room}/coupons/{release}/close", close, methods=["POST"]),
    Route("/api/rooms/{room}/coupons/{release}/claim", claim_piece, methods=["POST"]),
    Route("/api/rooms/{room}/stay", stay, methods=["PUT"]),
]
