"""Routes about orders: the one tap, one's own orders, a clerk's moves."""

import re
import time
from dataclasses import replace
from typing import Annotated

from pydantic import Field, model_validator
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from commerce.coupons.campaigns import CODE_CHARS_MAX
from commerce.errors import Refusal
from commerce.io.shop.coupons.wallet import AppliedCoupon, CouponChoice
from commerce.io.shop.orders import OrderRequest, Pending, RequestedLine
from commerce.io.shop.payments.payers import LOGIN_CODE_CHARS_MAX
from commerce.io.shop.payments.payers import PayingPage as Page
from commerce.orders.lines import LINES_MAX
from commerce.orders.order import OrderRow, order_id_of
from commerce.orders.promise import Fulfilment
from commerce.orders.rerouting import RerouteReason
from commerce.orders.states import OrderState
from commerce.orders.tap import QUANTITY_MAX
from server.access.policy import Action, allowed, require
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
from server.http.shop.phones import is_member, require_phone
from server.limits import LimitKind, Quota, QuotaScope
from server.problem import Problem
from server.services import Services

# What browsers call themselves in their User-Agent: on a phone, and inside WeChat.
_PHONE, _WECHAT = "Mobi", "MicroMessenger"
_DEVICE = re.compile(r"[A-Za-z0-9_-]{8,64}")


class NewLine(Body):
    """Units of a product. `price_fen` is that of a unit that the buyer saw."""

    product_id: Id
    quantity: Annotated[int, Field(ge=1, le=QUANTITY_MAX)]
    price_fen: Annotated[int | None, Field(ge=1)] = None


class NewOrder(Body):
    """One tap: a product, or several as `lines`. Another price than the one seen is refused."""

    room_id: Id
    product_id: Id | None = None
    quantity: Annotated[int | None, Field(ge=1, le=QUANTITY_MAX)] = None
    group_id: Id | None = None
    price_fen: Annotated[int | None, Field(ge=1)] = None
    lines: Annotated[tuple[NewLine, ...], Field(max_length=LINES_MAX)] = ()
    fulfilment: Fulfilment = Fulfilment.PICKUP
    flash_id: Id | None = None
    coupon_id: Id | None = None
    coupon_code: Annotated[str | None, Field(max_length=2 * CODE_CHARS_MAX)] = None

    @model_validator(mode="after")
    def _lines_or_product(self) -> "NewOrder":
        if self.lines:
            if self.product_id or self.quantity or self.price_fen:
                raise ValueError("product_id, quantity and price_fen stand in lines")
            if self.group_id and len(self.lines) > 1:
                raise ValueError("an order of several lines joins no group")
            if self.flash_id and len(self.lines) > 1:
                raise ValueError("a flash sale is of one product")
            if len({line.product_id for line in self.lines}) < len(self.lines):
                raise ValueError("a product is in two lines")
        if self.flash_id and self.group_id:
            raise ValueError("an order in a flash sale joins no group")
        if not self.lines and (self.product_id is None or self.quantity is None):
            raise ValueError("product_id and quantity are needed, or lines")
        if self.coupon_id or self.coupon_code:
            if self.coupon_id and self.coupon_code:
                raise ValueError("an order takes one coupon")
            if any(line.expected_price_fen is None for line in self.requested()):
                raise ValueError("with a coupon, price_fen is needed")
        return self

    def requested(self) -> list[RequestedLine]:
        """What is asked for, as lines."""
        if self.product_id and self.quantity:
            return [RequestedLine(self.product_id, self.quantity, self.price_fen)]
        return [
            RequestedLine(line.product_id, line.quantity, line.price_fen) for line in self.lines
        ]


class Move(Body):
    """Where a clerk wants an order to go."""

    to: OrderState


async def place(request: Request) -> Response:
    """`POST /api/orders`: 201 once the record has the order, 202 if that takes too long."""
    services, begins_s = services_of(request), time.perf_counter()
    try:
        if services.tracing is None:
            return await _place(services, request)
        subject = services.access.principal(request).subject
        order_id = order_id_of(subject, idempotency_key(request))
        with services.tracing.span("order.tap", (order_id,)):
            return await _place(services, request)
    finally:
        services.latency["orders"].observe(time.perf_counter() - begins_s)


async def _place(services: Services, request: Request) -> Response:
    principal = services.access.principal(request)
    require(principal, Action.ORDER)
    key = idempotency_key(request)
    await services.limits.take(LimitKind.ORDER, principal.subject)
    await require_phone(services, principal)
    body = await read_body(request, NewOrder)
    if body.fulfilment is Fulfilment.DELIVERY:
        await require_address(services, principal.subject)
    first, *further = body.requested()
    wanted = OrderRequest(
        guest_id=principal.subject,
        estate_id=principal.estate_id,
        room_id=body.room_id,
        product_id=first.product_id,
        quantity=first.quantity,
        key=key,
        group_id=body.group_id,
        expected_price_fen=first.expected_price_fen,
        household_id=services.commerce.households.of(principal.subject),
        member=await is_member(services, principal),
        further=tuple(further),
        fulfilment=body.fulfilment,
        flash_id=body.flash_id or "",
    )
    order_id = order_id_of(principal.subject, key)
    with problems():
        wanted = replace(wanted, coupon=await _coupon(services, body, wanted, order_id))
        quotas = await quotas_of(services, request, wanted)
    await services.limits.claim(quotas, order_id)
    try:
        with problems():
            placed = await services.commerce.orders.place(
                wanted, wait_s=services.settings.confirm_timeout_s
            )
    except Problem as problem:
        name_product(services, problem)
        # Undecided, the order may still be made; and a used key must not free another's units.
        if problem.status < 500 and problem.type != Refusal.KEY_REUSED:
            await services.limits.give_back(quotas, order_id)
        raise
    if isinstance(placed, Pending):
        return reply({"order_id": placed.order_id, "state": "pending"}, 202)
    return reply({"order": placed}, 201)


async def _coupon(
    services: Services, body: NewOrder, wanted: OrderRequest, order_id: str
) -> AppliedCoupon | None:
    """What the coupon of an order takes off, at the prices that were seen."""
    if not body.coupon_id and not body.coupon_code:
        return None
    choice = CouponChoice(
        wanted.guest_id, wanted.estate_id, order_id, body.coupon_id or "", body.coupon_code or ""
    )
    if choice.code:
        await services.limits.take(LimitKind.ACTIVITY, wanted.guest_id)
    lines = [
        (line.product_id, line.quantity * (line.expected_price_fen or 0)) for line in wanted.lines
    ]
    return await services.commerce.coupons.wallets.apply(choice, lines)


async def require_address(services: Services, guest_id: str) -> None:
    """Refuse a delivery to a household that has named no flat.

    Raises:
        Problem: 409 `address-needed`.
    """
    household = await services.commerce.households.show(guest_id)
    if household.dwelling is None:
        detail = "Name your building and flat first: PUT /api/me/household."
        raise Problem(409, "address-needed", "Where to?", detail)


def name_product(services: Services, problem: Problem) -> None:
    """Name what a refusal is about: a part of a set is on no card of the page."""
    product = services.commerce.catalogue.products.get(str(problem.extra.get("product_id", "")))
    if product:
        problem.extra["name"] = {"zh": product.name.zh, "en": product.name.en}


async def quotas_of(
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
    address = limits.address(request)
    device = request.cookies.get(DEVICE_COOKIE, "")
    known = _DEVICE.fullmatch(device)
    quotas = []
    for product_id, units in order.bought:
        what = f"{order.room_id}:{live}:{product_id}"
        quotas.append(Quota(QuotaScope.ADDRESS, what, address, brand.units_per_address, units))
        if known:
            allowed = brand.units_per_device
            quotas.append(Quota(QuotaScope.DEVICE_UNITS, what, device, allowed, units))
    if not known:
        return quotas
    group_id = order.group_id
    if not group_id and len(order.bought) == 1:
        group_id = await commerce.gates.of(brand.id).open_group(order.estate_id, order.product_id)
    if group_id:
        quotas.append(Quota(QuotaScope.DEVICE, group_id, device, brand.seats_per_device, 1))
    return quotas


async def mine(request: Request) -> Response:
    """`GET /api/me/orders`: one's own orders, newest first."""
    services = services_of(request)
    principal = services.access.principal(request)
    require(principal, Action.ORDER)
    mine = await services.commerce.orders.mine(principal.subject)
    return reply({"orders": mine, "now_ms": services.commerce.shop.clock()})


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
        quotas = await quotas_of(services, request, order)
    await services.limits.give_back(quotas, cancelled.id)
    return reply({"order": cancelled})


class PayingPage(Body):
    """What the provider's login gave the page, if it has been there."""

    code: Annotated[str, Field(max_length=LOGIN_CODE_CHARS_MAX)] = ""


async def pay(request: Request) -> Response:
    """`POST /api/orders/{order}/payment`: the page is about to pay, and maybe logs in first."""
    services = services_of(request)
    principal = services.access.principal(request)
    require(principal, Action.ORDER)
    await services.limits.take(LimitKind.ORDER, principal.subject)
    body = await read_body(request, PayingPage)
    agent = request.headers.get("user-agent", "")
    page = Page(services.limits.client(request), _PHONE in agent, _WECHAT in agent, body.code)
    with problems():
        login_url = await services.commerce.payers.begin(
            path_id(request, "order"), principal.subject, page
        )
    return reply({"login_url": login_url})


class Consent(Body):
    """Whether the buyer takes the store that the order moved to."""

    accept: bool


async def answer_move(request: Request) -> Response:
    """`POST /api/orders/{order}/consent`: the buyer takes the other store, or the money back."""
    services = services_of(request)
    principal = services.access.principal(request)
    require(principal, Action.ORDER)
    body = await read_body(request, Consent)
    with problems():
        order = await services.commerce.rerouting.answer(
            path_id(request, "order"), principal.subject, body.accept
        )
    return reply({"order": order})


async def give_away(request: Request) -> Response:
    """`POST /api/orders/{order}/reroute`: its store cannot do it, the next one that can may."""
    services = services_of(request)
    principal = services.access.principal(request)
    with problems():
        order = await services.commerce.orders.get(path_id(request, "order"))
        brand_id = services.commerce.catalogue.brand_id("store", order.store_id)
        if not allowed(principal, Action.MANAGE_BRAND, brand_id=brand_id):
            require(principal, Action.FULFIL, store_id=order.store_id)
        store_id = await services.commerce.rerouting.reroute(
            order.id, RerouteReason.CANNOT, principal.subject
        )
    return reply({"store_id": store_id})


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
    Route("/api/orders/{order}/payment", pay, methods=["POST"]),
    Route("/api/orders/{order}/consent", answer_move, methods=["POST"]),
    Route("/api/orders/{order}/reroute", give_away, methods=["POST"]),
    Route("/api/orders/{order}/moves", move, methods=["POST"]),
]
