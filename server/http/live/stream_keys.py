"""Routes about the address and key with which an encoder publishes by RTMP."""

import io

import segno
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from server.access.policy import Action, require
from server.http.bodies import path_id, problems, reply, services_of
from server.problem import Problem
from server.services import Services

QR_SCALE = 4


async def show(request: Request) -> Response:
    """`GET /api/rooms/{room}/stream-key`: the address, and when the key was made."""
    services, room_id, address = _asked(request)
    with problems():
        made_at_ms = await services.commerce.stream_keys.made_at_ms(room_id)
    return reply({"address": address, "made_at_ms": made_at_ms})


async def renew(request: Request) -> Response:
    """`POST /api/rooms/{room}/stream-key`: a new key, shown this once; the old one ends."""
    services, room_id, address = _asked(request)
    actor = services.access.principal(request).subject
    with problems():
        made = await services.commerce.stream_keys.renew(room_id, actor=actor)
    answer = {
        "address": address,
        "key": made.key,
        "made_at_ms": made.made_at_ms,
        "qr": _qr(f"{address}/{made.key}"),
    }
    return reply(answer, status=201)


async def revoke(request: Request) -> Response:
    """`DELETE /api/rooms/{room}/stream-key`: nobody publishes by RTMP until a new one is made."""
    services, room_id, _ = _asked(request)
    actor = services.access.principal(request).subject
    with problems():
        await services.commerce.stream_keys.revoke(room_id, actor=actor)
    return Response(status_code=204)


def _asked(request: Request) -> tuple[Services, str, str]:
    services, room_id = services_of(request), path_id(request, "room")
    require(services.access.principal(request), Action.PUBLISH, room_id=room_id)
    services.commerce.catalogue.room(room_id)
    port = services.settings.rtmp_port
    if port is None:
        raise Problem(404, "no-rtmp", "RTMP is off.", "Set LINLI_RTMP_PORT to switch it on.")
    host = request.url.hostname or "localhost"
    return services, room_id, f"rtmp://{f'[{host}]' if ':' in host else host}:{port}/live"


def _qr(text: str) -> str:
    """An SVG of `text`, for phones that scan it."""
    out = io.BytesIO()
    segno.make(text, error="m").save(out, kind="svg", scale=QR_SCALE, xmldecl=False)
    return out.getvalue().decode()


routes = [
    Route("/api/rooms/{room}/stream-key", show, methods=["GET"]),
    Route("/api/rooms/{room}/stream-key", renew, methods=["POST"]),
    Route("/api/rooms/{room}/stream-key", revoke, methods=["DELETE"]),
]
