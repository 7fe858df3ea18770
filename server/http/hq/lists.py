"""Routes that import and export lists as files."""

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from commerce.io.shop.lists.files import FILE_BYTES_MAX
from commerce.io.shop.lists.lists import SHEETS
from server.http.bodies import read_bytes, reply
from server.http.hq.common import office
from server.problem import Problem

MEDIA_TYPES = {
    "csv": "text/csv; charset=utf-8",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}


async def import_list(request: Request) -> Response:
    """`POST /api/hq/imports/{list}`: a file into a list, all or nothing; a preview by default."""
    at, name = office(request), _list(request)
    apply = request.query_params.get("apply") == "yes"
    data = await read_bytes(request, FILE_BYTES_MAX)
    return reply(
        await at.commerce.lists.put(at.brand_id, at.staff_id, name, data, preview=not apply)
    )


async def export_list(request: Request) -> Response:
    """`GET /api/hq/exports/{list}`: a list as a file, `?format=csv` or `xlsx`."""
    at, name = office(request), _list(request)
    kind = request.query_params.get("format", "xlsx")
    if kind not in MEDIA_TYPES:
        raise Problem(422, "bad-request", "Invalid request.", "csv or xlsx.", member="format")
    language = "zh" if request.query_params.get("language") == "zh" else "en"
    return StreamingResponse(
        at.commerce.lists.file(at.brand_id, name, kind, language),
        media_type=MEDIA_TYPES[kind],
        headers={"Content-Disposition": f'attachment; filename="{name}.{kind}"'},
    )


def _list(request: Request) -> str:
    name: str = request.path_params["list"]
    if name not in SHEETS:
        raise Problem(404, "no-such-list", "No such list.")
    return name


routes = [
    Route("/api/hq/imports/{list}", import_list, methods=["POST"]),
    Route("/api/hq/exports/{list}", export_list, methods=["GET"]),
]
