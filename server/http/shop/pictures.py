"""The route of pictures that were sent: in three sizes, for ever the same under one name."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from media.errors import BlobsAway, NoSuchBlob
from server.http.bodies import path_id, services_of
from server.problem import Problem

HEADERS = {
    "Cache-Control": "public, max-age=31536000, immutable",
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "default-src 'none'; sandbox",
}


async def picture(request: Request) -> Response:
    """`GET /pictures/{product}/{file}`: a picture of a product as WebP."""
    product_id, file = path_id(request, "product"), request.path_params["file"]
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
    return Response(data, headers=HEADERS, media_type="image/webp")


routes = [Route("/pictures/{product}/{file}", picture, methods=["GET"])]
