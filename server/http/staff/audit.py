"""Routes about the audit trail, for head office."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from commerce.io.shop.audit_trail import AuditFilter
from server.access.policy import Action, require
from server.http.bodies import reply, services_of
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
    services = services_of(request)
    principal = services.access.principal(request)
    require(principal, Action.READ_AUDIT)
    try:
        asked = AuditQuery.model_validate(dict(request.query_params))
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        member = ".".join(str(part) for part in first["loc"])
        raise Problem(422, "bad-request", "Invalid query.", first["msg"], member=member) from None
    brand = services.commerce.catalogue.brand
    brand_id = principal.brand_id or (brand.id if brand else "")
    which = AuditFilter(asked.actor, asked.action, asked.subject, asked.from_ms, asked.until_ms)
    return reply(await services.commerce.audit_trail.page(brand_id, which, asked.before))


routes = [Route("/api/hq/audit", audit_entries, methods=["GET"])]
