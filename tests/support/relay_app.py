"""The media plane behind two bare routes: enough of a server to publish to and to watch."""

import contextlib
from collections.abc import AsyncIterator

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from media.errors import MediaError, NoSuchSession
from media.io.webrtc.plane import MediaPlane, PlaneConfig
from media.io.webrtc.session import Direction, SessionInfo
from tests.support.serving import serving

ROOM = "bench"


def relay_app(plane: MediaPlane) -> Starlette:
    """Return an application that publishes and plays one room, for anybody."""

    async def publish(request: Request) -> Response:
        offer = (await request.body()).decode()
        return created(request, await plane.publish(ROOM, offer, takeover=True))

    async def play(request: Request) -> Response:
        try:
            info = await plane.play(ROOM, (await request.body()).decode())
        except MediaError as error:
            return Response(str(error), 409)
        return created(request, info)

    def created(request: Request, info: SessionInfo) -> Response:
        headers = {"Location": f"{request.url.path}/{info.id}"}
        return Response(info.answer, 201, headers, "application/sdp")

    async def delete(request: Request) -> Response:
        direction = Direction.PUBLISH if request.path_params["kind"] == "whip" else Direction.PLAY
        with contextlib.suppress(NoSuchSession):
            await plane.close_session(request.path_params["session"], ROOM, direction)
        return Response()

    async def there(_: Request) -> Response:
        return Response(status_code=204)

    session = "/live/bench/{kind}/{session}"
    return Starlette(
        routes=[
            Route("/live/bench/whip", publish, methods=["POST"]),
            Route("/live/bench/whep", play, methods=["POST"]),
            Route(session, delete, methods=["DELETE"]),
            Route(session, there, methods=["GET"]),
        ]
    )


@contextlib.asynccontextmanager
async def relay_server() -> AsyncIterator[tuple[MediaPlane, str]]:
    """Run the application at a free port; yield its plane and base URL."""
    plane = await MediaPlane.open(PlaneConfig(addresses=("127.0.0.1",)))
    try:
        async with serving(relay_app(plane)) as base_url:
            yield plane, base_url
    finally:
        await plane.close()
