"""Routes of flash sales: the host announces and ends them, neighbours wait for units."""

from typing import Annotated

from pydantic import Field
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from commerce.flash.sale import FlashTerms
from server.http.bodies import Body, Id, path_id, problems, read_body, reply, services_of
from server.http.shop.activities import host_of, neighbour_of

_ANY = 10_000_000  # the rules say what may be


class NewFlash(Body):
    """A price for a few units, after a countdown and for some seconds."""

    product_id: Id
    price_fen: Annotated[int, Field(ge=1, le=_ANY)]
    units: Annotated[int, Field(ge=1, le=_ANY)]
    household_limit: Annotated[int, Field(ge=1, le=_ANY)] = 1
    starts_in_s: Annotated[int, Field(ge=0, le=_ANY)] = 30
    duration_s: Annotated[int, Field(ge=1, le=_ANY)] = 300


async def open_sale(request: Request) -> Response:
    """`POST /api/rooms/{room}/flash-sales`: announce a sale; one at a time."""
    room_id, principal = await host_of(request)
    body = await read_body(request, NewFlash)
    terms = FlashTerms(
        body.price_fen, body.units, body.household_limit, body.starts_in_s, body.duration_s
    )
    with problems():
        sale = await services_of(request).commerce.activities.flash.open(
            room_id, body.product_id, terms, actor=principal.subject
        )
    return reply(sale, 201)


async def end_sale(request: Request) -> Response:
    """`POST /api/rooms/{room}/flash-sales/{sale}/end`: end it now; idempotent."""
    room_id, principal = await host_of(request)
    with problems():
        sale = await services_of(request).commerce.activities.flash.end(
            room_id, path_id(request, "sale"), actor=principal.subject
        )
    return reply(sale)


async def lowest(request: Request) -> Response:
    """`GET /api/rooms/{room}/flash-sales/lowest/{product}`: what a sale is below."""
    room_id, _ = await host_of(request)
    with problems():
        lowest_fen = await services_of(request).commerce.activities.flash.lowest(
            room_id, path_id(request, "product")
        )
    return reply({"lowest_fen": lowest_fen})


async def wait_for(request: Request) -> Response:
    """`PUT /api/rooms/{room}/flash-sales/{sale}/waiting`: wait for a unit that comes back."""
    room_id, principal = await neighbour_of(request)
    with problems():
        waiting = await services_of(request).commerce.activities.flash.wait_for(
            room_id, path_id(request, "sale"), principal.subject
        )
    return reply(waiting)


async def waiting(request: Request) -> Response:
    """`GET /api/rooms/{room}/flash-sales/{sale}/waiting`: where the household is in the list."""
    room_id, principal = await neighbour_of(request)
    with problems():
        found = await services_of(request).commerce.activities.flash.waiting_of(
            room_id, path_id(request, "sale"), principal.subject
        )
    return reply({"waiting": found})


_SALES = "/api/rooms/{room}/flash-sales"
routes = [
    Route(_SALES, open_sale, methods=["POST"]),
    Route(f"{_SALES}/lowest/{{product}}", lowest, methods=["GET"]),
    Route(f"{_SALES}/{{sale}}/end", end_sale, methods=["POST"]),
    Route(f"{_SALES}/{{sale}}/waiting", wait_for, methods=["PUT"]),
    Route(f"{_SALES}/{{sale}}/waiting", waiting, methods=["GET"]),
]
