"""`POST /api/cabinets/readings`: for cold cabinets, which show their key."""

from typing import Annotated

from pydantic import Field
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from commerce.supply.cabinets import TENTHS_MAX
from server.bridge.cabinets import READINGS_MAX, CabinetDesk, SentReading, SentReadings
from server.http.bodies import Body, problems, read_body, reply, services_of
from server.problem import Problem

BODY_BYTES_MAX = 131_072

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
    sent = SentReadings(
        key.strip() if scheme.lower() == "bearer" else "",
        body.sent_at_ms,
        [
            SentReading(one.number, one.at_ms, one.celsius_tenths, one.door_open, one.powered)
            for one in body.readings
        ],
    )
    with problems():
        taken = await CabinetDesk(services.commerce.cabinets).take(sent)
    if taken is None:
        raise Problem(
            401,
            "bad-cabinet-key",
            "Unknown cabinet.",
            "Send `Authorization: Bearer <cabinet key>`; a new one is made at the store.",
            headers={"WWW-Authenticate": 'Bearer realm="linli"'},
        )
    return reply({"number": taken.number, "taken": taken.taken, "alarm": taken.cabinet.alarm})


routes = [Route("/api/cabinets/readings", readings, methods=["POST"])]
