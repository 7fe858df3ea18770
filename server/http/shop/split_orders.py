"""The route of an order that two stores have together: one at each, or none."""

from typing import Annotated

from pydantic import Field
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from commerce.errors import Refusal
from commerce.io.shop.orders import OrderRequest, RequestedLine
from commerce.io.shop.split_orders import PendingHalves, half_of, ids_of
from commerce.orders.lines import LINES_MAX
from commerce.orders.promise import Fulfilment
from commerce.orders.splitting import Half, check_halves
from server.access.policy import Action, require
from server.http.bodies import Body, Id, idempotency_key, problems, read_body, reply, services_of
from server.http.shop.orders import NewLine, name_product, quotas_of, require_address
from server.http.shop.phones import is_member, require_phone
from server.limits import LimitKind, Quota
from server.problem import Problem
from server.services import Services


class HalfOfOrder(Body):
    """What one of two stores is to pack, as the refusal of the whole has named it."""

    store_id: Id
    product_ids: Annotated[tuple[Id, ...], Field(min_length=1, max_length=LINES_MAX)]


class NewSplitOrder(Body):
    """Lines of different products, each in one of two halves."""

    room_id: Id
    lines: Annotated[tuple[NewLine, ...], Field(min_length=2, max_length=LINES_MAX)]
    halves: tuple[HalfOfOrder, HalfOfOrder]
    fulfilment: Fulfilment = Fulfilment.PICKUP


async def place(request: Request) -> Response:
    """`POST /api/orders/split`: 201 once the record has both orders, 202 if that takes too long."""
    services = services_of(request)
    principal = services.access.principal(request)
    require(principal, Action.ORDER)
    key = idempotency_key(request)
    await services.limits.take(LimitKind.ORDER, principal.subject)
    await require_phone(services, principal)
    body = await read_body(request, NewSplitOrder)
    if body.fulfilment is Fulfilment.DELIVERY:
        await require_address(services, principal.subject)
    first, *further = (
        RequestedLine(line.product_id, line.quantity, line.price_fen) for line in body.lines
    )
    wanted = OrderRequest(
        guest_id=principal.subject,
        estate_id=principal.estate_id,
        room_id=body.room_id,
        product_id=first.product_id,
        quantity=first.quantity,
        key=key,
        expected_price_fen=first.expected_price_fen,
        household_id=services.commerce.households.of(principal.subject),
        member=await is_member(services, principal),
        further=tuple(further),
        fulfilment=body.fulfilment,
    )
    one, other = (Half(half.store_id, half.product_ids) for half in body.halves)
    return await _place(services, request, wanted, (one, other))


async def _place(
    services: Services, request: Request, wanted: OrderRequest, halves: tuple[Half, Half]
) -> Response:
    claimed: list[tuple[list[Quota], str]] = []
    ids = ids_of(wanted.guest_id, wanted.key)
    try:
        with problems():
            check_halves([line.product_id for line in wanted.lines], halves)
            quotas = [
                await quotas_of(services, request, half_of(wanted, half, place))
                for place, half in enumerate(halves)
            ]
        for own, order_id in zip(quotas, ids, strict=True):
            await services.limits.claim(own, order_id)
            claimed.append((own, order_id))
        with problems():
            placed = await services.commerce.split_orders.place(
                wanted, halves, wait_s=services.settings.confirm_timeout_s
            )
    except Problem as problem:
        name_product(services, problem)
        if problem.status < 500 and problem.type != Refusal.KEY_REUSED:
            for own, order_id in claimed:
                await services.limits.give_back(own, order_id)
        raise
    if isinstance(placed, PendingHalves):
        return reply({"order_ids": placed.order_ids, "state": "pending"}, 202)
    return reply({"orders": placed}, 201)


routes = [Route("/api/orders/split", place, methods=["POST"])]
