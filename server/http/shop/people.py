"""Routes about people: staff who log in, and who one is."""

from typing import Annotated

from pydantic import Field
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from commerce.errors import TryAgain
from commerce.io.shop.staff_totp import Factor
from server.http.bodies import Body, read_body, reply, services_of
from server.http.login import log_in
from server.limits import LimitKind, Limits
from server.problem import Problem
from server.services import Services

CODE_CHARS_MAX = 40


class Credentials(Body):
    """A user name and a password; `code` is one of the authenticator, or a recovery code."""

    username: Annotated[str, Field(min_length=1, max_length=64)]
    password: Annotated[str, Field(min_length=1, max_length=256)]
    code: Annotated[str, Field(max_length=CODE_CHARS_MAX)] = ""


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
    needed = await _check_factor(services, staff.id, body.code)
    response = reply(log_in(services.access, staff, totp_needed=needed))
    if not device:
        secure = services.limits.is_https(request)
        services.access.devices.remember(response, body.username, secure=secure)
    return response


async def _check_factor(services: Services, staff_id: str, code: str) -> bool:
    """Check the second factor; return whether one has to be set up.

    Raises:
        Problem: 401 `code-needed` or `wrong-code`, 429 after a few wrong ones.
    """
    totp = services.commerce.staff_totp
    if code:
        await services.limits.take(LimitKind.FACTOR, staff_id)
    match await totp.check(staff_id, code):
        case Factor.NEEDED:
            raise Problem(401, "code-needed", "A code of the authenticator is needed.")
        case Factor.WRONG:
            raise Problem(401, "wrong-code", "Wrong code.", "Each code is taken once.")
    state = await totp.state(staff_id)
    return state.needed and not state.enabled


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
