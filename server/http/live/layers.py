"""Which layer a WHEP player gets: listed, and chosen by the player.

The WHEP extension `urn:ietf:params:whep:ext:core:layer`: the address in the `Link` header takes the
`encodingId` (the rid) of a layer, or null for the best that the player's link carries. Beyond the
extension, `maxHeight` is the height of the player in pixels, and `GET` lists the layers.
"""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from media.errors import NoSuchLayer
from server.http.bodies import path_id, read_body, reply, services_of
from server.http.live.common import media_problems, open_to_all, preflight
from server.limits import LimitKind
from server.problem import Problem

EXTENSION = "urn:ietf:params:whep:ext:core:layer"
LINES_MAX = 16_384


class Wish(BaseModel):
    """What a player asks for. `mediaId` is the extension's: here only video has layers."""

    model_config = ConfigDict(extra="ignore")

    media_id: Annotated[str | None, Field(alias="mediaId", max_length=64)] = None
    encoding_id: Annotated[str | None, Field(alias="encodingId", max_length=64)] = None
    height_max: Annotated[int | None, Field(alias="maxHeight", ge=1, le=LINES_MAX)] = None


def link(session_url: str) -> str:
    """Return the value of the `Link` header that offers the extension."""
    return f'<{session_url}/layer>; rel="{EXTENSION}"'


async def layers(request: Request) -> Response:
    """`GET`: the layers from small to large, and which one is sent."""
    services, room_id = services_of(request), path_id(request, "room")
    with media_problems():
        viewer = services.media.viewer(request.path_params["session"], room_id)
    found = services.media.layers(viewer)
    return reply(
        {
            "layers": [
                {
                    "encodingId": layer.rid,
                    "width": layer.width,
                    "height": layer.height,
                    "bitrate": layer.bits_per_s,
                    "active": layer.flows,
                }
                for layer in found.layers
            ],
            "current": found.current,
            "chosen": viewer.link.chosen,
        }
    )


async def wish(request: Request) -> Response:
    """`POST`: which layer, or the height of the player."""
    services, room_id = services_of(request), path_id(request, "room")
    with media_problems():
        viewer = services.media.viewer(request.path_params["session"], room_id)
    await services.limits.take(LimitKind.ICE, viewer.id)
    body = await read_body(request, Wish)
    try:
        services.media.prefer_layer(viewer, body.encoding_id, body.height_max)
    except NoSuchLayer:
        raise Problem(422, "no-such-layer", "No such layer.") from None
    return Response(status_code=204)


async def unwish(request: Request) -> Response:
    """`DELETE`: whatever layer is best."""
    services, room_id = services_of(request), path_id(request, "room")
    with media_problems():
        viewer = services.media.viewer(request.path_params["session"], room_id)
    services.media.prefer_layer(viewer, None, viewer.link.height_max)
    return Response(status_code=204)


_PATH = "/live/{room}/whep/{session}/layer"
routes = [
    Route(_PATH, open_to_all(layers), methods=["GET"]),
    Route(_PATH, open_to_all(wish), methods=["POST"]),
    Route(_PATH, open_to_all(unwish), methods=["DELETE"]),
    Route(_PATH, preflight("application/json"), methods=["OPTIONS"]),
]
