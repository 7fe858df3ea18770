"""The route of the head office about the lives of all its rooms."""

import dataclasses

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from commerce.io.record.engine import wall_clock
from commerce.lives.schedule import conflicting
from server.http.bodies import reply
from server.http.hq.common import bad_member, office

WEEK_MS = 7 * 86_400_000
SPAN_MS_MAX = 31 * 86_400_000
_DIGITS_MAX = 14


async def schedule(request: Request) -> Response:
    """`GET /api/hq/schedule?from=&until=`: what the rooms of the brand have scheduled then."""
    at = office(request)
    from_ms = _time(request, "from", wall_clock())
    until_ms = _time(request, "until", from_ms + WEEK_MS)
    if not 0 < until_ms - from_ms <= SPAN_MS_MAX:
        raise bad_member("until", "At most 31 days after from.")
    lives = await at.commerce.schedule.of_brand(at.brand_id, from_ms, until_ms)
    near = conflicting(lives)
    catalogue = at.commerce.catalogue
    rooms = [
        {"id": room.id, "title": room.title, "store": catalogue.store(room.store_id).name}
        for room in catalogue.rooms.values()
        if catalogue.brand_id("room", room.id) == at.brand_id
    ]
    found = [{**dataclasses.asdict(live), "conflict": live.id in near} for live in lives]
    return reply({"rooms": rooms, "lives": found})


def _time(request: Request, name: str, default: int) -> int:
    text = request.query_params.get(name, str(default))
    if not text.isdecimal() or len(text) > _DIGITS_MAX:
        raise bad_member(name, "A time in milliseconds.")
    return int(text)


routes = [Route("/api/hq/schedule", schedule, methods=["GET"])]
