"""The route of pictures that were sent: in three sizes, for ever the same under one name.

Those of products are everybody's; photos of claims are shown to who made the claim and to who
decides on it.
"""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from media.errors import BlobsAway, NoSuchBlob
from server.access.policy import Action, allowed, require
from server.http.bodies import path_id, problems, services_of
from server.ops.pictures import claimed_order
from server.problem import Problem

HEADERS = {
    "Cache-Control": "public, max-age=31536000, immutable",
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "default-src 'none'; sandbox",
}

PRIVATE = {"Cache-Control": "private, no-store", "Vary": "Authorization"}


async def picture(request: Request) -> Response:
    """`GET /pictures/{product}/{file}`: a picture of a product as WebP."""
    product_id, file = path_id(request, "product"), request.path_params["file"]
    order_id = claimed_order(product_id)
    if order_id:
        await _require_claim(request, order_id)
    try:
        data = await services_of(request).pictures.get(product_id, file)
    except NoSuchBlob:
        data = None
    except BlobsAway:
        raise Problem(
            503, "try-again", "Temporarily unavailable.", headers={"Retry-After": "5"}
        ) from None
    if data is None:
        raise Problem(404, "no-such-picture", "No such picture.")
    headers = HEADERS | PRIVATE if order_id else HEADERS
    return Response(data, headers=headers, media_type="image/webp")


async def _require_claim(request: Request, order_id: str) -> None:
    """Let through its buyer, the store's staff, the estate's leaders, and the head office.

    Raises:
        Problem: 401, 403 or 404.
    """
    services = services_of(request)
    principal = services.access.principal(request)
    with problems():
        order = await services.commerce.orders.get(order_id)
    if principal.subject == order.guest_id:
        return
    brand_id = services.commerce.catalogue.brand_id("store", order.store_id)
    if allowed(principal, Action.MANAGE_BRAND, brand_id=brand_id):
        return
    if allowed(principal, Action.LEAD, estate_id=order.estate_id):
        return
    require(principal, Action.FULFIL, store_id=order.store_id)


routes = [Route("/pictures/{product}/{file}", picture, methods=["GET"])]
