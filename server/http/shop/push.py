"""Routes about messages: a guest's browsers, what comes by which channel, reminders of lives."""

from typing import Annotated, Literal

from pydantic import Field
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from commerce.notices.notices import FALLBACK_ORDER, NoticeChannel, NoticeKind, Preferences
from server.access.policy import Action, Principal, require
from server.http.bodies import Body, path_id, problems, read_body, reply, services_of
from server.limits import LimitKind
from server.problem import Problem


class Keys(Body):
    """What a browser's messages are encrypted for (W3C Push API), base64url."""

    p256dh: Annotated[str, Field(max_length=100)]
    auth: Annotated[str, Field(max_length=40)]


class Browser(Body):
    """A subscription as the browser gives it, and the language of its messages."""

    endpoint: Annotated[str, Field(max_length=2_000)]
    keys: Keys
    language: Literal["zh", "en"] = "zh"


class Endpoint(Body):
    """A browser to which nothing is sent any more."""

    endpoint: Annotated[str, Field(max_length=2_000)]


Kinds = Annotated[tuple[NoticeKind, ...], Field(max_length=len(NoticeKind))]


class Wanted(Body):
    """Kinds that come by no channel or not by one, and the hours in which nothing comes."""

    muted: Kinds = ()
    muted_by: dict[NoticeChannel, Kinds] = Field(default={}, max_length=len(FALLBACK_ORDER))
    quiet_from_hour: int
    quiet_until_hour: int


async def read(request: Request) -> Response:
    """`GET /api/me/push`: the browsers' key, the guest's channels, and what the guest wants."""
    commerce = services_of(request).commerce
    guest_id = (await _guest(request, counted=False)).subject
    channels = await commerce.notice_preferences.channels(guest_id)
    shown = {channel: sorted(kinds) for channel, kinds in channels.items()}
    wanted = await commerce.notice_preferences.of(guest_id)
    return reply({"key": commerce.push.public_key, "channels": shown, **_shown(wanted)})


async def subscribe(request: Request) -> Response:
    """`PUT /api/me/push`: send the guest's notices to this browser; idempotent."""
    principal = await _guest(request)
    body = await read_body(request, Browser)
    push = services_of(request).commerce.push
    if not push.public_key:
        raise Problem(409, "no-push", "There is no push here.")
    with problems():
        await push.subscribe(
            principal.subject, body.endpoint, body.keys.p256dh, body.keys.auth, body.language
        )
    return Response(status_code=204)


async def unsubscribe(request: Request) -> Response:
    """`DELETE /api/me/push`: send nothing to this browser any more; idempotent."""
    principal = await _guest(request)
    body = await read_body(request, Endpoint)
    await services_of(request).commerce.push.unsubscribe(principal.subject, body.endpoint)
    return Response(status_code=204)


async def set_wanted(request: Request) -> Response:
    """`PUT /api/me/push/preferences`: which messages come by which channel, and when none."""
    principal = await _guest(request)
    body = await read_body(request, Wanted)
    wanted = Preferences(
        frozenset(body.muted),
        body.quiet_from_hour,
        body.quiet_until_hour,
        {channel: frozenset(kinds) for channel, kinds in body.muted_by.items()},
    )
    with problems():
        await services_of(request).commerce.notice_preferences.set(principal.subject, wanted)
    return reply(_shown(wanted))


async def reminders(request: Request) -> Response:
    """`GET /api/rooms/{room}/reminders`: the scheduled lives that the guest is reminded of."""
    principal = await _guest(request, counted=False)
    room_id = _room_of_brand(request, principal)
    wanted = await services_of(request).commerce.live_reminders.wanted(room_id, principal.subject)
    return reply({"lives": wanted})


async def remind(request: Request) -> Response:
    """`PUT /api/rooms/{room}/reminders/{live}`: remind the guest of it; idempotent."""
    principal = await _guest(request)
    room_id, live_id = _room_of_brand(request, principal), path_id(request, "live")
    with problems():
        await services_of(request).commerce.live_reminders.want(room_id, live_id, principal.subject)
    return Response(status_code=204)


async def do_not_remind(request: Request) -> Response:
    """`DELETE /api/rooms/{room}/reminders/{live}`: idempotent."""
    principal = await _guest(request)
    _room_of_brand(request, principal)
    await services_of(request).commerce.live_reminders.drop(
        path_id(request, "live"), principal.subject
    )
    return Response(status_code=204)


def _shown(wanted: Preferences) -> dict[str, object]:
    return {
        "muted": sorted(wanted.muted),
        "muted_by": {channel: sorted(kinds) for channel, kinds in sorted(wanted.muted_by.items())},
        "quiet_from_hour": wanted.quiet_from_hour,
        "quiet_until_hour": wanted.quiet_until_hour,
    }


async def _guest(request: Request, *, counted: bool = True) -> Principal:
    services = services_of(request)
    principal = services.access.principal(request)
    require(principal, Action.ORDER)
    if counted:
        await services.limits.take(LimitKind.ACTIVITY, principal.subject)
    return principal


def _room_of_brand(request: Request, principal: Principal) -> str:
    """Return the room of the path; 404 if it is not of the guest's brand."""
    room_id, catalogue = path_id(request, "room"), services_of(request).commerce.catalogue
    with problems():
        catalogue.room(room_id)
        if principal.estate_id:
            catalogue.require_one_brand(room_id, ("estate", principal.estate_id))
    return room_id


_REMINDERS = "/api/rooms/{room}/reminders"
routes = [
    Route("/api/me/push", read, methods=["GET"]),
    Route("/api/me/push", subscribe, methods=["PUT"]),
    Route("/api/me/push", unsubscribe, methods=["DELETE"]),
    Route("/api/me/push/preferences", set_wanted, methods=["PUT"]),
    Route(_REMINDERS, reminders, methods=["GET"]),
    Route(f"{_REMINDERS}/{{live}}", remind, methods=["PUT"]),
    Route(f"{_REMINDERS}/{{live}}", do_not_remind, methods=["DELETE"]),
]
