"""Routes about what there is to see: estates, rooms and where their lives stand."""

import dataclasses
from functools import partial

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from commerce.catalogue.opening_hours import split
from server.access.policy import Action, require
from server.http.bodies import open_room, path_id, problems, reply, services_of
from server.problem import Problem


async def estates(request: Request) -> Response:
    """`GET /api/estates`: all estates, and the store that serves each first."""
    catalogue = services_of(request).commerce.catalogue
    return reply(
        {
            "estates": [
                {"id": estate.id, "name": estate.name, "store_id": estate.store_id}
                for estate in catalogue.estates.values()
            ]
        }
    )


async def lives(request: Request) -> Response:
    """`GET /api/lives`: every room and where its live stands."""
    services = services_of(request)
    commerce = services.commerce
    found = []
    for live in await commerce.lives.lives():
        room = commerce.catalogue.room(live.room_id)
        store = commerce.catalogue.store(room.store_id)
        found.append(
            {
                "room_id": room.id,
                "title": room.title,
                "store": {"id": store.id, "name": store.name},
                "state": live.state,
                "viewers": services.rooms.viewers(f"room:{room.id}"),
                "started_at_ms": live.started_at_ms,
            }
        )
    return reply({"lives": found})


async def live_stats(request: Request) -> Response:
    """`GET /api/lives/{room}/stats`: the host's tracks and each viewer's link, on this worker."""
    services, room_id = services_of(request), path_id(request, "room")
    require(services.access.principal(request), Action.PUBLISH, room_id=room_id)
    with problems():
        services.commerce.catalogue.room(room_id)
    found = services.media.live_stats(room_id)
    if found is None:
        raise Problem(409, "not-live", "Not live.")
    return reply(dataclasses.asdict(found))


async def room(request: Request) -> Response:
    """`GET /api/rooms/{room}`: what a page needs before it opens its socket."""
    commerce = services_of(request).commerce
    with problems():
        found = commerce.catalogue.room(open_room(request))
        live = await commerce.lives.live(found.id)
        replays = await commerce.recordings.replays(found.id, limit=1)
        clips = await commerce.recordings.newest_clips(found.id)
    store = commerce.catalogue.store(found.store_id)
    brand = commerce.catalogue.brand_of("room", found.id)
    sells_to = commerce.catalogue.estates_of(found.id)
    return reply(
        {
            "id": found.id,
            "title": found.title,
            "brand": brand
            and {
                "id": brand.id,
                "name": brand.name,
                "confirm_above_fen": brand.confirm_above_fen,
            },
            "store": {"id": store.id, "name": store.name, "address": store.address},
            "estates": [
                {
                    "id": estate.id,
                    "name": estate.name,
                    "store_ids": commerce.catalogue.routes[estate.id],
                }
                for estate in sells_to
            ],
            "stores": [
                {
                    "id": store.id,
                    "name": store.name,
                    "address": store.address,
                    "opening_hours": split(store.opening_hours),
                }
                for store in commerce.catalogue.stores.values()
                if brand and commerce.catalogue.brand_id("store", store.id) == brand.id
            ],
            "default_estate_id": sells_to[0].id if sells_to else None,
            "state": live.state,
            "rehearsal": found.id in commerce.catalogue.rehearsals,
            "started_at_ms": live.started_at_ms,
            "replay_live_id": replays[0].live_id if replays else None,
            "clips": {
                product_id: {"id": clip.id, "live_id": clip.live_id}
                for product_id, clip in clips.items()
            },
        }
    )


async def end(request: Request) -> Response:
    """`POST /api/rooms/{room}/end`: the live is over; its groups go on."""
    services = services_of(request)
    room_id = path_id(request, "room")
    principal = services.access.principal(request)
    require(principal, Action.END_LIVE, room_id=room_id)
    with problems():
        await services.end_live(room_id)
        await services.commerce.rehearsals.end(room_id, actor=principal.subject)
    return Response(status_code=204)


async def begin_rehearsal(request: Request) -> Response:
    """`PUT /api/rooms/{room}/rehearsal`: only staff sees what comes; idempotent."""
    services, room_id = services_of(request), path_id(request, "room")
    principal = services.access.principal(request)
    require(principal, Action.PUBLISH, room_id=room_id)
    with problems():
        await services.commerce.rehearsals.begin(room_id, actor=principal.subject)
    return Response(status_code=204)


async def end_rehearsal(request: Request) -> Response:
    """`DELETE /api/rooms/{room}/rehearsal`: who publishes is on air from now on; idempotent."""
    services, room_id = services_of(request), path_id(request, "room")
    principal = services.access.principal(request)
    require(principal, Action.PUBLISH, room_id=room_id)
    with problems():
        await services.end_rehearsal(
            room_id,
            partial(services.commerce.rehearsals.end, room_id, actor=principal.subject),
        )
    return Response(status_code=204)


routes = [
    Route("/api/estates", estates, methods=["GET"]),
    Route("/api/lives/{room}/stats", live_stats, methods=["GET"]),
    Route("/api/lives", lives, methods=["GET"]),
    Route("/api/rooms/{room}", room, methods=["GET"]),
    Route("/api/rooms/{room}/end", end, methods=["POST"]),
    Route("/api/rooms/{room}/rehearsal", begin_rehearsal, methods=["PUT"]),
    Route("/api/rooms/{room}/rehearsal", end_rehearsal, methods=["DELETE"]),
]
