"""Routes of the head office about campaigns that give coupons."""

from typing import Annotated

from pydantic import Field
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from commerce.catalogue.values import Text
from commerce.coupons.campaigns import (
    BUDGET_FEN_MAX,
    CODE_CHARS_MAX,
    ESTATES_MAX,
    PRODUCTS_MAX,
    CampaignKind,
    NewCampaign,
)
from commerce.coupons.terms import Terms
from server.http.bodies import Body, Id, path_id, problems, read_body, reply
from server.http.hq.common import office
from server.http.hq.editing import Words

Fen = Annotated[int, Field(ge=0, le=BUDGET_FEN_MAX)]
TimeMs = Annotated[int, Field(ge=0, le=10**14)]


class Campaign(Body):
    """A new campaign: an amount off, or per cent with a cap; from now on unless it says when."""

    name: Words
    kind: CampaignKind
    amount_fen: Fen = 0
    percent: Annotated[int, Field(ge=0, le=100)] = 0
    cap_fen: Fen = 0
    minimum_fen: Fen = 0
    product_ids: Annotated[tuple[Id, ...], Field(max_length=PRODUCTS_MAX)] = ()
    estate_ids: Annotated[tuple[Id, ...], Field(max_length=ESTATES_MAX)] = ()
    from_ms: TimeMs = 0
    until_ms: TimeMs
    valid_s: Annotated[int, Field(ge=0)]
    budget_fen: Fen
    code: Annotated[str, Field(max_length=CODE_CHARS_MAX)] = ""

    def wanted(self) -> NewCampaign:
        """The campaign that is asked for."""
        terms = Terms(
            self.amount_fen, self.percent, self.cap_fen, self.minimum_fen, self.product_ids
        )
        return NewCampaign(
            Text(self.name.zh, self.name.en),
            self.kind,
            terms,
            self.estate_ids,
            self.from_ms,
            self.until_ms,
            self.valid_s,
            self.budget_fen,
            self.code,
        )


async def campaigns(request: Request) -> Response:
    """`GET /api/hq/campaigns`: the brand's campaigns with what became of them, newest first."""
    at = office(request)
    return reply({"campaigns": await at.commerce.coupons.campaigns.listed(at.brand_id)})


async def add_campaign(request: Request) -> Response:
    """`POST /api/hq/campaigns`: a new campaign; its terms never change."""
    at = office(request)
    body = await read_body(request, Campaign)
    with problems():
        made = await at.commerce.coupons.campaigns.make(at.brand_id, at.staff_id, body.wanted())
    return reply(made, 201)


async def stop_campaign(request: Request) -> Response:
    """`POST /api/hq/campaigns/{campaign}/stop`: no more coupons are given; idempotent."""
    at = office(request)
    with problems():
        stopped = await at.commerce.coupons.campaigns.stop(
            at.brand_id, at.staff_id, path_id(request, "campaign")
        )
    return reply(stopped)


routes = [
    Route("/api/hq/campaigns", campaigns, methods=["GET"]),
    Route("/api/hq/campaigns", add_campaign, methods=["POST"]),
    Route("/api/hq/campaigns/{campaign}/stop", stop_campaign, methods=["POST"]),
]
