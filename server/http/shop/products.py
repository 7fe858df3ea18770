"""Routes about what there is to buy."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from server.http.bodies import path_id, problems, reply, services_of


async def products(request: Request) -> Response:
    """`GET /api/rooms/{room}/products`: what the room sells."""
    with problems():
        commerce = services_of(request).commerce
        return reply({"products": await commerce.products(path_id(request, "room"))})


routes = [
    Route("/api/rooms/{room}/products", products, methods=["GET"]),
]
