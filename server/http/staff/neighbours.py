"""Routes about the neighbours of a store: the flats that they name, which the shop confirms."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from server.access.policy import Action, require
from server.http.bodies import Body, path_id, problems, read_body, reply, services_of


class Decision(Body):
    """Whether the neighbour lives there."""

    confirmed: bool


async def claims(request: Request) -> Response:
    """`GET /api/stores/{store}/neighbours`: flats that neighbours name, waiting ones first."""
    services = services_of(request)
    store_id = path_id(request, "store")
    require(services.access.principal(request), Action.FULFIL, store_id=store_id)
    with problems():
        return reply({"neighbours": await services.commerce.households.claims(store_id)})


async def decide(request: Request) -> Response:
    """`PUT /api/stores/{store}/neighbours/{neighbour}`: the shop confirms or refuses a flat."""
    services = services_of(request)
    store_id, guest_id = path_id(request, "store"), path_id(request, "neighbour")
    principal = services.access.principal(request)
    require(principal, Action.FULFIL, store_id=store_id)
    body = await read_body(request, Decision)
    with problems():
        shown = await services.commerce.households.decide(
            store_id, guest_id, body.confirmed, principal.subject
        )
    return reply(shown)


routes = [
    Route("/api/stores/{store}/neighbours", claims, methods=["GET"]),
    Route("/api/stores/{store}/neighbours/{neighbour}", decide, methods=["PUT"]),
]
