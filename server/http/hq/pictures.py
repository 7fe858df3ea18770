"""Routes of the head office about pictures of products."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from media.errors import BlobsAway
from server.http.bodies import path_id, problems, read_bytes, reply
from server.http.hq.common import office
from server.ops.picture_child import PIXELS_MAX
from server.ops.pictures import BYTES_MAX, BadPicture, PictureProblem
from server.problem import Problem
from server.services import Services

NO_PICTURE = "/goods/logo.svg"
_WHY = {
    PictureProblem.FORMAT: (415, "Send a JPEG, PNG or WebP."),
    PictureProblem.PIXELS: (422, f"At most {PIXELS_MAX // 1_000_000} million pixels."),
    PictureProblem.BROKEN: (422, "It is not whole, or cannot be read."),
}


async def put_picture(request: Request) -> Response:
    """`POST /api/hq/products/{product}/picture`: another picture for a product."""
    at = office(request)
    product_id = path_id(request, "product")
    shown = at.commerce.goods.pictures
    with problems():
        await shown.require(at.brand_id, product_id)
    image = await sent_picture(request, at.services, product_id)
    with problems():
        await shown.put(at.brand_id, product_id, image, at.staff_id)
    return reply({"image": image})


async def sent_picture(request: Request, services: Services, product_id: str) -> str:
    """Keep the picture that is the body among those of a product; return its path.

    Raises:
        Problem: 413, 415 or 422: it is refused; 503: the blob store cannot be reached.
    """
    data = await read_bytes(request, BYTES_MAX)
    try:
        return await services.pictures.put(product_id, data)
    except BadPicture as error:
        status, detail = _WHY[error.problem]
        raise Problem(
            status, "bad-picture", "Picture refused.", detail, reason=error.problem
        ) from None
    except BlobsAway:
        raise Problem(
            503, "try-again", "Temporarily unavailable.", headers={"Retry-After": "5"}
        ) from None


async def remove_picture(request: Request) -> Response:
    """`DELETE /api/hq/products/{product}/picture`: the brand's basket instead."""
    at, product_id = office(request), path_id(request, "product")
    with problems():
        await at.commerce.goods.pictures.put(at.brand_id, product_id, NO_PICTURE, at.staff_id)
    return reply({"image": NO_PICTURE})


routes = [
    Route("/api/hq/products/{product}/picture", put_picture, methods=["POST"]),
    Route("/api/hq/products/{product}/picture", remove_picture, methods=["DELETE"]),
]
