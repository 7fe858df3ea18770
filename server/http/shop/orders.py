"""Routes about orders: the one tap, one's own orders, a clerk's moves."""

import re
from typing import Annotated

from pydantic import Field
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from commerce.errors import Refusal
from commerce.io.shop.orders import OrderRequest, Pending
from commerce.orders.gate import QUANTITY_MAX
from commerce.orders.order import OrderRow, order_id_of
from commerce.orders.states import OrderState
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
from server.http.shop.guests import DEVICE_COOKIE
from server.http.shop.phones import require_phone
from server.limits import LimitKind, Quota, QuotaScope
from server.problem import Problem
from server.services import Services

_DEVICE = re.compile(r"[A-Za-z0-9_-]{8,64}")


class NewOrder(Body):
    """One tap. `price_fen` is the price of a unit that the buyer saw; another one is refused."""

    room_id: Id
    product_id: Id
    quantity: Annotated[int, Field(ge=1, le=QUANTITY_MAX)]
    group_id: Id | None = None
    price_fen: Annotated[int | None, Field(ge=1)] = None


class Move(Body):
    """Where a clerk wants an order to go."""

    to: OrderState


async def place(request: Request) -> Response:
    """`POST /api/orders`: 201 once the record has the order, 202 if that takes too long."""
    services = services_of(request)
    principal = services.access.principal(request)
    require(principal, Action.ORDER)
    key = idempotency_key(request)
    await services.limits.take(LimitKind.ORDER, principal.subject)
    await require_phone(services, principal)
    body = await read_body(request, NewOrder)
    wanted = OrderRequest(
        guest_id=principal.subject,
        estate_id=principal.estate_id,
        room_id=body.room_id,
        product_id=body.product_id,
        quantity=body.quantity,
        key=key,
        group_id=body.group_id,
        expected_price_fen=body.price_fen,
        household_id=services.commerce.households.of(principal.subject),
    )
    order_id = order_id_of(principal.subject, key)
    with problems():
        quotas = await _quotas(services, request, wanted)
    await services.limits.claim(quotas, order_id)
    try:
        with problems():
            placed = await services.commerce.orders.place(
                wanted, wait_s=services.settings.confirm_timeout_s
            )
    except Problem as problem:
        # Undecided, the order may still be made; and a used key must not free another's units.
        if problem.status < 500 and problem.type != Refusal.KEY_REUSED:
            await services.limits.give_back(quotas, order_id)
        raise
    if isinstance(placed, Pending):
        return reply({"order_id": placed.order_id, "state": "pending"}, 202)
    return reply({"order": placed}, 201)


async def _quotas(
    services: Services, request: Request, order: OrderRequest | OrderRow
) -> list[Quota]:
    """What bounds invented neighbours: units in a live by address and device, seats by device.

    A room's live counts from its start to the start of the next one.
    """
    commerce, limits = services.commerce, services.limits
    brand = commerce.catalogue.brand_of("room", order.room_id)
    if brand is None or not limits.enabled:
        return []
    live = await commerce.lives.started_at_ms(order.room_id)
    what, units = f"{order.room_id}:{live}:{order.product_id}", order.quantity
    address = limits.address(request)
    quotas = [Quota(QuotaScope.ADDRESS, what, address, brand.units_per_address, units)]
    device = request.cookies.get(DEVICE_COOKIE, "")
    if not _DEVICE.fullmatch(device):
        return quotas
    quotas.append(Quota(QuotaScope.DEVICE_UNITS, what, device, brand.units_per_device, units))
    group_id = order.group_id or await commerce.gate.open_group(order.estate_id, order.product_id)
    if group_id:
        quotas.append(Quota(QuotaScope.DEVICE, group_id, device, brand.seats_per_device, 1))
    return quotas


async def mine(request: Request) -> Response:
    """`GET /api/me/orders`: one's own orders, newest first."""
    services = services_of(request)
    principal = services.access.principal(request)
    require(principal, Action.ORDER)
    return reply({"orders": await services.commerce.orders.mine(principal.subject)})


async def cancel(request: Request) -> Response:
    """`POST /api/orders/{order}/cancellation`: a buyer leaves a group that still waits."""
    services = services_of(request)
    principal = services.access.principal(request)
    require(principal, Action.ORDER)
    await services.limits.take(LimitKind.ORDER, principal.subject)
    with problems():
        cancelled = await services.commerce.fulfilment.cancel(
            path_id(request, "order"), principal.subject
        )
        order = await services.commerce.orders.get(cancelled.id)
        quotas = await _quotas(services, request, order)
    await services.limits.give_back(quotas, cancelled.id)
    return reply({"order": cancelled})


async def move(request: Request) -> Response:
    """`POST /api/orders/{order}/moves`: a clerk moves an order on."""
    services = services_of(request)
    principal = services.access.principal(request)
    with problems():
        order = await services.commerce.orders.get(path_id(request, "order"))
        require(principal, Action.FULFIL, store_id=order.store_id)
        body = await read_body(request, Move)
        moved = await services.commerce.fulfilment.move(order.id, body.to, principal.subject)
    return reply(moved)


routes = [
    Route("/api/orders", place, methods=["POST"]),
    Route("/api/me/orders", mine, methods=["GET"]),
    Route("/api/orders/{order}/cancellation", cancel, methods=["POST"]),
    Route("/api/orders/{order}/moves", move, methods=["POST"]),
]
