"""Routes about a store's tills and the barcodes that they scan."""

from typing import Annotated

from pydantic import Field
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from server.http.bodies import Body, Id, path_id, problems, read_body, reply
from server.http.staff.stock import store_keeper

GRAMS_MAX = 99_999


class NewTill(Body):
    """A till, as the staff calls it."""

    name: Annotated[str, Field(min_length=1, max_length=64)]


class Assignment(Body):
    """Which product a code stands for; grams of a unit if it is sold by weight."""

    product_id: Id
    grams_per_unit: Annotated[int | None, Field(ge=1, le=GRAMS_MAX)] = None


async def listing(request: Request) -> Response:
    """`GET /api/stores/{store}/tills`: the tills of the store."""
    services, store_id, _ = store_keeper(request)
    with problems():
        return reply({"tills": await services.commerce.tills.list(store_id)})


async def add(request: Request) -> Response:
    """`POST /api/stores/{store}/tills`: a new till and its key."""
    services, store_id, staff_id = store_keeper(request)
    body = await read_body(request, NewTill)
    with problems():
        return reply(await services.commerce.tills.add(store_id, body.name, staff_id), 201)


async def renew_key(request: Request) -> Response:
    """`POST /api/stores/{store}/tills/{till}/key`: another key for a till."""
    services, store_id, staff_id = store_keeper(request)
    till_id = path_id(request, "till")
    with problems():
        return reply(await services.commerce.tills.renew_key(store_id, till_id, staff_id), 201)


async def revoke_key(request: Request) -> Response:
    """`DELETE /api/stores/{store}/tills/{till}/key`: no key for a till."""
    services, store_id, staff_id = store_keeper(request)
    till_id = path_id(request, "till")
    with problems():
        await services.commerce.tills.revoke_key(store_id, till_id, staff_id)
    return Response(status_code=204)


async def assign(request: Request) -> Response:
    """`PUT /api/stores/{store}/barcodes/{code}`: a code stands for a product."""
    services, store_id, staff_id = store_keeper(request)
    brand_id = services.commerce.catalogue.brand_id("store", store_id)
    code = path_id(request, "code")
    body = await read_body(request, Assignment)
    with problems():
        codes = services.commerce.barcodes
        values = (code, body.product_id, body.grams_per_unit, staff_id)
        return reply(await codes.assign(brand_id, *values))


async def lookup(request: Request) -> Response:
    """`GET /api/stores/{store}/barcodes/{code}`: the product that a code stands for."""
    services, store_id, _ = store_keeper(request)
    with problems():
        return reply(await services.commerce.barcodes.scan(store_id, path_id(request, "code")))


routes = [
    Route("/api/stores/{store}/tills", listing, methods=["GET"]),
    Route("/api/stores/{store}/tills", add, methods=["POST"]),
    Route("/api/stores/{store}/tills/{till}/key", renew_key, methods=["POST"]),
    Route("/api/stores/{store}/tills/{till}/key", revoke_key, methods=["DELETE"]),
    Route("/api/stores/{store}/barcodes/{code}", lookup, methods=["GET"]),
    Route("/api/stores/{store}/barcodes/{code}", assign, methods=["PUT"]),
]
