"""Routes about the staff of a brand: list, invite, edit, new links, log out everywhere."""

from enum import StrEnum
from typing import Annotated

from pydantic import Field, StringConstraints
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from server.access.policy import LED_ESTATES_MAX, Role
from server.http.bodies import Body, Id, path_id, problems, read_body, reply
from server.http.hq.common import expected_version, office, page_query
from server.http.hq.editing import Line, changes_of, columns, versioned

NAME_CHARS_MAX = 50
_Estates = Annotated[list[Id], Field(max_length=LED_ESTATES_MAX)]


class StaffRole(StrEnum):
    """The roles that a head office gives."""

    HOST = Role.HOST.value
    STORE = Role.STORE.value
    HQ = Role.HQ.value
    LEADER = Role.LEADER.value


class StaffDraft(Body):
    """Somebody of the staff; hosts and clerks work at `store_id`, leaders lead `estate_ids`."""

    username: Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9._-]{0,31}$")]
    name: Annotated[Line, Field(max_length=NAME_CHARS_MAX)]
    roles: Annotated[list[StaffRole], Field(min_length=1, max_length=len(StaffRole))]
    store_id: Id | Annotated[str, Field(max_length=0)] = ""
    estate_ids: _Estates = Field(default_factory=list)


class StaffEdit(Body):
    """What can be changed; who is not active cannot log in."""

    name: Annotated[Line, Field(max_length=NAME_CHARS_MAX)]
    roles: Annotated[list[StaffRole], Field(min_length=1, max_length=len(StaffRole))]
    store_id: Id | Annotated[str, Field(max_length=0)]
    estate_ids: _Estates
    active: bool


def _stored(values: dict[str, object]) -> dict[str, object]:
    for name in ("roles", "estate_ids"):
        given = values.get(name)
        if isinstance(given, list):
            values[name] = " ".join(sorted({str(one) for one in given}))
    return values


async def list_staff(request: Request) -> Response:
    """`GET /api/hq/staff`: a page of the brand's staff."""
    at = office(request)
    with problems():
        return reply(await at.commerce.staff.page(at.brand_id, page_query(request)))


async def invite(request: Request) -> Response:
    """`POST /api/hq/staff`: somebody is invited; their link is in the answer, once."""
    at = office(request)
    body = await read_body(request, StaffDraft)
    with problems():
        values = _stored(columns(body, whole=True))
        return reply(await at.commerce.staff.invite(at.brand_id, at.staff_id, values), 201)


async def person(request: Request) -> Response:
    """`GET /api/hq/staff/{staff}`: one of them."""
    at = office(request)
    with problems():
        return versioned(await at.commerce.staff.get(at.brand_id, path_id(request, "staff")))


async def edit(request: Request) -> Response:
    """`PATCH /api/hq/staff/{staff}` with If-Match: name, roles, store, estates, active."""
    at = office(request)
    id, version = path_id(request, "staff"), expected_version(request)
    body = await read_body(request, _CHANGES)
    with problems():
        values = _stored(columns(body))
        return versioned(
            await at.commerce.staff.edit(at.brand_id, at.staff_id, id, version, values)
        )


async def new_link(request: Request) -> Response:
    """`POST /api/hq/staff/{staff}/links`: a link to choose a password, in place of any before."""
    at = office(request)
    with problems():
        id = path_id(request, "staff")
        return reply(await at.commerce.staff.new_link(at.brand_id, at.staff_id, id), 201)


async def log_out(request: Request) -> Response:
    """`POST /api/hq/staff/{staff}/log-out`: their tokens end everywhere."""
    at = office(request)
    with problems():
        await at.commerce.staff.log_out(at.brand_id, at.staff_id, path_id(request, "staff"))
    return Response(status_code=204)


async def reset_totp(request: Request) -> Response:
    """`DELETE /api/hq/staff/{staff}/totp`: somebody else logs in without their authenticator."""
    at = office(request)
    with problems():
        id = path_id(request, "staff")
        await at.commerce.staff_totp.reset(at.brand_id, at.staff_id, id)
    return Response(status_code=204)


_CHANGES = changes_of(StaffEdit)

routes = [
    Route("/api/hq/staff", list_staff, methods=["GET"]),
    Route("/api/hq/staff", invite, methods=["POST"]),
    Route("/api/hq/staff/{staff}", person, methods=["GET"]),
    Route("/api/hq/staff/{staff}", edit, methods=["PATCH"]),
    Route("/api/hq/staff/{staff}/links", new_link, methods=["POST"]),
    Route("/api/hq/staff/{staff}/log-out", log_out, methods=["POST"]),
    Route("/api/hq/staff/{staff}/totp", reset_totp, methods=["DELETE"]),
]
