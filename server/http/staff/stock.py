"""Routes about a store's stock: the list, goods received, counts, write-offs."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated

from pydantic import Field
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from commerce.io.shop.stock.keeping import Delivery, StockChange, StockKeeping
from commerce.supply.lots import LotMoveKind
from server.access.policy import Action, require
from server.http.bodies import (
    Body,
    Id,
    idempotency_key,
    path_id,
    problems,
    read_body,
    reply,
    services_of,
)
from server.problem import Problem
from server.services import Services

UNITS_MAX = 1_000_000
COST_FEN_MAX = 100_000_000
SUPPLIER_CHARS_MAX = 100
LOT_CHARS_MAX = 140
SEARCH_CHARS_MAX = 100
MS_MAX = 1 << 52

Units = Annotated[int, Field(ge=1, le=UNITS_MAX)]
Counted = Annotated[int, Field(ge=0, le=UNITS_MAX)]


class Reason(StrEnum):
    """Why units are written off; see `WRITE_OFF_REASONS`."""

    DAMAGED = LotMoveKind.DAMAGED.value
    EXPIRED = LotMoveKind.EXPIRED.value
    SHORT_WEIGHT = LotMoveKind.SHORT_WEIGHT.value
    RETURNED = LotMoveKind.RETURNED.value
    SENT_BACK = LotMoveKind.SENT_BACK.value


class NewDelivery(Body):
    """Goods of one lot that a supplier brought."""

    product_id: Id
    units: Units
    best_before_ms: Annotated[int | None, Field(ge=0, le=MS_MAX)] = None
    supplier: Annotated[str, Field(max_length=SUPPLIER_CHARS_MAX)] = ""
    cost_fen: Annotated[int | None, Field(ge=0, le=COST_FEN_MAX)] = None


class Count(Body):
    """What was counted, and what the list said was on hand when the count began."""

    product_id: Id
    units: Counted
    was: Counted


class WriteOff(Body):
    """Units that cannot be sold; of what expires first unless a lot is named."""

    product_id: Id
    units: Units
    reason: Reason
    lot_id: Annotated[str, Field(max_length=LOT_CHARS_MAX)] = ""


class NewTransfer(Body):
    """Units for another store, of what expires first."""

    product_id: Id
    units: Units
    to_store_id: Id


class Arrival(Body):
    """How many of a transfer have arrived; the rest is missing."""

    units: Counted


class NewPrice(Body):
    """What a store asks for a product."""

    price_fen: Annotated[int, Field(ge=1, le=COST_FEN_MAX)]


@dataclass(frozen=True, slots=True)
class Keeper:
    """Somebody who keeps the stock of a store."""

    stock: StockKeeping
    store_id: str
    staff_id: str

    def change(self, request: Request, product_id: str) -> StockChange:
        """Return the change that a request asks for."""
        return StockChange(self.store_id, product_id, self.staff_id, idempotency_key(request))


def store_keeper(request: Request) -> tuple[Services, str, str]:
    """Return the services, the store and who keeps stock there.

    Raises:
        Problem: 401 or 403: nobody of this store.
    """
    services = services_of(request)
    store_id = path_id(request, "store")
    principal = services.access.principal(request)
    require(principal, Action.KEEP_STOCK, store_id=store_id)
    return services, store_id, principal.subject


def keeper(request: Request) -> Keeper:
    """Return who keeps stock here; raises as `store_keeper` does."""
    services, store_id, staff_id = store_keeper(request)
    return Keeper(services.commerce.stock, store_id, staff_id)


async def listing(request: Request) -> Response:
    """`GET /api/stores/{store}/stock`: what lies in the store, by product and lot."""
    at = keeper(request)
    words = request.query_params.get("q", "")
    if len(words) > SEARCH_CHARS_MAX:
        detail = f"At most {SEARCH_CHARS_MAX} characters."
        raise Problem(422, "bad-request", "Invalid request.", detail, member="q")
    with problems():
        return reply(await at.stock.list(at.store_id, words))


async def receive(request: Request) -> Response:
    """`POST /api/stores/{store}/stock/deliveries`: goods came."""
    at = keeper(request)
    body = await read_body(request, NewDelivery)
    change = at.change(request, body.product_id)
    delivery = Delivery(body.units, body.best_before_ms, body.supplier.strip(), body.cost_fen)
    with problems():
        return reply(await at.stock.receive(change, delivery), 201)


async def count(request: Request) -> Response:
    """`POST /api/stores/{store}/stock/counts`: units were counted."""
    at = keeper(request)
    body = await read_body(request, Count)
    change = at.change(request, body.product_id)
    with problems():
        return reply(await at.stock.count(change, body.units, body.was), 201)


async def write_off(request: Request) -> Response:
    """`POST /api/stores/{store}/stock/write-offs`: units cannot be sold."""
    at = keeper(request)
    body = await read_body(request, WriteOff)
    change = at.change(request, body.product_id)
    reason = LotMoveKind(body.reason.value)
    with problems():
        return reply(await at.stock.write_off(change, body.units, reason, body.lot_id), 201)


async def transfers(request: Request) -> Response:
    """`GET /api/stores/{store}/stock/transfers`: what the store has sent or is sent."""
    at = keeper(request)
    with problems():
        found = await services_of(request).commerce.transfers.list(at.store_id)
    return reply({"transfers": found})


async def send(request: Request) -> Response:
    """`POST /api/stores/{store}/stock/transfers`: goods go to another store."""
    at = keeper(request)
    body = await read_body(request, NewTransfer)
    change = at.change(request, body.product_id)
    all_transfers = services_of(request).commerce.transfers
    with problems():
        return reply(await all_transfers.send(change, body.units, body.to_store_id), 201)


async def arrive(request: Request) -> Response:
    """`POST /api/stores/{store}/stock/transfers/{transfer}/arrival`: goods have come."""
    at = keeper(request)
    transfer_id = path_id(request, "transfer")
    body = await read_body(request, Arrival)
    all_transfers = services_of(request).commerce.transfers
    with problems():
        return reply(await all_transfers.receive(at.store_id, transfer_id, body.units, at.staff_id))


async def set_price(request: Request) -> Response:
    """`PUT /api/stores/{store}/prices/{product}`: the store's own price, within the bounds."""
    at, product_id = keeper(request), path_id(request, "product")
    body = await read_body(request, NewPrice)
    prices = services_of(request).commerce.store_prices
    with problems():
        return reply(await prices.put(at.store_id, product_id, body.price_fen, at.staff_id))


async def drop_price(request: Request) -> Response:
    """`DELETE /api/stores/{store}/prices/{product}`: what the head office asks."""
    at, product_id = keeper(request), path_id(request, "product")
    prices = services_of(request).commerce.store_prices
    with problems():
        return reply(await prices.put(at.store_id, product_id, None, at.staff_id))


routes = [
    Route("/api/stores/{store}/prices/{product}", set_price, methods=["PUT"]),
    Route("/api/stores/{store}/prices/{product}", drop_price, methods=["DELETE"]),
    Route("/api/stores/{store}/stock", listing, methods=["GET"]),
    Route("/api/stores/{store}/stock/deliveries", receive, methods=["POST"]),
    Route("/api/stores/{store}/stock/counts", count, methods=["POST"]),
    Route("/api/stores/{store}/stock/write-offs", write_off, methods=["POST"]),
    Route("/api/stores/{store}/stock/transfers", transfers, methods=["GET"]),
    Route("/api/stores/{store}/stock/transfers", send, methods=["POST"]),
    Route("/api/stores/{store}/stock/transfers/{transfer}/arrival", arrive, methods=["POST"]),
]
