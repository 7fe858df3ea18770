"""Routes of the delivery walk."""

from typing import Annotated

from pydantic import Field
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from commerce.io.shop.leaders.walk import WALK_MAX
from server.http.bodies import Body, Id, problems, read_body, reply
from server.http.leader.common import led

BODY_BYTES_MAX = WALK_MAX * 80


class Taken(Body):
    """Orders to take along; none stands for all that are ready for doors."""

    order_ids: Annotated[list[Id], Field(max_length=WALK_MAX)] = Field(default_factory=list)


class Brought(Body):
    """Orders that come back."""

    order_ids: Annotated[list[Id], Field(min_length=1, max_length=WALK_MAX)]


async def go_out(request: Request) -> Response:
    """`POST /api/leader/estates/{estate}/walk`: orders are out for delivery."""
    at = led(request)
    body = await read_body(request, Taken, bytes_max=BODY_BYTES_MAX, empty="{}")
    with problems():
        out = await at.leaders.walk.go_out(at.estate_id, body.order_ids, at.principal.subject)
    return reply({"order_ids": out})


async def come_back(request: Request) -> Response:
    """`POST /api/leader/estates/{estate}/walk/back`: nobody was at home, they wait again."""
    at = led(request)
    body = await read_body(request, Brought, bytes_max=BODY_BYTES_MAX)
    with problems():
        back = await at.leaders.walk.come_back(at.estate_id, body.order_ids, at.principal.subject)
    return reply({"order_ids": back})


routes = [
    Route("/api/leader/estates/{estate}/walk", go_out, methods=["POST"]),
    Route("/api/leader/estates/{estate}/walk/back", come_back, methods=["POST"]),
]
