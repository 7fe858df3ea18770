"""Routes about what rooms do together: polls, questions to the host, the notice."""

from typing import Annotated

from pydantic import Field
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from server.access.policy import Action, Principal, allowed, require
from server.http.bodies import Body, path_id, problems, read_body, reply, services_of
from server.limits import LimitKind
from server.problem import Problem

TEXT_CHARS_MAX = 400  # the rules say how many of them may be shown


class NewPoll(Body):
    """A question with its options, open for so many seconds."""

    question: Annotated[str, Field(max_length=TEXT_CHARS_MAX)]
    options: Annotated[list[Annotated[str, Field(max_length=TEXT_CHARS_MAX)]], Field(max_length=16)]
    duration_s: Annotated[int, Field(ge=0, le=86_400)] = 120


class Vote(Body):
    """The number of an option, the first is 0."""

    option: Annotated[int, Field(ge=0, le=15)]


class Words(Body):
    """A question or a notice."""

    text: Annotated[str, Field(max_length=TEXT_CHARS_MAX)]


async def open_poll(request: Request) -> Response:
    """`POST /api/rooms/{room}/polls`: ask the room; one poll at a time."""
    room_id, _ = await host_of(request)
    body = await read_body(request, NewPoll)
    with problems():
        poll = await services_of(request).commerce.activities.polls.open(
            room_id, body.question, body.options, body.duration_s
        )
    return reply(poll, 201)


async def close_poll(request: Request) -> Response:
    """`POST /api/rooms/{room}/polls/{poll}/close`: end it now; idempotent."""
    room_id, _ = await host_of(request)
    with problems():
        poll = await services_of(request).commerce.activities.polls.close(
            room_id, path_id(request, "poll")
        )
    return reply(poll)


async def vote(request: Request) -> Response:
    """`PUT /api/rooms/{room}/polls/{poll}/vote`: the household's vote; the first one counts."""
    room_id, principal = await neighbour_of(request)
    body = await read_body(request, Vote)
    with problems():
        counted = await services_of(request).commerce.activities.polls.vote(
            room_id, path_id(request, "poll"), principal.subject, body.option
        )
    return reply({"option": counted})


async def mine(request: Request) -> Response:
    """`GET /api/rooms/{room}/activities/mine`: what the household voted for."""
    activities = services_of(request).commerce.activities
    room_id, principal = await neighbour_of(request)
    with problems():
        poll = await activities.polls.shown(room_id)
        option = await activities.polls.vote_of(poll.id, principal.subject) if poll else None
        voted = await activities.questions.voted(room_id, principal.subject)
    return reply({"poll": poll and poll.id, "option": option, "questions": voted})


async def ask(request: Request) -> Response:
    """`POST /api/rooms/{room}/questions`: put a question to the host, or vote for the same one."""
    room_id, principal = await neighbour_of(request)
    body = await read_body(request, Words)
    with problems():
        id = await services_of(request).commerce.activities.questions.ask(
            room_id, principal.subject, body.text
        )
    return reply({"id": id}, 201)


async def vote_for_question(request: Request) -> Response:
    """`PUT /api/rooms/{room}/questions/{question}/vote`: the household wants to know it, too."""
    room_id, principal = await neighbour_of(request)
    with problems():
        await services_of(request).commerce.activities.questions.vote(
            room_id, path_id(request, "question"), principal.subject
        )
    return Response(status_code=204)


async def answer(request: Request) -> Response:
    """`POST /api/rooms/{room}/questions/{question}/answered`: the host has answered it."""
    room_id, _ = await host_of(request)
    with problems():
        await services_of(request).commerce.activities.questions.answer(
            room_id, path_id(request, "question")
        )
    return Response(status_code=204)


async def hide(request: Request) -> Response:
    """`DELETE /api/rooms/{room}/questions/{question}`: nobody sees it any more."""
    room_id, principal = await host_of(request)
    with problems():
        await services_of(request).commerce.activities.questions.hide(
            room_id, path_id(request, "question"), actor=principal.subject
        )
    return Response(status_code=204)


async def prompter(request: Request) -> Response:
    """`GET /api/rooms/{room}/prompter`: what is asked, wanted and running out in the live."""
    room_id, _ = await host_of(request)
    with problems():
        return reply(await services_of(request).prompters.look(room_id))


async def set_notice(request: Request) -> Response:
    """`PUT /api/rooms/{room}/notice`: pin a text to the room."""
    room_id, principal = await host_of(request)
    body = await read_body(request, Words)
    with problems():
        text = await services_of(request).commerce.activities.notices.set(
            room_id, body.text, actor=principal.subject
        )
    return reply({"text": text})


async def clear_notice(request: Request) -> Response:
    """`DELETE /api/rooms/{room}/notice`: take it away; idempotent."""
    room_id, principal = await host_of(request)
    with problems():
        await services_of(request).commerce.activities.notices.clear(
            room_id, actor=principal.subject
        )
    return Response(status_code=204)


async def host_of(request: Request) -> tuple[str, Principal]:
    """Return the room, and its host or a co-host of it.

    A co-host is looked up in the record each time: one who was dismissed is refused at once.
    """
    services, room_id = services_of(request), path_id(request, "room")
    principal = services.access.principal(request)
    cohosts: frozenset[str] = frozenset()
    if not (principal.anonymous or allowed(principal, Action.PIN, room_id=room_id)):
        cohosts = await services.commerce.moderation.cohosts.subjects(room_id)
    require(principal, Action.PIN, room_id=room_id, cohosts=cohosts)
    return room_id, principal


async def neighbour_of(request: Request) -> tuple[str, Principal]:
    """Return the room, and a guest of an estate that the room sells to.

    Raises:
        Problem: 403 `other-estate` or `rehearsal`, or 429.
    """
    services, room_id = services_of(request), path_id(request, "room")
    principal = services.access.principal(request)
    require(principal, Action.ORDER)
    with problems():
        services.commerce.catalogue.room(room_id)
    estates = services.commerce.catalogue.estates_of(room_id)
    if principal.estate_id not in {estate.id for estate in estates}:
        raise Problem(403, "other-estate", "This room is for other estates.")
    services.rehearsals.require(principal, room_id)
    await services.limits.take(LimitKind.ACTIVITY, principal.subject)
    return room_id, principal


_ROOM = "/api/rooms/{room}"
routes = [
    Route(f"{_ROOM}/polls", open_poll, methods=["POST"]),
    Route(f"{_ROOM}/polls/{{poll}}/close", close_poll, methods=["POST"]),
    Route(f"{_ROOM}/polls/{{poll}}/vote", vote, methods=["PUT"]),
    Route(f"{_ROOM}/activities/mine", mine, methods=["GET"]),
    Route(f"{_ROOM}/questions", ask, methods=["POST"]),
    Route(f"{_ROOM}/questions/{{question}}/vote", vote_for_question, methods=["PUT"]),
    Route(f"{_ROOM}/questions/{{question}}/answered", answer, methods=["POST"]),
    Route(f"{_ROOM}/questions/{{question}}", hide, methods=["DELETE"]),
    Route(f"{_ROOM}/prompter", prompter, methods=["GET"]),
    Route(f"{_ROOM}/notice", set_notice, methods=["PUT"]),
    Route(f"{_ROOM}/notice", clear_notice, methods=["DELETE"]),
]
