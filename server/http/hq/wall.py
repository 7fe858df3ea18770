"""The wall of the head office, as a whole."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from server.bridge.wall import shown_wall
from server.http.hq.common import office
from server.problem import Problem


async def wall(request: Request) -> Response:
    """`GET /api/hq/wall`: figures, curves, estates and lives; `hq:{brand}` pushes what changes."""
    at = office(request)
    brand = at.commerce.catalogue.only_brand  # of an operator's token, which names none
    shown = await shown_wall(at.services.redis, at.brand_id or (brand.id if brand else ""))
    if shown is None:
        raise Problem(
            503,
            "try-again",
            "The wall is not kept yet.",
            "A server with the role insight keeps it.",
            headers={"Retry-After": "2"},
        )
    return Response(shown, media_type="application/json")


routes = [Route("/api/hq/wall", wall, methods=["GET"])]
