"""The route of what leaders share: the poster of a group."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from server.http.bodies import path_id, problems
from server.http.leader.common import led
from server.http.share.poster import group_poster


async def poster(request: Request) -> Response:
    """`GET …/groups/{group}/poster.png`: picture, price, what the group lacks, QR of its room."""
    at = led(request)
    with problems():
        shared = await at.leaders.home.shared(at.estate_id, path_id(request, "group"))
    return await group_poster(request, shared, f"/r/{shared.shown.room_id}")


routes = [
    Route("/api/leader/estates/{estate}/groups/{group}/poster.png", poster, methods=["GET"]),
]
