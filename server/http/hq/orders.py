"""Routes about orders for head office: where each went and why, and how full the stores are."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from commerce.io.shop.office_orders import OrderFilter
from commerce.orders.states import OrderState
from server.http.bodies import path_id, problems, reply
from server.http.hq.common import bad_member, office, page_query

ID_CHARS_MAX = 64


async def orders(request: Request) -> Response:
    """`GET /api/hq/orders?q=&state=&store=&estate=&room=`: the brand's orders, newest first."""
    at = office(request)
    state = request.query_params.get("state", "")
    if state and state not in list(OrderState):
        raise bad_member("state", f"One of: {', '.join(OrderState)}.")
    where = {name: request.query_params.get(name, "") for name in ("store", "estate", "room")}
    for name, id in where.items():
        if len(id) > ID_CHARS_MAX:
            raise bad_member(name, f"At most {ID_CHARS_MAX} characters.")
    which = OrderFilter(OrderState(state) if state else None, *where.values())
    with problems():
        return reply(await at.commerce.office_orders.page(at.brand_id, which, page_query(request)))


async def order(request: Request) -> Response:
    """`GET /api/hq/orders/{order}`: one of them, with its routes and moves."""
    at = office(request)
    with problems():
        found = await at.commerce.office_orders.get(at.brand_id, path_id(request, "order"))
        return reply(found)


async def capacity(request: Request) -> Response:
    """`GET /api/hq/capacity`: windows of all stores, and the share that was on time today."""
    at = office(request)
    return reply(await at.commerce.office_orders.capacity(at.brand_id))


routes = [
    Route("/api/hq/orders", orders, methods=["GET"]),
    Route("/api/hq/orders/{order}", order, methods=["GET"]),
    Route("/api/hq/capacity", capacity, methods=["GET"]),
]
