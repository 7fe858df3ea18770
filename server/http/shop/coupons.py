"""Routes about the coupons of neighbours: what they have, what they may claim."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from commerce.coupons.campaigns import CODE_CHARS_MAX
from server.access.policy import Action, Principal, require
from server.http.bodies import Body, Id, problems, read_body, reply, services_of
from server.limits import LimitKind
from server.problem import Problem


class Claim(Body):
    """The campaign of which a coupon is claimed."""

    campaign_id: Id


async def wallet(request: Request) -> Response:
    """`GET /api/me/coupons`: the household's coupons, and those that it may claim now."""
    principal = await _neighbour(request)
    code = request.query_params.get("code", "")
    if len(code) > 2 * CODE_CHARS_MAX:
        raise Problem(422, "bad-request", "Invalid request.", "A code is shorter.", member="code")
    services = services_of(request)
    return reply(
        await services.commerce.coupons.wallets.wallet(principal.subject, principal.estate_id, code)
    )


async def claim(request: Request) -> Response:
    """`POST /api/me/coupons`: claim a coupon; the household's own, once or again."""
    principal = await _neighbour(request)
    body = await read_body(request, Claim)
    with problems():
        given = await services_of(request).commerce.coupons.wallets.claim(
            body.campaign_id, principal.subject, principal.estate_id
        )
    return reply(given, 201)


async def _neighbour(request: Request) -> Principal:
    """Return a guest of an estate.

    Raises:
        Problem: 401, 403, or 429.
    """
    services = services_of(request)
    principal = services.access.principal(request)
    require(principal, Action.ORDER)
    await services.limits.take(LimitKind.ACTIVITY, principal.subject)
    return principal


routes = [
    Route("/api/me/coupons", wallet, methods=["GET"]),
    Route("/api/me/coupons", claim, methods=["POST"]),
]
