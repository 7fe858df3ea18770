"""Routes about the categories that products hang in."""

from typing import Annotated

from pydantic import Field
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from server.http.bodies import Body, Id, path_id, problems, read_body, reply
from server.http.hq.common import expected_version, office, page_query
from server.http.hq.editing import NewId, Words, changes_of, columns, versioned


class CategoryDraft(Body):
    """A category; without a parent it is of the first level."""

    id: NewId = ""
    name: Words
    parent_id: Id | Annotated[str, Field(max_length=0)] = ""
    rank: Annotated[int, Field(ge=0, le=10_000)] = 0


async def page(request: Request) -> Response:
    """`GET /api/hq/categories`: the brand's tree."""
    at = office(request)
    with problems():
        return reply(await at.commerce.goods.categories.page(at.brand_id, page_query(request)))


async def add(request: Request) -> Response:
    """`POST /api/hq/categories`: a new one."""
    at = office(request)
    body = await read_body(request, CategoryDraft)
    with problems():
        found = at.commerce.goods.categories
        values = columns(body, whole=True)
        return versioned(await found.add(at.brand_id, at.staff_id, body.id, values), 201)


async def get(request: Request) -> Response:
    """`GET /api/hq/categories/{category}`: one of them."""
    at = office(request)
    with problems():
        id = path_id(request, "category")
        return versioned(await at.commerce.goods.categories.get(at.brand_id, id))


async def edit(request: Request) -> Response:
    """`PATCH /api/hq/categories/{category}` with If-Match: some of its members."""
    at = office(request)
    id, version = path_id(request, "category"), expected_version(request)
    body = await read_body(request, _CHANGES)
    with problems():
        found = at.commerce.goods.categories
        return versioned(await found.edit(at.brand_id, at.staff_id, id, version, columns(body)))


async def delete(request: Request) -> Response:
    """`DELETE /api/hq/categories/{category}` with If-Match: an empty one is gone."""
    at = office(request)
    id, version = path_id(request, "category"), expected_version(request)
    with problems():
        await at.commerce.goods.categories.delete(at.brand_id, at.staff_id, id, version)
    return Response(status_code=204)


_CHANGES = changes_of(CategoryDraft)
routes = [
    Route("/api/hq/categories", page, methods=["GET"]),
    Route("/api/hq/categories", add, methods=["POST"]),
    Route("/api/hq/categories/{category}", get, methods=["GET"]),
    Route("/api/hq/categories/{category}", edit, methods=["PATCH"]),
    Route("/api/hq/categories/{category}", delete, methods=["DELETE"]),
]
