"""The route about order in chats, for head office: what waits in all rooms of the brand."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from server.http.bodies import reply
from server.http.hq.common import office


async def flags(request: Request) -> Response:
    """`GET /api/hq/flags`: held and reported lines of all rooms that wait, oldest first."""
    at = office(request)
    catalogue = at.commerce.catalogue
    rooms = [id for id in catalogue.rooms if catalogue.brand_id("room", id) == at.brand_id]
    return reply({"flags": await at.commerce.moderation.lines.waiting_in(rooms)})


routes = [Route("/api/hq/flags", flags, methods=["GET"])]
