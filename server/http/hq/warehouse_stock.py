"""Routes of the head office about what lies in its warehouses, and goes to stores."""

from typing import Annotated

from pydantic import Field
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from commerce.io.shop.stock.keeping import Delivery
from commerce.io.shop.stock.warehouses import WarehouseChange
from commerce.supply.lots import LotMoveKind
from server.http.bodies import Body, Id, idempotency_key, path_id, problems, read_body, reply
from server.http.hq.common import Office, office
from server.http.staff.stock import Count, NewDelivery, NewTransfer, Reason, Units

_PATH = "/api/hq/warehouses/{warehouse}/stock"


class WarehouseWriteOff(Body):
    """Units that cannot be sold, of what expires first."""

    product_id: Id
    units: Units
    reason: Annotated[Reason, Field(strict=False)]


def _change(at: Office, request: Request, product_id: str) -> WarehouseChange:
    where = path_id(request, "warehouse")
    return WarehouseChange(at.brand_id, where, product_id, at.staff_id, idempotency_key(request))


async def listing(request: Request) -> Response:
    """`GET …/stock`: what lies there, and what was sent."""
    at = office(request)
    with problems():
        stock = at.commerce.warehouse_stock
        return reply(await stock.list(at.brand_id, path_id(request, "warehouse")))


async def receive(request: Request) -> Response:
    """`POST …/stock/deliveries`: goods came."""
    at = office(request)
    body = await read_body(request, NewDelivery)
    delivery = Delivery(body.units, body.best_before_ms, body.supplier.strip(), body.cost_fen)
    change = _change(at, request, body.product_id)
    with problems():
        return reply(await at.commerce.warehouse_stock.receive(change, delivery), 201)


async def count(request: Request) -> Response:
    """`POST …/stock/counts`: units were counted."""
    at = office(request)
    body = await read_body(request, Count)
    change = _change(at, request, body.product_id)
    with problems():
        return reply(await at.commerce.warehouse_stock.count(change, body.units, body.was), 201)


async def write_off(request: Request) -> Response:
    """`POST …/stock/write-offs`: units cannot be sold."""
    at = office(request)
    body = await read_body(request, WarehouseWriteOff)
    change, reason = _change(at, request, body.product_id), LotMoveKind(body.reason.value)
    with problems():
        return reply(await at.commerce.warehouse_stock.write_off(change, body.units, reason), 201)


async def send(request: Request) -> Response:
    """`POST …/stock/transfers`: goods go to a store."""
    at = office(request)
    body = await read_body(request, NewTransfer)
    change = _change(at, request, body.product_id)
    with problems():
        stock = at.commerce.warehouse_stock
        return reply(await stock.send(change, body.units, body.to_store_id), 201)


routes = [
    Route(_PATH, listing, methods=["GET"]),
    Route(f"{_PATH}/deliveries", receive, methods=["POST"]),
    Route(f"{_PATH}/counts", count, methods=["POST"]),
    Route(f"{_PATH}/write-offs", write_off, methods=["POST"]),
    Route(f"{_PATH}/transfers", send, methods=["POST"]),
]
