"""Routes about a store: what it is, its board, its counter."""

from dataclasses import asdict
from typing import Annotated

from pydantic import Field
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from commerce.catalogue.opening_hours import split
from commerce.errors import AtOtherStore
from server.access.policy import Action, allowed, require
from server.http.bodies import Body, path_id, problems, read_body, reply, services_of
from server.limits import LimitKind
from server.problem import Problem


class Handover(Body):
    """A pickup code as it was typed or scanned."""

    code: Annotated[str, Field(min_length=1, max_length=64)]


class Close(Body):
    """Until when a store takes no orders, in UTC ms; a time that has passed opens it again."""

    until_ms: Annotated[int, Field(ge=0, lt=1 << 53)]


async def store(request: Request) -> Response:
    """`GET /api/stores/{store}`: where goods are handed over."""
    with problems():
        catalogue = services_of(request).commerce.catalogue
        found = catalogue.store(path_id(request, "store"))
    return reply(
        {
            "id": found.id,
            "name": found.name,
            "address": found.address,
            "latitude": found.position.latitude,
            "longitude": found.position.longitude,
            "opening_hours": split(found.opening_hours),
            "closed_until_ms": found.closed_until_ms,
        }
    )


async def board(request: Request) -> Response:
    """`GET /api/stores/{store}/orders`: what the store works on, and what is still waiting."""
    services = services_of(request)
    store_id = path_id(request, "store")
    require(services.access.principal(request), Action.FULFIL, store_id=store_id)
    cursor = request.query_params.get("after")
    with problems():
        if cursor is not None:
            return reply(await services.commerce.fulfilment.handed_over(store_id, cursor))
        return reply(await services.commerce.fulfilment.board(store_id))


async def hand_over(request: Request) -> Response:
    """`POST /api/stores/{store}/handovers`: a code is redeemed, once, for all that is ready."""
    services = services_of(request)
    store_id = path_id(request, "store")
    principal = services.access.principal(request)
    require(principal, Action.FULFIL, store_id=store_id)
    # More than a busy counter needs, and far too few to try codes.
    await services.limits.take(LimitKind.HANDOVER, f"{store_id}:{principal.subject}")
    body = await read_body(request, Handover)
    commerce = services.commerce
    with problems():
        try:
            given = await commerce.fulfilment.hand_over(store_id, body.code, principal.subject)
        except AtOtherStore as error:
            other = commerce.catalogue.store(error.store_id)
            raise Problem(
                409,
                "other-store",
                "Ready at another store.",
                f"{other.name.en}, {other.address.en}",
                store={
                    "id": other.id,
                    "name": asdict(other.name),
                    "address": asdict(other.address),
                },
            ) from None
    first, *also = given
    return reply({**asdict(first), "also": also})


async def close(request: Request) -> Response:
    """`POST /api/stores/{store}/closing`: it takes no orders until then; new ones are refunded."""
    services = services_of(request)
    store_id = path_id(request, "store")
    principal = services.access.principal(request)
    brand_id = services.commerce.catalogue.brand_id("store", store_id)
    if not allowed(principal, Action.MANAGE_BRAND, brand_id=brand_id):
        require(principal, Action.FULFIL, store_id=store_id)
    body = await read_body(request, Close)
    with problems():
        return reply(
            await services.commerce.closing.close(store_id, body.until_ms, principal.subject)
        )


routes = [
    Route("/api/stores/{store}", store, methods=["GET"]),
    Route("/api/stores/{store}/orders", board, methods=["GET"]),
    Route("/api/stores/{store}/handovers", hand_over, methods=["POST"]),
    Route("/api/stores/{store}/closing", close, methods=["POST"]),
]
