"""Routes about what there is to buy."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from server.http.bodies import path_id, problems, reply, services_of


async def products(request: Request) -> Response:
    """`GET /api/rooms/{room}/products?estate=`: what the room sells, to that estate if given."""
    with problems():
        commerce = services_of(request).commerce
        estate = request.query_params.get("estate", "")
        return reply({"products": await commerce.products(path_id(request, "room"), estate)})


routes = [
    Route("/api/rooms/{room}/products", products, methods=["GET"]),
]
