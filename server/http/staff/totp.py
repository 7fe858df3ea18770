"""Routes about one's own second factor: an authenticator app and its recovery codes."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

import segno
from pydantic import Field
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from commerce.errors import FactorIsNeeded, FactorIsOn, NotFound, TryAgain, WrongFactor
from server.access.policy import Principal, Role
from server.http.bodies import Body, read_body, reply, services_of
from server.http.login import log_in
from server.limits import LimitKind
from server.problem import Problem
from server.services import Services

CODE_CHARS_MAX = 40
QR_SCALE = 5

Code = Annotated[str, Field(min_length=1, max_length=CODE_CHARS_MAX)]


class Typed(Body):
    """A code of the app; to turn it off, a recovery code is as good."""

    code: Code


class Password(Body):
    """One's password, typed again: whoever finds a page open sets up no factor."""

    password: Annotated[str, Field(min_length=1, max_length=256)]


async def state(request: Request) -> Response:
    """`GET /api/me/totp`: whether one has an authenticator, and whether one needs it."""
    services, principal = _staff(request)
    with _problems():
        return reply(await services.commerce.staff_totp.state(principal.subject))


async def begin(request: Request) -> Response:
    """`POST /api/me/totp`: a new secret with its QR code, which the first code confirms."""
    services, principal = _staff(request)
    body = await read_body(request, Password)
    await services.limits.take(LimitKind.FACTOR, principal.subject)
    with _problems():
        if not await services.commerce.people.has_password(principal.subject, body.password):
            raise Problem(403, "bad-credentials", "The password is wrong.", member="password")
        made = await services.commerce.staff_totp.begin(principal.subject)
    return reply({"secret": made.secret, "uri": made.uri, "qr": _qr(made.uri)}, 201)


async def confirm(request: Request) -> Response:
    """`POST /api/me/totp/confirm`: it is on; recovery codes and a new log-in are in the answer."""
    services, principal = _staff(request)
    body = await read_body(request, Typed)
    await services.limits.take(LimitKind.FACTOR, principal.subject)
    with _problems():
        codes, _ = await services.commerce.staff_totp.confirm(principal.subject, body.code)
        staff = await services.commerce.people.find_staff(principal.subject)
    return reply({"recovery_codes": codes, **log_in(services.access, staff)})


async def turn_off(request: Request) -> Response:
    """`POST /api/me/totp/off`: log-in asks for the password only."""
    services, principal = _staff(request)
    body = await read_body(request, Typed)
    await services.limits.take(LimitKind.FACTOR, principal.subject)
    with _problems():
        await services.commerce.staff_totp.turn_off(principal.subject, body.code)
    return Response(status_code=204)


def _staff(request: Request) -> tuple[Services, Principal]:
    services = services_of(request)
    principal = services.access.principal(request)
    if principal.anonymous:
        raise Problem(
            401,
            "token-needed",
            "Authentication required.",
            headers={"WWW-Authenticate": 'Bearer realm="linli"'},
        )
    if principal.roles & {Role.MEMBER, Role.VIEWER}:
        raise Problem(403, "forbidden", "Forbidden.")
    return services, principal


@contextmanager
def _problems() -> Iterator[None]:
    try:
        yield
    except NotFound as error:
        raise Problem(404, f"no-such-{error.kind}", f"No such {error.kind}.") from None
    except WrongFactor:
        detail = "Type the six digits that the app shows now; each is taken once."
        raise Problem(422, "wrong-code", "Wrong code.", detail, member="code") from None
    except FactorIsOn:
        raise Problem(409, "totp-on", "There is an authenticator already.") from None
    except FactorIsNeeded:
        raise Problem(409, "totp-needed", "The brand asks its head office for it.") from None
    except TryAgain:
        raise Problem(503, "try-again", "Busy.", headers={"Retry-After": "2"}) from None


def _qr(text: str) -> str:
    """Return a QR code as an SVG data URI."""
    return str(segno.make(text, error="m", micro=False).svg_data_uri(scale=QR_SCALE))


routes = [
    Route("/api/me/totp", state, methods=["GET"]),
    Route("/api/me/totp", begin, methods=["POST"]),
    Route("/api/me/totp/confirm", confirm, methods=["POST"]),
    Route("/api/me/totp/off", turn_off, methods=["POST"]),
]
