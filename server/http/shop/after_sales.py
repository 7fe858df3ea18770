"""Routes about what comes after a sale: claims with photos, ratings, refunds on their way."""

from typing import Annotated

from pydantic import Field
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from commerce.after_sales.claims import PHOTOS_MAX, WORDS_MAX, Fault
from commerce.after_sales.ratings import STARS, TAGS_MAX, Tag
from commerce.after_sales.ratings import WORDS_MAX as RATING_WORDS_MAX
from commerce.errors import NotFound
from commerce.io.shop.after_sales.values import NewClaim, NewRating
from commerce.orders.tap import QUANTITY_MAX
from media.errors import BlobsAway
from server.access.policy import Action, Principal, require
from server.http.bodies import Body, path_id, problems, read_body, read_bytes, reply, services_of
from server.limits import LimitKind
from server.ops.pictures import BYTES_MAX, BadPicture, PictureProblem, claim_photos_of
from server.problem import Problem
from server.services import Services

_Place = Annotated[int, Field(ge=0, lt=100)]
PART_UNITS_MAX = QUANTITY_MAX * 20


class ClaimBody(Body):
    """What is wrong with units of a part; `photos` are the paths that sending them answered."""

    line: _Place
    part: _Place
    units: Annotated[int, Field(ge=1, le=PART_UNITS_MAX)]
    fault: Fault
    words: Annotated[str, Field(max_length=WORDS_MAX)] = ""
    photos: Annotated[tuple[str, ...], Field(max_length=PHOTOS_MAX)] = ()


class RatingBody(Body):
    """Stars for a part, with tags and words."""

    line: _Place
    part: _Place
    stars: Annotated[int, Field(ge=STARS[0], le=STARS[-1])]
    tags: Annotated[tuple[Tag, ...], Field(max_length=TAGS_MAX)] = ()
    words: Annotated[str, Field(max_length=RATING_WORDS_MAX)] = ""


async def mine(request: Request) -> Response:
    """`GET /api/me/after-sales`: what became of one's newest orders."""
    services = services_of(request)
    principal = services.access.principal(request)
    require(principal, Action.ORDER)
    return reply({"orders": await services.commerce.after_sales.mine(principal.subject)})


async def send_photo(request: Request) -> Response:
    """`POST /api/orders/{order}/claim-photos`: a photo for a claim, re-encoded."""
    services, _, order_id = await _own_order(request)
    data = await read_bytes(request, BYTES_MAX)
    try:
        photo = await services.pictures.put(claim_photos_of(order_id), data)
    except BadPicture as error:
        status = 415 if error.problem is PictureProblem.FORMAT else 422
        raise Problem(status, "bad-picture", "Picture refused.", reason=error.problem) from None
    except BlobsAway:
        raise Problem(
            503, "try-again", "Temporarily unavailable.", headers={"Retry-After": "5"}
        ) from None
    return reply({"photo": photo}, 201)


async def claim(request: Request) -> Response:
    """`POST /api/orders/{order}/claims`: something is wrong with goods that were handed over."""
    services, principal, order_id = await _own_order(request)
    body = await read_body(request, ClaimBody)
    new = NewClaim(order_id, body.line, body.part, body.units, body.fault, body.words, body.photos)
    with problems():
        return reply(await services.commerce.claims.make(principal.subject, new), 201)


async def rate(request: Request) -> Response:
    """`PUT /api/orders/{order}/rating`: stars, tags and words for one part."""
    services, principal, order_id = await _own_order(request)
    body = await read_body(request, RatingBody)
    new = NewRating(order_id, body.line, body.part, body.stars, body.tags, body.words)
    with problems():
        return reply(await services.commerce.ratings.rate(principal.subject, new))


async def stars(request: Request) -> Response:
    """`GET /api/rooms/{room}/ratings`: stars of the products of a room's brand."""
    services = services_of(request)
    room_id = path_id(request, "room")
    with problems():
        products = await services.commerce.products(room_id)
        found = await services.commerce.ratings.of_products([one.id for one in products])
    return reply({"ratings": found})


async def comments(request: Request) -> Response:
    """`GET /api/rooms/{room}/products/{product}/ratings`: what neighbours wrote, without names."""
    services = services_of(request)
    room_id, product_id = path_id(request, "room"), path_id(request, "product")
    with problems():
        await services.commerce.product(room_id, product_id)
        return reply({"ratings": await services.commerce.ratings.comments(product_id)})


async def _own_order(request: Request) -> tuple[Services, Principal, str]:
    """Return the principal, whose order it is, before anything of the body is read."""
    services = services_of(request)
    principal = services.access.principal(request)
    require(principal, Action.ORDER)
    await services.limits.take(LimitKind.ORDER, principal.subject)
    order_id = path_id(request, "order")
    with problems():
        order = await services.commerce.orders.get(order_id)
        if order.guest_id != principal.subject:
            raise NotFound("order", order_id)
    return services, principal, order_id


routes = [
    Route("/api/me/after-sales", mine, methods=["GET"]),
    Route("/api/orders/{order}/claim-photos", send_photo, methods=["POST"]),
    Route("/api/orders/{order}/claims", claim, methods=["POST"]),
    Route("/api/orders/{order}/rating", rate, methods=["PUT"]),
    Route("/api/rooms/{room}/ratings", stars, methods=["GET"]),
    Route("/api/rooms/{room}/products/{product}/ratings", comments, methods=["GET"]),
]
