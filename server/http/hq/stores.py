"""Routes about the stores of a brand."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from server.http.bodies import problems, reply
from server.http.hq.common import office, page_query


async def list_stores(request: Request) -> Response:
    """`GET /api/hq/stores`: a page of the brand's stores."""
    at = office(request)
    with problems():
        return reply(await at.commerce.stores.page(at.brand_id, page_query(request)))


routes = [
    Route("/api/hq/stores", list_stores, methods=["GET"]),
]
