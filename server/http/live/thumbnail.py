"""The route of a live's thumbnail."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from server.http.bodies import services_of
from server.http.live.common import media_problems, open_to_all, watched_room

MAX_AGE_S = 4


async def thumbnail(request: Request) -> Response:
    """`GET /live/{room}/thumbnail.jpg`: the newest key frame, 320 pixels wide."""
    services, room_id = services_of(request), watched_room(request)
    with media_problems():
        jpeg = await services.thumbnails.jpeg(room_id)
    private = room_id in services.rehearsals.rooms
    headers = {"Cache-Control": "no-store" if private else f"public, max-age={MAX_AGE_S}"}
    return Response(jpeg, headers=headers, media_type="image/jpeg")


routes = [Route("/live/{room}/thumbnail.jpg", open_to_all(thumbnail), methods=["GET"])]
