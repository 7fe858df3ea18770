"""Routes about lucky bags: opened by hosts, entered by households, recounted by anybody."""

from typing import Annotated

import msgspec
from pydantic import Field
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from commerce.io.shop.activities.draws import DrawRequest, Draws
from server.http.bodies import Body, Id, path_id, problems, read_body, reply, services_of
from server.http.shop.activities import TEXT_CHARS_MAX, host_of, neighbour_of


class NewDraw(Body):
    """A prize, how many win it, and who may."""

    product_id: Id
    winners: Annotated[int, Field(ge=0, le=1_000)] = 1
    duration_s: Annotated[int, Field(ge=0, le=86_400)] = 180
    word: Annotated[str, Field(max_length=TEXT_CHARS_MAX)] = ""
    estate_id: Id | None = None
    stay: bool = False


class Comment(Body):
    """What the draw's task asks to be commented; empty where it asks for nothing."""

    text: Annotated[str, Field(max_length=TEXT_CHARS_MAX)] = ""


async def open_draw(request: Request) -> Response:
    """`POST /api/rooms/{room}/draws`: set prizes aside and publish the commitment."""
    room_id, principal = await host_of(request)
    body = await read_body(request, NewDraw)
    asked = DrawRequest(
        body.product_id,
        body.winners,
        body.duration_s,
        body.word,
        body.estate_id or "",
        body.stay,
    )
    with problems():
        draw = await _draws(request).open(room_id, asked, actor=principal.subject)
        view = await _draws(request).view(draw)
    return reply(view, 201)


async def void_draw(request: Request) -> Response:
    """`POST /api/rooms/{room}/draws/{draw}/void`: end it without winners; idempotent."""
    room_id, principal = await host_of(request)
    with problems():
        draw = await _draws(request).void(
            room_id, path_id(request, "draw"), actor=principal.subject
        )
        view = await _draws(request).view(draw)
    return reply(view)


async def list_draws(request: Request) -> Response:
    """`GET /api/rooms/{room}/draws`: the newest ones."""
    with problems():
        found = await _draws(request).listed(path_id(request, "room"))
    return reply({"draws": found})


async def recount(request: Request) -> Response:
    """`GET /api/rooms/{room}/draws/{draw}`: all that a recount needs, once it is revealed."""
    with problems():
        draw, tickets = await _draws(request).recount(
            path_id(request, "room"), path_id(request, "draw")
        )
        view = await _draws(request).view(draw)
    return reply(msgspec.to_builtins(view) | {"tickets": tickets})


async def enter(request: Request) -> Response:
    """`PUT /api/rooms/{room}/draws/{draw}/entry`: enter the household; idempotent."""
    room_id, principal = await neighbour_of(request)
    body = await read_body(request, Comment, empty="{}")
    with problems():
        entry, _ = await _draws(request).enter(
            room_id,
            path_id(request, "draw"),
            principal.subject,
            principal.estate_id or "",
            body.text,
        )
    return reply(entry)


async def be_present(request: Request) -> Response:
    """`PUT /api/rooms/{room}/draws/{draw}/presence`: the household is there at the end."""
    room_id, principal = await neighbour_of(request)
    with problems():
        entry = await _draws(request).be_present(
            room_id, path_id(request, "draw"), principal.subject
        )
    return reply(entry)


async def my_entry(request: Request) -> Response:
    """`GET /api/rooms/{room}/draws/{draw}/entry`: the household's entry, or null."""
    _, principal = await neighbour_of(request)
    with problems():
        entry = await _draws(request).entry(path_id(request, "draw"), principal.subject)
    return reply({"entry": entry})


def _draws(request: Request) -> Draws:
    return services_of(request).commerce.activities.draws


_ROOM = "/api/rooms/{room}/draws"
routes = [
    Route(_ROOM, open_draw, methods=["POST"]),
    Route(_ROOM, list_draws, methods=["GET"]),
    Route(f"{_ROOM}/{{draw}}", recount, methods=["GET"]),
    Route(f"{_ROOM}/{{draw}}/void", void_draw, methods=["POST"]),
    Route(f"{_ROOM}/{{draw}}/entry", enter, methods=["PUT"]),
    Route(f"{_ROOM}/{{draw}}/entry", my_entry, methods=["GET"]),
    Route(f"{_ROOM}/{{draw}}/presence", be_present, methods=["PUT"]),
]
