"""Routes about invites to groups: a household's link, what it opens, who follows it, its poster."""

import re

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from server.access.policy import Action, require
from server.http.bodies import path_id, problems, reply, services_of
from server.http.share.poster import group_poster
from server.http.shop.guests import DEVICE_COOKIE
from server.limits import LimitKind

_DEVICE = re.compile(r"[A-Za-z0-9_-]{8,64}")


async def make(request: Request) -> Response:
    """`PUT /api/groups/{group}/invite`: the household's link to its group; idempotent."""
    services = services_of(request)
    principal = services.access.principal(request)
    require(principal, Action.ORDER)
    await services.limits.take(LimitKind.ACTIVITY, principal.subject)
    with problems():
        invite = await services.commerce.invites.make(
            path_id(request, "group"), principal.subject, _device(request)
        )
    return reply(invite)


async def mine(request: Request) -> Response:
    """`GET /api/groups/{group}/invite`: who of those invited counts, by name and building."""
    services = services_of(request)
    principal = services.access.principal(request)
    require(principal, Action.ORDER)
    with problems():
        invite = await services.commerce.invites.mine(path_id(request, "group"), principal.subject)
    return reply(invite)


async def show(request: Request) -> Response:
    """`GET /api/invites/{code}`: what a link opens."""
    services = services_of(request)
    await services.limits.take(LimitKind.PLAY, f"invite:{services.limits.address(request)}")
    with problems():
        return reply(await services.commerce.invites.get(path_id(request, "code")))


async def follow(request: Request) -> Response:
    """`POST /api/invites/{code}/follow`: a guest came by the link; the first of a group stands."""
    services = services_of(request)
    principal = services.access.principal(request)
    require(principal, Action.ORDER)
    await services.limits.take(LimitKind.ACTIVITY, principal.subject)
    with problems():
        state = await services.commerce.invites.follow(
            path_id(request, "code"),
            principal.subject,
            _device(request),
            services.limits.address(request),
        )
    return reply({"state": state})


async def poster(request: Request) -> Response:
    """`GET /api/invites/{code}/poster.png`: what the group lacks, and a QR of the link."""
    services = services_of(request)
    await services.limits.take(LimitKind.PLAY, f"invite:{services.limits.address(request)}")
    with problems():
        invited = await services.commerce.invites.get(path_id(request, "code"))
        home = services.commerce.leaders.home
        shared = await home.shared(invited.group.estate_id, invited.group.id)
    link = f"/r/{invited.room_id}?p={invited.group.product_id}&invite={invited.code}"
    return await group_poster(request, shared, link)


def _device(request: Request) -> str:
    device = request.cookies.get(DEVICE_COOKIE, "")
    return device if _DEVICE.fullmatch(device) else ""


routes = [
    Route("/api/groups/{group}/invite", make, methods=["PUT"]),
    Route("/api/groups/{group}/invite", mine, methods=["GET"]),
    Route("/api/invites/{code}", show, methods=["GET"]),
    Route("/api/invites/{code}/follow", follow, methods=["POST"]),
    Route("/api/invites/{code}/poster.png", poster, methods=["GET"]),
]
