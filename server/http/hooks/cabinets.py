"""`POST /api/cabinets/readings`: for cold cabinets, which show their key."""

from typing import Annotated

from pydantic import Field
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from commerce.io.record.engine import wall_clock
from commerce.io.shop.stock.cabinets import Taken
from commerce.supply.cabinets import TENTHS_MAX, Reading
from server.bridge.channels.cabinets import CabinetChanged
from server.http.bodies import Body, problems, read_body, reply, services_of
from server.problem import Problem
from server.services import Services

READINGS_MAX = 500
BODY_BYTES_MAX = 131_072
AGE_MS_MAX = 7 * 86_400_000

Milliseconds = Annotated[int, Field(ge=0, lt=1 << 47)]


class CabinetReading(Body):
    """A reading; `number` grows with each, `at_ms` is the cabinet's clock."""

    number: Annotated[int, Field(ge=1, lt=1 << 47)]
    at_ms: Milliseconds
    celsius_tenths: Annotated[int, Field(ge=-TENTHS_MAX, le=TENTHS_MAX)]
    door_open: bool = False
    powered: bool = True


class CabinetReadings(Body):
    """What a cabinet sends together; `sent_at_ms` is its clock."""

    sent_at_ms: Milliseconds
    readings: Annotated[list[CabinetReading], Field(min_length=1, max_length=READINGS_MAX)]


async def readings(request: Request) -> Response:
    """`POST /api/cabinets/readings`: take readings, each number once."""
    services = services_of(request)
    scheme, _, key = request.headers.get("authorization", "").partition(" ")
    body = await read_body(request, CabinetReadings, bytes_max=BODY_BYTES_MAX)
    now_ms = wall_clock()
    found = [
        Reading(
            one.number,
            # The cabinet's clock may be wrong; how long ago something was is not.
            now_ms - min(max(0, body.sent_at_ms - one.at_ms), AGE_MS_MAX),
            one.celsius_tenths,
            one.door_open,
            one.powered,
        )
        for one in body.readings
    ]
    with problems():
        taken = await services.commerce.cabinets.read(
            key.strip() if scheme.lower() == "bearer" else "", found
        )
    if taken is None:
        raise Problem(
            401,
            "bad-cabinet-key",
            "Unknown cabinet.",
            "Send `Authorization: Bearer <cabinet key>`; a new one is made at the store.",
            headers={"WWW-Authenticate": 'Bearer realm="linli"'},
        )
    await announce(services, taken)
    return reply({"number": taken.number, "taken": taken.taken, "alarm": taken.cabinet.alarm})


async def announce(services: Services, taken: Taken) -> None:
    """Show the store's staff that an alarm began or is over."""
    if not taken.changed:
        return
    cabinet = taken.cabinet
    await services.rooms.announce(
        f"store:{taken.store_id}",
        CabinetChanged(
            id=cabinet.id,
            name=cabinet.name,
            alarm=cabinet.alarm.value if cabinet.alarm else None,
            since_ms=cabinet.alarm_since_ms,
            celsius_tenths=cabinet.celsius_tenths,
        ),
    )


routes = [Route("/api/cabinets/readings", readings, methods=["POST"])]
