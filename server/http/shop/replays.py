"""Routes about recordings of lives: what can be replayed, product clips, and the host's edits."""

import dataclasses
from typing import Annotated

from pydantic import Field
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from commerce.catalogue.recordings import Clip, Recording
from commerce.views import ProductView
from media.errors import BlobsAway, NoSuchBlob
from media.recording.index import Index
from server.access.policy import Action, allowed, require
from server.bridge.timeline import Answer, answers_of
from server.http.bodies import Body, Id, path_id, problems, read_body, reply, services_of
from server.http.shop.activities import host_of
from server.problem import Problem

CLIP_MS_MIN = 1_000


class ClipChange(Body):
    """What a host changes of a clip; what is left out stays."""

    title: Annotated[str | None, Field(min_length=1, max_length=80)] = None
    hidden: bool | None = None
    start_ms: Annotated[int | None, Field(ge=0)] = None
    end_ms: Annotated[int | None, Field(ge=0)] = None


class Explained(Body):
    """The product that the host explains from now on; null: none any more."""

    product_id: Id | None = None


async def replays(request: Request) -> Response:
    """`GET /api/rooms/{room}/replays`: recordings, newest first, with their clips."""
    services, room_id = services_of(request), path_id(request, "room")
    shows_all = _is_host(request, room_id)
    with problems():
        found = await services.commerce.recordings.replays(room_id)
        products = await _products(request, room_id)
        out = [await _replay(request, each, products, shows_all) for each in found]
    return reply({"replays": out})


async def replay(request: Request) -> Response:
    """`GET /api/rooms/{room}/replays/{live}`: one recording, which may still grow."""
    services, room_id = services_of(request), path_id(request, "room")
    with problems():
        services.commerce.catalogue.room(room_id)
        found = await services.commerce.recordings.find(room_id, path_id(request, "live"))
        products = await _products(request, room_id)
        body = await _replay(request, found, products, _is_host(request, room_id))
        return reply(body | {"questions": await _answers(request, found)})


async def change_clip(request: Request) -> Response:
    """`PATCH /api/rooms/{room}/clips/{clip}`: rename, hide or cut it again."""
    services, room_id = services_of(request), path_id(request, "room")
    require(services.access.principal(request), Action.EDIT_REPLAY, room_id=room_id)
    body = await read_body(request, ClipChange)
    shelf = services.commerce.recordings
    with problems():
        clip = await shelf.clip(room_id, path_id(request, "clip"))
    given = body.model_dump(exclude_unset=True)
    if given.get("hidden", False) is None or None in (
        given.get("start_ms", 0),
        given.get("end_ms", 0),
    ):
        raise Problem(422, "bad-request", "Invalid request body.", "Only a title may be null.")
    cut_again = bool({"start_ms", "end_ms"} & given.keys())
    changed = dataclasses.replace(clip, **given, edited=clip.edited or cut_again)
    if changed.end_ms - changed.start_ms < CLIP_MS_MIN:
        raise Problem(
            422, "bad-request", "Invalid request body.", "A clip lasts a second at least."
        )
    await shelf.change_clip(changed)
    return reply(_clip(request, changed, await _products(request, room_id)))


async def explain(request: Request) -> Response:
    """`POST /api/rooms/{room}/explain`: the host begins or ends the explanation of a product."""
    services = services_of(request)
    room_id, _ = await host_of(request)
    body = await read_body(request, Explained)
    with problems():
        if body.product_id is not None:
            services.commerce.catalogue.product(body.product_id)
        await services.commerce.activities.shelves.explain(room_id, body.product_id)
    services.explain(room_id, body.product_id)  # in a live that is not recorded, there are no clips
    return Response(status_code=204)


async def status(request: Request) -> Response:
    """`GET /api/rooms/{room}/recording`: whether the live is recorded, and if not, why."""
    services, room_id = services_of(request), path_id(request, "room")
    require(services.access.principal(request), Action.EDIT_REPLAY, room_id=room_id)
    brand = services.commerce.catalogue.brand_of("room", room_id)
    return reply(
        {
            "wanted": brand is not None and brand.recording_days > 0,
            **dataclasses.asdict(services.recordings.status(room_id)),
        }
    )


def _is_host(request: Request, room_id: str) -> bool:
    principal = services_of(request).access.principal(request)
    return allowed(principal, Action.EDIT_REPLAY, room_id=room_id)


async def _products(request: Request, room_id: str) -> dict[str, ProductView]:
    """What is on sale, by id."""
    views = await services_of(request).commerce.products(room_id)
    return {view.id: view for view in views}


async def _replay(
    request: Request, recording: Recording, on_sale: dict[str, ProductView], shows_all: bool
) -> dict[str, object]:
    shelf = services_of(request).commerce.recordings
    clips = await shelf.clips_of(recording.room_id, recording.live_id)
    return {
        "live_id": recording.live_id,
        "started_at_ms": recording.started_at_ms,
        "ended_at_ms": recording.ended_at_ms,
        "duration_ms": recording.duration_ms,
        "octets": recording.octets,
        "clips": [_clip(request, clip, on_sale) for clip in clips if shows_all or not clip.hidden],
    }


async def _answers(request: Request, recording: Recording) -> list[Answer]:
    """What the host answered in the live; without places while the recording is not at hand."""
    services, room_id = services_of(request), recording.room_id
    asked = services.commerce.activities.questions
    answered = await asked.answered(room_id, recording.started_at_ms)
    try:
        index = await services.recordings.index(room_id, recording.live_id)
    except (NoSuchBlob, BlobsAway):
        index = Index()
    return answers_of(answered, index)


def _clip(request: Request, clip: Clip, on_sale: dict[str, ProductView]) -> dict[str, object]:
    """A clip with its product, which is null once that is no longer on sale."""
    product = services_of(request).commerce.catalogue.products[clip.product_id]
    return {
        **dataclasses.asdict(clip),
        "name": product.name,
        "image": product.image,
        "product": on_sale.get(clip.product_id),
    }


_ROOM = "/api/rooms/{room}"
routes = [
    Route(_ROOM + "/replays", replays, methods=["GET"]),
    Route(_ROOM + "/replays/{live}", replay, methods=["GET"]),
    Route(_ROOM + "/clips/{clip}", change_clip, methods=["PATCH"]),
    Route(_ROOM + "/explain", explain, methods=["POST"]),
    Route(_ROOM + "/recording", status, methods=["GET"]),
]
