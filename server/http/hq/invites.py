"""The route of the head office about invites that did not count."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from server.http.bodies import reply
from server.http.hq.common import office


async def refused(request: Request) -> Response:
    """`GET /api/hq/invites/refused`: the newest joins that did not count, with the reasons."""
    at = office(request)
    return reply({"refused": await at.commerce.invites.refused(at.brand_id)})


routes = [Route("/api/hq/invites/refused", refused, methods=["GET"])]
