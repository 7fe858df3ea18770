"""Routes about the lives that a room is going to have."""

from typing import Annotated

from pydantic import Field
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from commerce.io.shop.schedule.schedule import ScheduleFull
from server.access.policy import Action, Principal, allowed, require
from server.http.bodies import Body, Id, path_id, problems, read_body, reply, services_of
from server.problem import Problem

_TEXT_CHARS_MAX = 400  # the rules say how many of them may be shown


class NewLive(Body):
    """When a live begins, what it is about, and which goods its teaser shows."""

    title: Annotated[str, Field(max_length=_TEXT_CHARS_MAX)]
    teaser: Annotated[str, Field(max_length=_TEXT_CHARS_MAX)] = ""
    product_ids: Annotated[tuple[Id, ...], Field(max_length=16)] = ()
    starts_at_ms: Annotated[int, Field(ge=0, lt=2**53)]


async def upcoming(request: Request) -> Response:
    """`GET /api/rooms/{room}/schedule`: the lives that the room is going to have."""
    room_id = path_id(request, "room")
    with problems():
        lives = await services_of(request).commerce.schedule.upcoming(room_id)
    return reply({"lives": lives})


async def add(request: Request) -> Response:
    """`POST /api/rooms/{room}/schedule`: schedule a live."""
    room_id, principal = _planner(request)
    body = await read_body(request, NewLive)
    try:
        with problems():
            live = await services_of(request).commerce.schedule.add(
                room_id,
                body.title,
                body.teaser,
                body.product_ids,
                body.starts_at_ms,
                actor=principal.subject,
            )
    except ScheduleFull:
        raise Problem(409, "schedule-full", "Too many scheduled lives.") from None
    return reply(live, 201)


class NewTime(Body):
    """When a live begins instead."""

    starts_at_ms: Annotated[int, Field(ge=0, lt=2**53)]


async def move(request: Request) -> Response:
    """`PATCH /api/rooms/{room}/schedule/{live}`: it begins at another time."""
    room_id, principal = _planner(request)
    body = await read_body(request, NewTime)
    with problems():
        live = await services_of(request).commerce.schedule.move(
            room_id, path_id(request, "live"), body.starts_at_ms, actor=principal.subject
        )
    return reply(live)


async def cancel(request: Request) -> Response:
    """`DELETE /api/rooms/{room}/schedule/{live}`: it will not take place; idempotent."""
    room_id, principal = _planner(request)
    with problems():
        await services_of(request).commerce.schedule.cancel(
            room_id, path_id(request, "live"), actor=principal.subject
        )
    return Response(status_code=204)


def _planner(request: Request) -> tuple[str, Principal]:
    """The room, and its host or somebody of its head office."""
    services, room_id = services_of(request), path_id(request, "room")
    principal = services.access.principal(request)
    with problems():
        services.commerce.catalogue.room(room_id)
    brand_id = services.commerce.catalogue.brand_id("room", room_id)
    if not allowed(principal, Action.MANAGE_BRAND, brand_id=brand_id):
        require(principal, Action.PIN, room_id=room_id)
    return room_id, principal


routes = [
    Route("/api/rooms/{room}/schedule", upcoming, methods=["GET"]),
    Route("/api/rooms/{room}/schedule", add, methods=["POST"]),
    Route("/api/rooms/{room}/schedule/{live}", move, methods=["PATCH"]),
    Route("/api/rooms/{room}/schedule/{live}", cancel, methods=["DELETE"]),
]
