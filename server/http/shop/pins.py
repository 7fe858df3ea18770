"""Routes about what is pinned in a room."""

from typing import Annotated

from pydantic import Field
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from commerce.groups.terms import (
    AWARD_INVITES_MAX,
    DURATION_S_MAX,
    JOINED_MAX,
    STEPS_MAX,
    AskedTerms,
    Award,
    PriceStep,
)
from server.http.bodies import Body, path_id, problems, read_body, reply, services_of
from server.http.shop.activities import host_of


class AskedStep(Body):
    """From `joined` neighbours on, all of them pay `price_fen` for a unit."""

    joined: Annotated[int, Field(ge=1, le=JOINED_MAX)]
    price_fen: Annotated[int, Field(ge=1)]


class AskedAward(Body):
    """So many neighbours of one household who pay lower everybody's price by `off_fen`."""

    invites: Annotated[int, Field(ge=1, le=AWARD_INVITES_MAX)]
    off_fen: Annotated[int, Field(ge=1)]


class AskedGroup(Body):
    """On what terms groups are opened, beside those of the product's offer."""

    steps: Annotated[tuple[AskedStep, ...], Field(max_length=STEPS_MAX)] = ()
    award: AskedAward | None = None
    duration_s: Annotated[int | None, Field(ge=1, le=DURATION_S_MAX)] = None

    def terms(self) -> AskedTerms:
        """The same for the rules."""
        steps = tuple(PriceStep(step.joined, step.price_fen) for step in self.steps)
        award = Award(self.award.invites, self.award.off_fen) if self.award else None
        return AskedTerms(steps, award, self.duration_s)


class NewPin(Body):
    """When in the video a product was pinned, in RTP ticks (90 kHz, 32 bits), and its groups."""

    media_time: Annotated[int | None, Field(ge=0, lt=1 << 32)] = None
    group: AskedGroup | None = None


async def pin(request: Request) -> Response:
    """`PUT /api/rooms/{room}/pins/{product}`: put a product on the table, open its groups."""
    services = services_of(request)
    room_id, principal = await host_of(request)
    body = await read_body(request, NewPin, empty="{}")
    media_time = body.media_time
    if media_time is None:
        media_time = services.media.media_time(room_id)
    with problems():
        card = await services.commerce.groups.pin(
            room_id,
            path_id(request, "product"),
            media_time,
            terms=body.group.terms() if body.group else None,
            actor=principal.subject,
        )
    return reply(card)


async def unpin(request: Request) -> Response:
    """`DELETE /api/rooms/{room}/pins/{product}`: take a product off the table."""
    services = services_of(request)
    room_id, principal = await host_of(request)
    with problems():
        await services.commerce.groups.unpin(
            room_id, path_id(request, "product"), actor=principal.subject
        )
    return Response(status_code=204)


routes = [
    Route("/api/rooms/{room}/pins/{product}", pin, methods=["PUT"]),
    Route("/api/rooms/{room}/pins/{product}", unpin, methods=["DELETE"]),
]
