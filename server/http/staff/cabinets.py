"""Routes about a store's cold cabinets: which there are, their keys, and marked lots."""

from typing import Annotated

from pydantic import Field
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from commerce.catalogue.food import StorageKind
from commerce.supply.cabinets import TENTHS_MAX, Range
from server.http.bodies import Body, path_id, problems, read_body, reply
from server.http.staff.stock import store_keeper

Tenths = Annotated[int, Field(ge=-TENTHS_MAX, le=TENTHS_MAX)]


class Cabinet(Body):
    """A cabinet, as the staff calls it, with the temperatures that are right, in 0.1 °C."""

    name: Annotated[str, Field(min_length=1, max_length=64)]
    storage: Annotated[StorageKind, Field(strict=False)]
    low_tenths: Tenths
    high_tenths: Tenths


async def listing(request: Request) -> Response:
    """`GET /api/stores/{store}/cabinets`: the cabinets, and lots that were marked."""
    services, store_id, _ = store_keeper(request)
    with problems():
        found, marks = await services.commerce.cabinets.list(store_id)
    return reply({"cabinets": found, "marks": marks})


async def add(request: Request) -> Response:
    """`POST /api/stores/{store}/cabinets`: a new cabinet and its key."""
    services, store_id, staff_id = store_keeper(request)
    body = await read_body(request, Cabinet)
    within = Range(body.low_tenths, body.high_tenths)
    with problems():
        made = await services.commerce.cabinets.add(
            store_id, body.name, body.storage, within, staff_id
        )
    return reply(made, 201)


async def revoke_key(request: Request) -> Response:
    """`DELETE /api/stores/{store}/cabinets/{cabinet}/key`: the cabinet is not listened to."""
    services, store_id, staff_id = store_keeper(request)
    with problems():
        await services.commerce.cabinets.revoke_key(store_id, path_id(request, "cabinet"), staff_id)
    return Response(status_code=204)


routes = [
    Route("/api/stores/{store}/cabinets", listing, methods=["GET"]),
    Route("/api/stores/{store}/cabinets", add, methods=["POST"]),
    Route("/api/stores/{store}/cabinets/{cabinet}/key", revoke_key, methods=["DELETE"]),
]
