"""Routes of a store about presales: those that it packs, its own, and its part of the others."""

from typing import Annotated

from pydantic import Field
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from commerce.catalogue.values import Text
from commerce.io.commerce import Commerce
from commerce.orders.presales import ORDERS_MAX, PRODUCTS_MAX, NewPresale
from server.access.policy import Action, Principal, require
from server.http.bodies import Body, Id, path_id, problems, read_body, reply, services_of
from server.http.hq.editing import Words
from server.problem import Problem

TimeMs = Annotated[int, Field(ge=0, le=10**14)]


class OpenPresale(Body):
    """A new presale of the store; without `orders_max` it packs what its hands can."""

    name: Words
    product_ids: Annotated[tuple[Id, ...], Field(min_length=1, max_length=PRODUCTS_MAX)]
    cut_off_ms: TimeMs
    ready_by_ms: TimeMs
    until_ms: TimeMs
    orders_max: Annotated[int | None, Field(ge=1, le=ORDERS_MAX)] = None


async def presales(request: Request) -> Response:
    """`GET /api/stores/{store}/presales`: with what the store may open one of."""
    store_id, _, commerce = _clerk(request)
    catalogue = commerce.catalogue
    brand_id = catalogue.brand_id("store", store_id)
    with problems():
        found = await commerce.presales.of_store(store_id)
    goods = [
        {"id": product.id, "name": product.name}
        for product in catalogue.products.values()
        if product.on_sale and catalogue.brand_id("product", product.id) == brand_id
    ]
    may = catalogue.brands[brand_id].store_presales
    answer = {"presales": found, "may_open": may, "products": goods if may else []}
    return reply({**answer, "now_ms": commerce.shop.clock()})


async def open_presale(request: Request) -> Response:
    """`POST /api/stores/{store}/presales`: for the store's rooms, if the brand allows it."""
    store_id, principal, commerce = _clerk(request)
    brand_id = _allowing(commerce, store_id)
    body = await read_body(request, OpenPresale)
    new = NewPresale(
        Text(body.name.zh, body.name.en),
        body.product_ids,
        body.cut_off_ms,
        body.ready_by_ms,
        body.until_ms,
        {} if body.orders_max is None else {store_id: body.orders_max},
    )
    with problems():
        made = await commerce.presales.open(brand_id, principal.subject, new, store_id)
    return reply(made, 201)


async def cancel_presale(request: Request) -> Response:
    """`POST /api/stores/{store}/presales/{presale}/cancel`: the store's part ends; idempotent."""
    store_id, principal, commerce = _clerk(request)
    brand_id, id = _allowing(commerce, store_id), path_id(request, "presale")
    with problems():
        return reply(await commerce.presales.cancel(brand_id, principal.subject, id, (store_id,)))


def _clerk(request: Request) -> tuple[str, Principal, Commerce]:
    services = services_of(request)
    store_id = path_id(request, "store")
    principal = services.access.principal(request)
    require(principal, Action.FULFIL, store_id=store_id)
    with problems():
        services.commerce.catalogue.store(store_id)
    return store_id, principal, services.commerce


def _allowing(commerce: Commerce, store_id: str) -> str:
    brand_id = commerce.catalogue.brand_id("store", store_id)
    if not commerce.catalogue.brands[brand_id].store_presales:
        raise Problem(403, "forbidden", "The brand's head office opens and cancels presales.")
    return brand_id


routes = [
    Route("/api/stores/{store}/presales", presales, methods=["GET"]),
    Route("/api/stores/{store}/presales", open_presale, methods=["POST"]),
    Route("/api/stores/{store}/presales/{presale}/cancel", cancel_presale, methods=["POST"]),
]
