"""Routes of the head office about presales: goods that are ordered by a cut-off."""

from typing import Annotated

from pydantic import Field
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from commerce.catalogue.values import Text
from commerce.orders.presales import ORDERS_MAX, PRODUCTS_MAX, NewPresale
from server.http.bodies import Body, Id, path_id, problems, read_body, reply
from server.http.hq.common import office
from server.http.hq.editing import Words

STORES_MAX = 500
TimeMs = Annotated[int, Field(ge=0, le=10**14)]
Capacities = Annotated[
    dict[Id, Annotated[int, Field(ge=0, le=ORDERS_MAX)]], Field(max_length=STORES_MAX)
]


class OpenPresale(Body):
    """A new presale; stores that `capacities` does not name pack what their hands can."""

    name: Words
    product_ids: Annotated[tuple[Id, ...], Field(min_length=1, max_length=PRODUCTS_MAX)]
    cut_off_ms: TimeMs
    ready_by_ms: TimeMs
    until_ms: TimeMs
    capacities: Capacities = Field(default_factory=dict)


class SetCapacities(Body):
    """How many orders stores pack in the wave."""

    capacities: Capacities


async def presales(request: Request) -> Response:
    """`GET /api/hq/presales`: the brand's presales with the places of their stores."""
    at = office(request)
    return reply({"presales": await at.commerce.presales.listed(at.brand_id)})


async def open_presale(request: Request) -> Response:
    """`POST /api/hq/presales`: its goods are ordered for its hand-over from now on."""
    at = office(request)
    body = await read_body(request, OpenPresale)
    new = NewPresale(
        Text(body.name.zh, body.name.en),
        body.product_ids,
        body.cut_off_ms,
        body.ready_by_ms,
        body.until_ms,
        body.capacities,
    )
    with problems():
        return reply(await at.commerce.presales.open(at.brand_id, at.staff_id, new), 201)


async def close_presale(request: Request) -> Response:
    """`POST /api/hq/presales/{presale}/close`: the cut-off is now; idempotent."""
    at = office(request)
    with problems():
        return reply(
            await at.commerce.presales.close(at.brand_id, at.staff_id, path_id(request, "presale"))
        )


async def cancel_presale(request: Request) -> Response:
    """`POST /api/hq/presales/{presale}/cancel`: orders end, their money goes back; idempotent."""
    at = office(request)
    with problems():
        return reply(
            await at.commerce.presales.cancel(at.brand_id, at.staff_id, path_id(request, "presale"))
        )


async def set_capacities(request: Request) -> Response:
    """`PUT /api/hq/presales/{presale}/capacities`: more or fewer places, never below the taken."""
    at = office(request)
    body = await read_body(request, SetCapacities)
    with problems():
        return reply(
            await at.commerce.presales.set_capacities(
                at.brand_id, at.staff_id, path_id(request, "presale"), body.capacities
            )
        )


routes = [
    Route("/api/hq/presales", presales, methods=["GET"]),
    Route("/api/hq/presales", open_presale, methods=["POST"]),
    Route("/api/hq/presales/{presale}/close", close_presale, methods=["POST"]),
    Route("/api/hq/presales/{presale}/cancel", cancel_presale, methods=["POST"]),
    Route("/api/hq/presales/{presale}/capacities", set_capacities, methods=["PUT"]),
]
