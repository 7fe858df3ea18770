"""Routes by which leaders remind households."""

from typing import Annotated

from pydantic import Field
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from server.http.bodies import Body, Id, problems, read_body, reply
from server.http.leader.common import led


class Whom(Body):
    """Households to remind; none stands for all whose goods are ready."""

    household_ids: Annotated[list[Id], Field(max_length=500)] = Field(default_factory=list)


async def remind(request: Request) -> Response:
    """`POST /api/leader/estates/{estate}/reminders`: whose goods wait are reminded."""
    at = led(request)
    body = await read_body(request, Whom, empty="{}")
    with problems():
        return reply(
            await at.leaders.reminders.remind(
                at.estate_id, body.household_ids, at.principal.subject
            )
        )


routes = [Route("/api/leader/estates/{estate}/reminders", remind, methods=["POST"])]
