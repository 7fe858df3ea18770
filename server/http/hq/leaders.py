"""Routes of the head office about leaders: the rates of their commission, and whom they serve."""

from typing import Annotated

from pydantic import Field
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from commerce.leaders.commission import WHOLE_BP, CommissionRate
from server.http.bodies import Body, Id, problems, read_body, reply
from server.http.hq.common import office

Scope = Id | Annotated[str, Field(max_length=0)]


class Rate(Body):
    """A rate in basis points; an empty id stands for all, null takes the rate away."""

    estate_id: Scope = ""
    leader_id: Scope = ""
    product_id: Scope = ""
    rate_bp: Annotated[int | None, Field(ge=0, le=WHOLE_BP)]


async def rates(request: Request) -> Response:
    """`GET /api/hq/commission-rates`: the rates of the brand."""
    at = office(request)
    with problems():
        return reply({"rates": await at.commerce.leaders.commission.rates(at.brand_id)})


async def set_rate(request: Request) -> Response:
    """`PUT /api/hq/commission-rates`: a rate is set or taken away."""
    at = office(request)
    body = await read_body(request, Rate)
    rate = CommissionRate(body.estate_id, body.leader_id, body.product_id, body.rate_bp or 0)
    commission = at.commerce.leaders.commission
    with problems():
        await commission.set_rate(at.brand_id, at.staff_id, rate, remove=body.rate_bp is None)
        return reply({"rates": await commission.rates(at.brand_id)})


async def efficiency(request: Request) -> Response:
    """`GET /api/hq/leaders/efficiency`: households that leaders served in the last 30 days."""
    at = office(request)
    with problems():
        return reply(await at.commerce.leaders.commission.efficiency(at.brand_id))


routes = [
    Route("/api/hq/commission-rates", rates, methods=["GET"]),
    Route("/api/hq/commission-rates", set_rate, methods=["PUT"]),
    Route("/api/hq/leaders/efficiency", efficiency, methods=["GET"]),
]
