"""Routes of the head office about the barcodes of products."""

from typing import Annotated

from pydantic import Field
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from server.http.bodies import Body, path_id, problems, read_body, reply
from server.http.hq.common import office

GRAMS_MAX = 99_999


class CodeDraft(Body):
    """How a code is sold: grams of a unit if by weight."""

    grams_per_unit: Annotated[int | None, Field(ge=1, le=GRAMS_MAX)] = None


async def listing(request: Request) -> Response:
    """`GET /api/hq/products/{product}/barcodes`: the codes that stand for it."""
    at = office(request)
    with problems():
        product_id = path_id(request, "product")
        found = await at.commerce.barcodes.of_product(at.brand_id, product_id)
    return reply({"barcodes": found})


async def assign(request: Request) -> Response:
    """`PUT /api/hq/products/{product}/barcodes/{code}`: a code stands for it from now on."""
    at, product_id, code = office(request), path_id(request, "product"), path_id(request, "code")
    body = await read_body(request, CodeDraft)
    with problems():
        values = (code, product_id, body.grams_per_unit, at.staff_id)
        return reply(await at.commerce.barcodes.assign(at.brand_id, *values))


async def remove(request: Request) -> Response:
    """`DELETE /api/hq/products/{product}/barcodes/{code}`: a code stands for it no more."""
    at, product_id, code = office(request), path_id(request, "product"), path_id(request, "code")
    with problems():
        await at.commerce.barcodes.remove(at.brand_id, code, product_id, at.staff_id)
    return Response(status_code=204)


routes = [
    Route("/api/hq/products/{product}/barcodes", listing, methods=["GET"]),
    Route("/api/hq/products/{product}/barcodes/{code}", assign, methods=["PUT"]),
    Route("/api/hq/products/{product}/barcodes/{code}", remove, methods=["DELETE"]),
]
