"""Routes about what is pinned in a room."""

from typing import Annotated

from pydantic import Field
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from server.access.policy import Action, require
from server.http.bodies import Body, path_id, problems, read_body, reply, services_of


class PinTime(Body):
    """When in the video a product was pinned; RTP ticks (90 kHz, 32 bits)."""

    media_time: Annotated[int | None, Field(ge=0, lt=1 << 32)] = None


async def pin(request: Request) -> Response:
    """`PUT /api/rooms/{room}/pins/{product}`: put a product on the table, open its groups."""
    services = services_of(request)
    room_id = path_id(request, "room")
    principal = services.access.principal(request)
    require(principal, Action.PIN, room_id=room_id)
    body = await read_body(request, PinTime, empty="{}")
    media_time = body.media_time
    if media_time is None:
        media_time = services.media.media_time(room_id)
    with problems():
        card = await services.commerce.groups.pin(
            room_id, path_id(request, "product"), media_time, actor=principal.subject
        )
    return reply(card)


async def unpin(request: Request) -> Response:
    """`DELETE /api/rooms/{room}/pins/{product}`: take a product off the table."""
    services = services_of(request)
    room_id = path_id(request, "room")
    principal = services.access.principal(request)
    require(principal, Action.PIN, room_id=room_id)
    with problems():
        await services.commerce.groups.unpin(
            room_id, path_id(request, "product"), actor=principal.subject
        )
    return Response(status_code=204)


routes = [
    Route("/api/rooms/{room}/pins/{product}", pin, methods=["PUT"]),
    Route("/api/rooms/{room}/pins/{product}", unpin, methods=["DELETE"]),
]
