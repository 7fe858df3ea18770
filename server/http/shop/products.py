"""Routes about what there is to buy."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from server.http.bodies import open_room, path_id, problems, reply, services_of


async def products(request: Request) -> Response:
    """`GET /api/rooms/{room}/products?estate=`: what the room sells, to that estate if given."""
    with problems():
        commerce = services_of(request).commerce
        estate = request.query_params.get("estate", "")
        return reply({"products": await commerce.products(open_room(request), estate)})


async def product(request: Request) -> Response:
    """`GET /api/rooms/{room}/products/{product}?estate=`: all about one of them."""
    with problems():
        commerce = services_of(request).commerce
        estate = request.query_params.get("estate", "")
        room_id, product_id = open_room(request), path_id(request, "product")
        return reply(await commerce.product(room_id, product_id, estate))


async def promises(request: Request) -> Response:
    """`GET /api/rooms/{room}/promises?estate=`: when and where its next order would be ready."""
    with problems():
        commerce = services_of(request).commerce
        estate = request.query_params.get("estate", "")
        return reply(await commerce.promises.of(open_room(request), estate))


routes = [
    Route("/api/rooms/{room}/promises", promises, methods=["GET"]),
    Route("/api/rooms/{room}/products/{product}", product, methods=["GET"]),
    Route("/api/rooms/{room}/products", products, methods=["GET"]),
]
