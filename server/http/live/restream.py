"""Routes about the other platform to which a room's lives are pushed."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from media.errors import BadTarget
from media.wire.rtmp_url import is_ip_address, is_public, push_target
from server.access.policy import Action, require
from server.http.bodies import Body, path_id, problems, read_body, reply, services_of
from server.problem import Problem
from server.services import Services

KEY_END_CHARS = 4
KEY_SHOWN_FROM_CHARS = 12  # of a shorter key even its end would say too much


class RestreamBody(Body):
    """Where to push: as the other platform shows it."""

    address: str
    key: str


async def show(request: Request) -> Response:
    """`GET /api/rooms/{room}/restream`: the target without its key, and how the push goes."""
    services, room_id = _asked(request)
    target = (await services.restreams.read()).get(room_id)
    if target is None:
        return reply({"address": None, "key_end": None, "state": "off"})
    end = target.key[-KEY_END_CHARS:] if len(target.key) >= KEY_SHOWN_FROM_CHARS else ""
    state = services.restreams.state(room_id)
    return reply({"address": target.address, "key_end": end, "state": state})


async def put(request: Request) -> Response:
    """`PUT /api/rooms/{room}/restream`: push the room's lives there, from now on."""
    services, room_id = _asked(request)
    body = await read_body(request, RestreamBody)
    try:
        target = push_target(body.address, body.key)
    except BadTarget as error:
        raise Problem(422, "bad-target", "Unusable target.", error.reason) from None
    private = is_ip_address(target.host) and not is_public(target.host)
    if private and not services.settings.restream_private:
        detail = "It is an address of this machine or of its own network."
        raise Problem(422, "bad-target", "Unusable target.", detail)
    with problems():
        await services.restreams.put(room_id, target)
    return await show(request)


async def remove(request: Request) -> Response:
    """`DELETE /api/rooms/{room}/restream`: push them nowhere."""
    services, room_id = _asked(request)
    with problems():
        await services.restreams.remove(room_id)
    return Response(status_code=204)


def _asked(request: Request) -> tuple[Services, str]:
    services, room_id = services_of(request), path_id(request, "room")
    require(services.access.principal(request), Action.PUBLISH, room_id=room_id)
    services.commerce.catalogue.room(room_id)
    return services, room_id


routes = [
    Route("/api/rooms/{room}/restream", show, methods=["GET"]),
    Route("/api/rooms/{room}/restream", put, methods=["PUT"]),
    Route("/api/rooms/{room}/restream", remove, methods=["DELETE"]),
]
