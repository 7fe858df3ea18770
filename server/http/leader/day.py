"""Routes about a leader's day."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from server.http.bodies import problems, reply
from server.http.leader.common import led


async def day(request: Request) -> Response:
    """`GET /api/leader/estates/{estate}/day`: its groups, its orders, what is to arrive."""
    at = led(request)
    with problems():
        return reply(await at.leaders.home.day(at.estate_id))


routes = [Route("/api/leader/estates/{estate}/day", day, methods=["GET"])]
