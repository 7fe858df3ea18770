"""Routes about the list of goods of a room."""

from typing import Annotated

from pydantic import Field
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from server.http.bodies import Body, Id, open_room, problems, read_body, reply, services_of
from server.http.shop.activities import host_of


class Goods(Body):
    """Products in the order in which they are listed."""

    product_ids: Annotated[list[Id], Field(max_length=1_000)]


async def set_goods(request: Request) -> Response:
    """`PUT /api/rooms/{room}/goods`: list these goods in this order."""
    room_id, principal = await host_of(request)
    body = await read_body(request, Goods)
    with problems():
        shelf = await services_of(request).commerce.activities.shelves.set(
            room_id, body.product_ids, actor=principal.subject
        )
    return reply(shelf)


async def goods(request: Request) -> Response:
    """`GET /api/rooms/{room}/goods`: what the room lists, in the host's order."""
    shelves = services_of(request).commerce.activities.shelves
    room_id, estate_id = open_room(request), request.query_params.get("estate", "")
    with problems():
        found = await shelves.goods(room_id, estate_id)
        shelf = await shelves.shown(room_id)
    return reply({"products": found, "changed_at_ms": shelf.changed_at_ms})


routes = [
    Route("/api/rooms/{room}/goods", set_goods, methods=["PUT"]),
    Route("/api/rooms/{room}/goods", goods, methods=["GET"]),
]
