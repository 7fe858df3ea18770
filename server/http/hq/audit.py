"""Routes about the audit trail, for head office."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from commerce.io.shop.audit_trail import AuditFilter
from server.http.bodies import reply
from server.http.hq.common import Office, office
from server.problem import Problem

_Word = Annotated[str, Field(max_length=130)]
_Number = Annotated[int | None, Field(ge=0, lt=1 << 53)]


class AuditQuery(BaseModel):
    """Which entries of the trail, as the query string asks."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    actor: _Word = ""
    action: _Word = ""
    subject: _Word = ""
    from_ms: _Number = None
    until_ms: _Number = None
    before: _Number = None


async def audit_entries(request: Request) -> Response:
    """`GET /api/hq/audit`: what the staff of one's brand did, newest first."""
    at = office(request)
    try:
        asked = AuditQuery.model_validate(dict(request.query_params))
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        member = ".".join(str(part) for part in first["loc"])
        raise Problem(422, "bad-request", "Invalid query.", first["msg"], member=member) from None
    which = AuditFilter(asked.actor, asked.action, asked.subject, asked.from_ms, asked.until_ms)
    return reply(await at.commerce.audit_trail.page(_brand(at), which, asked.before))


async def chain(request: Request) -> Response:
    """`GET /api/hq/audit/chain`: whether the trail is whole, and what is in it."""
    at = office(request)
    return reply(await at.commerce.audit_trail.chain(_brand(at)))


def _brand(at: Office) -> str:
    """The brand of the principal; an operator's token may have none."""
    brand = at.commerce.catalogue.only_brand
    return at.brand_id or (brand.id if brand else "")


routes = [
    Route("/api/hq/audit", audit_entries, methods=["GET"]),
    Route("/api/hq/audit/chain", chain, methods=["GET"]),
]
