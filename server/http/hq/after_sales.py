"""Routes of the head office about refunds, claims and ratings."""

import re

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from commerce.after_sales.claims import STANDING_MS
from commerce.io.record.engine import wall_clock
from commerce.money.refund_calls import CallState
from server.http.bodies import Body, path_id, problems, read_body, reply
from server.http.hq.common import bad_member, office
from server.http.staff.claims import VerdictBody


class Moderation(Body):
    """Whether a rating is hidden, or shown with its words."""

    hidden: bool


async def refunds(request: Request) -> Response:
    """`GET /api/hq/refunds`: refund calls that wait, or those in one `state`."""
    at = office(request)
    asked = request.query_params.get("state", "")
    if asked not in ("", *CallState):
        raise bad_member("state", "queued, sent, unknown, failed or done.")
    state = CallState(asked) if asked else None
    return reply({"refunds": await at.commerce.after_sales.refunds(at.brand_id, state)})


async def retry(request: Request) -> Response:
    """`POST /api/hq/refunds/{order}/{n}/retry`: a failed call is sent again."""
    at = office(request)
    n = _number(request, "n")
    with problems():
        await at.commerce.after_sales.retry(at.brand_id, path_id(request, "order"), n, at.staff_id)
    return reply({}, 202)


async def claims(request: Request) -> Response:
    """`GET /api/hq/claims`: claims that wait, those decided lately, and faults of 30 days."""
    at = office(request)
    queue = at.commerce.claims.queue
    since_ms = wall_clock() - STANDING_MS
    return reply(
        {
            "waiting": await queue(brand_id=at.brand_id),
            "decided": await queue(brand_id=at.brand_id, waiting=False),
            "faults": await at.commerce.claims.faults(at.brand_id, since_ms),
        }
    )


async def decide(request: Request) -> Response:
    """`POST /api/hq/claims/{claim}/decision`: approve or refuse any claim of the brand."""
    at = office(request)
    verdict = (await read_body(request, VerdictBody)).verdict()
    with problems():
        shown = await at.commerce.claims.decide(
            path_id(request, "claim"), verdict, at.staff_id, brand_id=at.brand_id
        )
    return reply(shown)


async def ratings(request: Request) -> Response:
    """`GET /api/hq/ratings`: ratings, last edited first; with `held=1`, those that wait."""
    at = office(request)
    held = request.query_params.get("held") == "1"
    return reply({"ratings": await at.commerce.ratings.listed(at.brand_id, held=held)})


async def moderate(request: Request) -> Response:
    """`PUT /api/hq/ratings/{order}/{line}/{part}`: hide a rating, or show it."""
    at = office(request)
    body = await read_body(request, Moderation)
    key = path_id(request, "order"), _number(request, "line"), _number(request, "part")
    with problems():
        shown = await at.commerce.ratings.moderate(
            at.brand_id, key, hidden=body.hidden, staff_id=at.staff_id
        )
    return reply(shown)


def _number(request: Request, name: str) -> int:
    """A small number of the path; what is none names nothing."""
    found = request.path_params[name]
    return int(found) if re.fullmatch("[0-9]{1,3}", found) else -1


routes = [
    Route("/api/hq/refunds", refunds, methods=["GET"]),
    Route("/api/hq/refunds/{order}/{n}/retry", retry, methods=["POST"]),
    Route("/api/hq/claims", claims, methods=["GET"]),
    Route("/api/hq/claims/{claim}/decision", decide, methods=["POST"]),
    Route("/api/hq/ratings", ratings, methods=["GET"]),
    Route("/api/hq/ratings/{order}/{line}/{part}", moderate, methods=["PUT"]),
]
