"""Routes by which a host leads the audience to another live of the brand."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from server.access.policy import Action, Principal, require
from server.http.bodies import Body, Id, path_id, problems, read_body, reply, services_of


class To(Body):
    """Where the audience is led."""

    room_id: Id


async def candidates(request: Request) -> Response:
    """`GET /api/rooms/{room}/next`: the lives of the brand that the audience may be led to."""
    services = services_of(request)
    room_id, _ = _host_of(request)
    with problems():
        found = await services.commerce.next_rooms.candidates(room_id)
    stores = services.commerce.catalogue.stores
    return reply(
        {
            "rooms": [
                {
                    "room_id": room.id,
                    "title": room.title,
                    "store": stores[room.store_id].name,
                    "viewers": services.rooms.viewers(f"room:{room.id}"),
                }
                for room in found
            ]
        }
    )


async def lead(request: Request) -> Response:
    """`PUT /api/rooms/{room}/next`: all who watch are offered this room."""
    room_id, principal = _host_of(request)
    body = await read_body(request, To)
    with problems():
        found = await services_of(request).commerce.next_rooms.set(
            room_id, body.room_id, actor=principal.subject
        )
    return reply(found)


async def stay(request: Request) -> Response:
    """`DELETE /api/rooms/{room}/next`: nobody is led away any more; idempotent."""
    room_id, principal = _host_of(request)
    with problems():
        await services_of(request).commerce.next_rooms.clear(room_id, actor=principal.subject)
    return Response(status_code=204)


def _host_of(request: Request) -> tuple[str, Principal]:
    room_id = path_id(request, "room")
    principal = services_of(request).access.principal(request)
    require(principal, Action.END_LIVE, room_id=room_id)
    return room_id, principal


routes = [
    Route("/api/rooms/{room}/next", candidates, methods=["GET"]),
    Route("/api/rooms/{room}/next", lead, methods=["PUT"]),
    Route("/api/rooms/{room}/next", stay, methods=["DELETE"]),
]
