"""`POST /api/facts`: what happened on a page of a viewer, in batches, for the lake.

A page numbers its facts from 1 under a random `sender` of its own; what came before under these
two counts once, so a batch may be sent again. Facts have the estate of the token, never a person.
"""

from typing import Annotated, Any

import msgspec
from pydantic import Field
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from commerce.io.record.engine import wall_clock
from insight.facts import SpooledFact
from server.http.bodies import Body, Id, problems, read_body, reply, services_of
from server.limits import LimitKind
from server.problem import Problem

BODY_BYTES_MAX = 32_768  # a page that is left may send no more than 64 KiB
FACTS_MAX = 100
PAYLOAD_BYTES_MAX = 1_000
AGE_MS_MAX = 24 * 3_600_000
REFUSES_FACTS = ("sec-gpc", "dnt")  # https://w3c.github.io/gpc/, and its predecessor

Milliseconds = Annotated[int, Field(ge=0, lt=1 << 47)]


class PageFact(Body):
    """A fact of a page; `at_ms` is the page's clock, `payload` what docs/facts.md has of it."""

    number: Annotated[int, Field(ge=1, lt=1 << 47)]
    topic: Annotated[str, Field(min_length=1, max_length=32)]
    version: Annotated[int, Field(ge=1, le=1_000)] = 1
    at_ms: Milliseconds
    payload: Annotated[dict[str, Any], Field(max_length=16)]


class PageFacts(Body):
    """A batch of a page in a room; `sent_at_ms` is the page's clock."""

    sender: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{8,40}$")]
    room_id: Id
    sent_at_ms: Milliseconds
    facts: Annotated[list[PageFact], Field(min_length=1, max_length=FACTS_MAX)]


async def facts(request: Request) -> Response:
    """`POST /api/facts`: add a batch; the answer says how many were new."""
    services = services_of(request)
    await services.limits.take(LimitKind.FACTS, services.limits.address(request))
    principal = services.access.principal(request)
    body = await read_body(request, PageFacts, bytes_max=BODY_BYTES_MAX)
    if any(request.headers.get(name) == "1" for name in REFUSES_FACTS):
        return reply({"taken": 0})
    with problems():
        catalogue = services.commerce.catalogue
        brand_id = catalogue.brand_id("room", catalogue.room(body.room_id).id)
        estate = catalogue.estates.get(principal.estate_id)
        estate_id = (
            estate.id if estate and catalogue.brand_id("estate", estate.id) == brand_id else ""
        )
    if body.room_id in services.rehearsals.rooms:
        return reply({"taken": 0})
    now_ms = wall_clock()
    spooled = [
        (
            fact.number,
            SpooledFact(
                fact.topic,
                fact.version,
                # The page's clock may be wrong; how long ago something was is not.
                now_ms - _age_ms(body, index),
                now_ms,
                brand_id,
                estate_id,
                _payload(body, index),
            ),
        )
        for index, fact in enumerate(body.facts)
    ]
    return reply({"taken": await services.page_facts.add(body.sender, spooled)})


def _age_ms(body: PageFacts, index: int) -> int:
    age_ms = max(0, body.sent_at_ms - body.facts[index].at_ms)
    if age_ms > AGE_MS_MAX:
        raise _bad(f"facts.{index}.at_ms", "Facts of a page are at most a day old.")
    return age_ms


def _payload(body: PageFacts, index: int) -> dict[str, Any]:
    payload = body.facts[index].payload | {"room_id": body.room_id}
    if len(msgspec.msgpack.encode(payload)) > PAYLOAD_BYTES_MAX:
        raise _bad(f"facts.{index}.payload", f"At most {PAYLOAD_BYTES_MAX} bytes.")
    return payload


def _bad(member: str, detail: str) -> Problem:
    return Problem(422, "bad-request", "Invalid request body.", detail, member=member)


routes = [Route("/api/facts", facts, methods=["POST"])]
