"""Routes about people: staff who log in, and who one is."""

from typing import Annotated

from pydantic import Field
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from commerce.errors import TryAgain
from server.access.policy import Principal, Role
from server.access.tokens import STAFF_TTL_S
from server.http.bodies import Body, read_body, reply, services_of
from server.limits import LimitKind, Limits
from server.problem import Problem


class Credentials(Body):
    """A user name and a password."""

    username: Annotated[str, Field(min_length=1, max_length=64)]
    password: Annotated[str, Field(min_length=1, max_length=256)]


async def login(request: Request) -> Response:
    """`POST /api/login`: a user name and a password become a token."""
    services = services_of(request)
    body = await read_body(request, Credentials)
    device = services.access.devices.recognise(request.cookies, body.username)
    await _limit_login(services.limits, request, body.username.lower(), device)
    try:
        staff = await services.commerce.people.login(
            body.username, body.password, known=bool(device)
        )
    except TryAgain:
        raise Problem(
            503,
            "try-again",
            "Many people log in at this moment.",
            "Please try again.",
            headers={"Retry-After": "2"},
        ) from None
    if staff is None:
        raise Problem(401, "bad-credentials", "User name or password is wrong.")
    principal = Principal(
        subject=staff.id,
        roles=frozenset(Role(role) for role in staff.roles),
        room_id=staff.room_id,
        store_id=staff.store_id,
        brand_id=staff.brand_id,
        estate_ids=staff.estate_ids,
        nickname=staff.name,
        version=staff.token_version,
    )
    response = reply(
        {
            "token": services.access.issue(principal, STAFF_TTL_S),
            "staff": {
                "id": staff.id,
                "name": staff.name,
                "roles": sorted(staff.roles),
                "room_id": staff.room_id,
                "store_id": staff.store_id,
                "estate_ids": staff.estate_ids,
            },
        }
    )
    if not device:
        secure = services.limits.is_https(request)
        services.access.devices.remember(response, body.username, secure=secure)
    return response


async def _limit_login(limits: Limits, request: Request, username: str, device: str) -> None:
    """Slow down who guesses: by device if it is known, else by address, both, and account."""
    if device:
        await limits.take(LimitKind.LOGIN_DEVICE, device)
        return
    address = limits.address(request)
    await limits.take(LimitKind.LOGIN_ADDRESS, address)
    await limits.take(LimitKind.LOGIN, f"{address}:{username}")
    await limits.take(LimitKind.LOGIN_ACCOUNT, username)


async def me(request: Request) -> Response:
    """`GET /api/me`: the token's principal."""
    principal = services_of(request).access.principal(request)
    return reply(
        {
            "subject": principal.subject,
            "roles": sorted(principal.roles),
            "nickname": principal.nickname,
            "estate_id": principal.estate_id,
            "room_id": principal.room_id,
            "store_id": principal.store_id,
        }
    )


routes = [
    Route("/api/login", login, methods=["POST"]),
    Route("/api/me", me, methods=["GET"]),
]
