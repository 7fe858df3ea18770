"""Routes of order in a room's chat: for its moderators, and for those who report or appeal."""

from typing import Annotated, Literal

from pydantic import Field
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from commerce.activities.moderation import FlagDecision, SanctionKind, Word
from server.access.policy import Action, Principal, allowed, require
from server.bridge.moderation import spelled
from server.http.bodies import Body, Id, path_id, problems, read_body, reply, services_of
from server.limits import LimitKind
from server.problem import Problem

_TEXT_CHARS_MAX = 400  # the rules say how many of them may be shown
WORDS_BYTES_MAX = 65_536


class Settings(Body):
    """Seconds that guests wait between lines, and whether only members write."""

    slow_s: Annotated[int, Field(ge=0, le=86_400)]
    members_only: bool


class WordBody(Body):
    """A word or pattern, and what becomes of a line that has it."""

    text: Annotated[str, Field(min_length=1, max_length=_TEXT_CHARS_MAX)]
    verdict: Literal["hold", "refuse"] = "hold"


class Words(Body):
    """The whole list."""

    words: Annotated[list[WordBody], Field(max_length=1_000)]


class NewModerator(Body):
    """How the new moderator is called."""

    nickname: Annotated[str, Field(max_length=64)] = ""


class NewSanction(Body):
    """Who may no longer write, or be in the room, and why; no time: until it is lifted."""

    kind: Literal["mute", "ban"]
    subject: Id
    nickname: Annotated[str, Field(max_length=64)] = ""
    reason: Annotated[str, Field(max_length=_TEXT_CHARS_MAX)]
    for_s: Annotated[int, Field(ge=1)] | None = None
    by_address: bool = False
    by_device: bool = False
    removes: bool = False


class Text(Body):
    """An appeal."""

    text: Annotated[str, Field(max_length=_TEXT_CHARS_MAX)]


class Decision(Body):
    """What becomes of a held or reported line."""

    decision: Literal["shown", "removed", "dismissed"]


async def read(request: Request) -> Response:
    """`GET /api/rooms/{room}/moderation`: all that holds, and the lines that wait."""
    room_id, _ = await _moderator(request)
    commerce = services_of(request).commerce
    with problems():
        rules = await commerce.moderation.settings.rules(room_id)
        waiting = await commerce.moderation.lines.waiting(room_id)
    return reply(
        {
            "slow_s": rules.shown.slow_s,
            "members_only": rules.shown.members_only,
            "words": [{"text": word.text, "verdict": word.verdict} for word in rules.words],
            "moderators": rules.moderators,
            "sanctions": [
                {
                    "id": each.id,
                    "kind": each.kind,
                    "subject": each.subject,
                    "nickname": each.nickname,
                    "reason": each.reason,
                    "made_at_ms": each.made_at_ms,
                    "until_ms": each.until_ms,
                    "by_address": bool(each.address),
                    "by_device": bool(each.device),
                    "appeal": each.appeal,
                    "appeal_answered_at_ms": each.appeal_answered_at_ms,
                }
                for each in rules.sanctions
            ],
            "flags": waiting,
        }
    )


async def set_settings(request: Request) -> Response:
    """`PUT /api/rooms/{room}/moderation`: slow mode and members only."""
    room_id, actor = await _moderator(request)
    body = await read_body(request, Settings)
    with problems():
        await services_of(request).commerce.moderation.settings.set(
            room_id, body.slow_s, body.members_only, actor=actor
        )
    return Response(status_code=204)


async def set_words(request: Request) -> Response:
    """`PUT /api/rooms/{room}/moderation/words`: replace the list."""
    room_id, actor = await _moderator(request)
    body = await read_body(request, Words, bytes_max=WORDS_BYTES_MAX)
    with problems():
        words = [
            Word(text, word.verdict, syllables)
            for word, (text, syllables) in ((word, spelled(word.text)) for word in body.words)
        ]
        await services_of(request).commerce.moderation.settings.set_words(
            room_id, words, actor=actor
        )
    return reply({"words": [{"text": word.text, "verdict": word.verdict} for word in words]})


async def add_moderator(request: Request) -> Response:
    """`PUT /api/rooms/{room}/moderators/{subject}`: the host makes somebody a moderator."""
    room_id, actor = _host(request)
    body = await read_body(request, NewModerator, empty="{}")
    subject = path_id(request, "subject")
    with problems():
        await services_of(request).commerce.moderation.settings.add_moderator(
            room_id, subject, body.nickname or subject, actor=actor
        )
    return Response(status_code=204)


async def remove_moderator(request: Request) -> Response:
    """`DELETE /api/rooms/{room}/moderators/{subject}`: no more; idempotent."""
    room_id, actor = _host(request)
    with problems():
        await services_of(request).commerce.moderation.settings.remove_moderator(
            room_id, path_id(request, "subject"), actor=actor
        )
    return Response(status_code=204)


async def impose(request: Request) -> Response:
    """`POST /api/rooms/{room}/sanctions`: mute or ban, with a reason that the person is shown."""
    room_id, actor = await _moderator(request)
    services = services_of(request)
    body = await read_body(request, NewSanction)
    address = device = ""
    if body.by_address or body.by_device:
        address, device = await services.moderation.keys_of_writer(room_id, body.subject)
    with problems():
        sanction = await services.commerce.moderation.sanctions.impose(
            room_id,
            SanctionKind(body.kind),
            body.subject,
            body.nickname or body.subject,
            body.reason,
            actor=actor,
            for_s=body.for_s,
            address=address if body.by_address else "",
            device=device if body.by_device else "",
            removes=body.removes,
        )
    made = {
        "id": sanction.id,
        "until_ms": sanction.until_ms,
        "by_address": bool(sanction.address),
        "by_device": bool(sanction.device),
    }
    return reply(made, 201)


async def lift(request: Request) -> Response:
    """`DELETE /api/rooms/{room}/sanctions/{sanction}`: it ends now; idempotent."""
    room_id, actor = await _moderator(request)
    with problems():
        await services_of(request).commerce.moderation.sanctions.lift(
            room_id, path_id(request, "sanction"), actor=actor
        )
    return Response(status_code=204)


async def keep(request: Request) -> Response:
    """`POST /api/rooms/{room}/sanctions/{sanction}/keep`: the appeal changes nothing."""
    room_id, actor = await _moderator(request)
    with problems():
        await services_of(request).commerce.moderation.sanctions.keep(
            room_id, path_id(request, "sanction"), actor=actor
        )
    return Response(status_code=204)


async def appeal(request: Request) -> Response:
    """`POST /api/rooms/{room}/appeals`: somebody muted or banned asks to be looked at again."""
    room_id, principal = await _known(request)
    body = await read_body(request, Text)
    with problems():
        await services_of(request).commerce.moderation.sanctions.appeal(
            room_id, principal.subject, body.text
        )
    return Response(status_code=204)


async def remove_line(request: Request) -> Response:
    """`DELETE /api/rooms/{room}/lines/{line}`: it disappears everywhere."""
    room_id, actor = await _moderator(request)
    services = services_of(request)
    line = await services.moderation.line(room_id, path_id(request, "line"))
    if line is None:
        raise Problem(404, "no-such-line", "No such line.")
    with problems():
        await services.commerce.moderation.lines.remove(room_id, line, actor=actor)
    return Response(status_code=204)


async def report(request: Request) -> Response:
    """`POST /api/rooms/{room}/lines/{line}/report`: a neighbour shows a line to the moderators."""
    room_id, principal = await _known(request)
    services = services_of(request)
    line = await services.moderation.line(room_id, path_id(request, "line"))
    if line is None:
        raise Problem(404, "no-such-line", "No such line.")
    with problems():
        await services.commerce.moderation.lines.report(room_id, line, principal.subject)
    return Response(status_code=204)


async def decide(request: Request) -> Response:
    """`POST /api/rooms/{room}/flags/{flag}`: show, remove or dismiss a line that waits."""
    room_id, actor = await _moderator(request)
    services = services_of(request)
    body = await read_body(request, Decision)
    decision = FlagDecision(body.decision)
    with problems():
        flag = await services.commerce.moderation.lines.decide(
            room_id, path_id(request, "flag"), decision, actor=actor
        )
    if decision is FlagDecision.SHOWN and flag.kind == "held":
        await services.moderation.show(room_id, flag.line)
    return Response(status_code=204)


def _host(request: Request) -> tuple[str, str]:
    room_id = path_id(request, "room")
    principal = services_of(request).access.principal(request)
    require(principal, Action.PIN, room_id=room_id)
    return room_id, principal.subject


async def _moderator(request: Request) -> tuple[str, str]:
    """Return the room and the subject of one of its moderators, or of its head office."""
    services, room_id = services_of(request), path_id(request, "room")
    principal = services.access.principal(request)
    with problems():
        services.commerce.catalogue.room(room_id)
    brand_id = services.commerce.catalogue.brand_id("room", room_id)
    if not allowed(principal, Action.MANAGE_BRAND, brand_id=brand_id):
        with problems():
            rules = await services.commerce.moderation.settings.rules(room_id)
        named = {moderator.subject for moderator in rules.moderators}
        require(principal, Action.MODERATE, room_id=room_id, moderators=named)
    return room_id, principal.subject


async def _known(request: Request) -> tuple[str, Principal]:
    """Return the room, and somebody known of its brand.

    Raises:
        Problem: 401, 403 `forbidden`, 404 or 429.
    """
    services, room_id = services_of(request), path_id(request, "room")
    principal = services.access.principal(request)
    require(principal, Action.CHAT, room_id=room_id)
    catalogue = services.commerce.catalogue
    with problems():
        catalogue.room(room_id)
        brand_id = principal.brand_id
        if principal.estate_id:
            catalogue.estate(principal.estate_id)
            brand_id = catalogue.brand_id("estate", principal.estate_id)
    if brand_id != catalogue.brand_id("room", room_id):
        raise Problem(403, "forbidden", "Forbidden.", "This room is of another brand.")
    await services.limits.take(LimitKind.ACTIVITY, principal.subject)
    return room_id, principal


_ROOM = "/api/rooms/{room}"
routes = [
    Route(f"{_ROOM}/moderation", read, methods=["GET"]),
    Route(f"{_ROOM}/moderation", set_settings, methods=["PUT"]),
    Route(f"{_ROOM}/moderation/words", set_words, methods=["PUT"]),
    Route(f"{_ROOM}/moderators/{{subject}}", add_moderator, methods=["PUT"]),
    Route(f"{_ROOM}/moderators/{{subject}}", remove_moderator, methods=["DELETE"]),
    Route(f"{_ROOM}/sanctions", impose, methods=["POST"]),
    Route(f"{_ROOM}/sanctions/{{sanction}}", lift, methods=["DELETE"]),
    Route(f"{_ROOM}/sanctions/{{sanction}}/keep", keep, methods=["POST"]),
    Route(f"{_ROOM}/appeals", appeal, methods=["POST"]),
    Route(f"{_ROOM}/lines/{{line}}", remove_line, methods=["DELETE"]),
    Route(f"{_ROOM}/lines/{{line}}/report", report, methods=["POST"]),
    Route(f"{_ROOM}/flags/{{flag}}", decide, methods=["POST"]),
]
