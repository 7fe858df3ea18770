"""Chats of communities, as a webhook or an export: orders and questions for the lake, no words."""

from collections.abc import Sequence
from typing import Annotated

from pydantic import Field
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from commerce.errors import NotFound
from commerce.io.record.engine import wall_clock
from insight.chats import ChatLine, Ordered, lines_of, names_of, read
from insight.facts import ChatAsked, ChatOrdered, SpooledFact
from server.http.bodies import Body, Id, path_id, problems, read_body, read_bytes, reply
from server.http.hq.common import Office, bad_member, office

BODY_BYTES_MAX = 1 << 20
EXPORT_BYTES_MAX = 4 << 20
LINES_MAX = 500
BATCH = 500


class Line(Body):
    """A line of a chat."""

    number: Annotated[int, Field(ge=1, lt=1 << 47)]
    at_ms: Annotated[int, Field(ge=0, lt=1 << 47)]
    text: Annotated[str, Field(max_length=500)]


class Lines(Body):
    """What a webhook sends of one chat, which belongs to an estate."""

    chat_id: Id
    estate_id: Id
    lines: Annotated[list[Line], Field(min_length=1, max_length=LINES_MAX)]


async def lines(request: Request) -> Response:
    """`POST /api/hq/chats`: lines of a chat, each number once."""
    at = office(request)
    body = await read_body(request, Lines, bytes_max=BODY_BYTES_MAX)
    found = [ChatLine(line.number, line.at_ms, line.text) for line in body.lines]
    return await _take(at, body.chat_id, body.estate_id, found)


async def export(request: Request) -> Response:
    """`POST /api/hq/chats/{chat}/export`: an exported chat."""
    at = office(request)
    data = await read_bytes(request, EXPORT_BYTES_MAX)
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise bad_member("file", "UTF-8 text.") from None
    estate_id = request.query_params.get("estate", "")
    return await _take(at, path_id(request, "chat"), estate_id, list(lines_of(text)))


async def _take(at: Office, chat_id: str, estate_id: str, found: Sequence[ChatLine]) -> Response:
    catalogue = at.commerce.catalogue
    with problems():
        if catalogue.brand_id("estate", estate_id) != at.brand_id:
            raise NotFound("estate", estate_id)
    names = names_of(
        {
            id: product.name.zh
            for id, product in sorted(catalogue.products.items())
            if catalogue.brand_id("product", id) == at.brand_id
        }
    )
    now_ms = wall_clock()
    said = [(line, read(line.text, names)) for line in found]
    facts = []
    for line, what in said:
        if what is None:
            continue
        payload: dict[str, str | int] = {"chat_id": chat_id, "product_id": what.product_id}
        if isinstance(what, Ordered):
            topic, payload["units"] = ChatOrdered.topic, what.units
        else:
            topic, payload["about"] = ChatAsked.topic, what.about.value
        values = (topic, 1, min(line.at_ms, now_ms), now_ms, at.brand_id, estate_id, payload)
        facts.append((line.number, SpooledFact(*values)))
    taken = 0
    for first in range(0, len(facts), BATCH):
        batch = facts[first : first + BATCH]
        taken += await at.services.chat_facts.add(f"{at.brand_id}:{chat_id}", batch)
    orders = sum(isinstance(what, Ordered) for _, what in said)
    counts = {"orders": orders, "questions": len(facts) - orders, "other": len(said) - len(facts)}
    return reply({"taken": taken, **counts})


routes = [
    Route("/api/hq/chats", lines, methods=["POST"]),
    Route("/api/hq/chats/{chat}/export", export, methods=["POST"]),
]
