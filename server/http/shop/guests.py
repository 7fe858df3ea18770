"""Routes about guests: registered once, and the same person on each of their devices."""

import secrets
from typing import Annotated

import segno
from pydantic import Field
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from commerce.catalogue.values import Guest, Registered
from server.access.moves import TTL_S
from server.access.policy import Action, Principal, Role, require
from server.access.tokens import GUEST_TTL_S
from server.http.bodies import Body, Id, problems, read_body, reply, services_of
from server.limits import LimitKind
from server.net.origins import Origin
from server.problem import Problem
from server.services import Services

NICKNAME_TYPED_CHARS_MAX = 256
"""Before it is judged; what is left may be shorter."""
SECRET_CHARS_MAX = 128
QR_BORDER = 2  # modules
DEVICE_COOKIE = "linli_guest_device"
"""Which browser an order comes from, whoever it says to be; it opens nothing."""
ROOM_DEVICE_COOKIE = "linli_room_device"
"""Which browser writes in a room; the room's socket gets it, too (server/ws/handshake.py)."""
DEVICE_BYTES = 12
DEVICE_TTL_S = 180 * 86_400


class NewGuest(Body):
    """A nickname and an estate."""

    nickname: Annotated[str, Field(max_length=NICKNAME_TYPED_CHARS_MAX)]
    estate_id: Id


class DeviceProof(Body):
    """Who a device says that it is, and the secret that it was given."""

    guest_id: Id
    device_secret: Annotated[str, Field(min_length=1, max_length=SECRET_CHARS_MAX)]


class MoveCode(Body):
    """A code as it was typed or scanned."""

    code: Annotated[str, Field(min_length=1, max_length=64)]


async def add_guest(request: Request) -> Response:
    """`POST /api/guests`: a nickname and an estate become a token, and a secret of the device."""
    services = services_of(request)
    await services.limits.take(LimitKind.JOIN, f"guest:{services.limits.address(request)}")
    body = await read_body(request, NewGuest)
    with problems():
        registered = await services.commerce.people.add_guest(body.nickname, body.estate_id)
    response = _registered(services, registered)
    if DEVICE_COOKIE not in request.cookies:
        _set_device(services, request, response, DEVICE_COOKIE, "/api")
    if ROOM_DEVICE_COOKIE not in request.cookies:
        _set_device(services, request, response, ROOM_DEVICE_COOKIE, "/")
    return response


def _set_device(
    services: Services, request: Request, response: Response, name: str, path: str
) -> None:
    response.set_cookie(
        name,
        secrets.token_urlsafe(DEVICE_BYTES),
        max_age=DEVICE_TTL_S,
        path=path,
        secure=services.limits.is_https(request),
        httponly=True,
        samesite="strict",
    )


async def refresh(request: Request) -> Response:
    """`POST /api/guests/refresh`: a device proves its guest, who gets a new token."""
    services = services_of(request)
    await services.limits.take(LimitKind.REFRESH, services.limits.address(request))
    body = await read_body(request, DeviceProof)
    with problems():
        guest = await services.commerce.people.refresh(body.guest_id, body.device_secret)
    return reply(_token(services, guest))


async def add_first_device(request: Request) -> Response:
    """`POST /api/me/devices`: a guest whose device has no secret gets one, once."""
    services = services_of(request)
    principal = services.access.principal(request)
    require(principal, Action.ORDER)
    await services.limits.take(LimitKind.MOVE, principal.subject)
    with problems():
        secret = await services.commerce.people.add_first_device(principal.subject)
    if secret is None:
        raise Problem(409, "has-device", "Device already registered.")
    return reply({"device_secret": secret}, 201)


async def start_move(request: Request) -> Response:
    """`POST /api/me/moves`: a code by which another device becomes this guest's, too."""
    services = services_of(request)
    principal = services.access.principal(request)
    require(principal, Action.ORDER)
    await services.limits.take(LimitKind.MOVE, principal.subject)
    code = await services.moves.issue(principal.subject)
    url = f"{_origin(services, request)}/me#move={code}"
    qr = segno.make(url, error="m", micro=False)
    image = qr.svg_data_uri(border=QR_BORDER, scale=4, dark="#000")
    return reply({"code": code, "url": url, "qr": image, "expires_in_s": TTL_S}, 201)


async def restore(request: Request) -> Response:
    """`POST /api/guests/restore`: a code of another device becomes a token and a secret, once."""
    services = services_of(request)
    await services.limits.take(LimitKind.RESTORE, services.limits.address(request))
    body = await read_body(request, MoveCode)
    guest_id = await services.moves.redeem(body.code)
    if guest_id is None:
        raise Problem(404, "unknown-code", "Unknown code.", "It may be used up or too old.")
    with problems():
        registered = await services.commerce.people.restore(guest_id)
    return _registered(services, registered)


def _registered(services: Services, registered: Registered) -> Response:
    device = {"device_secret": registered.device_secret}
    return reply(_token(services, registered.guest) | device, 201)


def _token(services: Services, guest: Guest) -> dict[str, object]:
    principal = Principal(
        subject=guest.id,
        roles=frozenset({Role.MEMBER}),
        estate_id=guest.estate_id,
        nickname=guest.nickname,
        born_at_s=guest.created_at_ms / 1_000,
    )
    token = services.access.issue(principal, GUEST_TTL_S)
    shown = {"id": guest.id, "nickname": guest.nickname, "estate_id": guest.estate_id}
    return {"token": token, "expires_in_s": GUEST_TTL_S, "guest": shown}


def _origin(services: Services, request: Request) -> str:
    """The origin of the page that asks; only its own reader sees the link."""
    try:
        return str(Origin.parse(request.headers["origin"]))
    except (KeyError, ValueError):
        scheme = "https" if services.limits.is_https(request) else "http"
        return f"{scheme}://{request.url.netloc}"


routes = [
    Route("/api/guests", add_guest, methods=["POST"]),
    Route("/api/guests/refresh", refresh, methods=["POST"]),
    Route("/api/guests/restore", restore, methods=["POST"]),
    Route("/api/me/devices", add_first_device, methods=["POST"]),
    Route("/api/me/moves", start_move, methods=["POST"]),
]
