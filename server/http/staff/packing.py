"""Routes of packing: waves with pick lists, moves of many orders, and their undo."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

from pydantic import Field
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from commerce.io.shop.packing.moves import BatchMove, NotAllMoved, UndoOver
from commerce.io.shop.packing.picks import Found
from commerce.orders.batches import BATCH_MAX, BATCH_MAY
from commerce.orders.picking import read_slot
from commerce.orders.picks import GRAMS_MAX, PickClosed
from commerce.orders.states import OrderState
from commerce.orders.tap import QUANTITY_MAX
from server.access.policy import Action, Principal, require
from server.http.bodies import (
    Body,
    Id,
    idempotency_key,
    path_id,
    problems,
    read_body,
    reply,
    services_of,
)
from server.limits import LimitKind
from server.problem import Problem

SEARCH_CHARS_MAX = 64


OrderIds = Annotated[tuple[Id, ...], Field(min_length=1, max_length=BATCH_MAX)]
Slot = Annotated[str, Field(max_length=32)]


class NewBatch(Body):
    """Orders, and where they are to go; `all_or_none` moves nothing unless all can move."""

    order_ids: OrderIds
    to: OrderState
    all_or_none: bool = False
    slot: Slot = ""


class Placing(Body):
    """Where the bags of orders stand."""

    order_ids: OrderIds
    slot: Slot


async def waves(request: Request) -> Response:
    """`GET /api/stores/{store}/waves`: what is picked together, and what to take for it."""
    store_id, _ = _clerk(request)
    with problems():
        return reply(await services_of(request).commerce.waves.of_store(store_id))


async def wave_plans(request: Request) -> Response:
    """`GET /api/stores/{store}/wave-plans`: what is packed overnight for presales, and when."""
    store_id, _ = _clerk(request)
    with problems():
        return reply(await services_of(request).commerce.wave_plans.of_store(store_id))


async def move(request: Request) -> Response:
    """`POST /api/stores/{store}/moves`: many orders move on, once per key."""
    store_id, principal = _clerk(request)
    key = idempotency_key(request)
    body = await read_body(request, NewBatch, bytes_max=BATCH_MAX * 80)
    if body.to not in BATCH_MAY:
        raise Problem(
            422, "bad-request", "Invalid request body.", "picking, packed or ready.", member="to"
        )
    order_ids = tuple(dict.fromkeys(body.order_ids))
    batch = BatchMove(
        store_id,
        order_ids,
        body.to,
        principal.subject,
        key,
        body.all_or_none,
        _slot(body.slot),
    )
    with _batch_problems(), problems():
        return reply(await services_of(request).commerce.batches.move(batch))


class Pick(Body):
    """What was found of a part; instead of the rest, a substitute may be offered."""

    found_units: Annotated[int, Field(ge=0, le=QUANTITY_MAX * 100)]
    substitute_id: Id | None = None
    grams: Annotated[int | None, Field(ge=0, le=GRAMS_MAX)] = None


async def pick(request: Request) -> Response:
    """`PUT /api/stores/{store}/orders/{order}/picks/{line}/{part}`: what was found of a part."""
    store_id, principal = _clerk(request)
    body = await read_body(request, Pick)
    found = Found(
        store_id,
        path_id(request, "order"),
        request.path_params["line"],
        request.path_params["part"],
        body.found_units,
        principal.subject,
        body.substitute_id or "",
        body.grams,
    )
    with pick_problems(), problems():
        return reply(await services_of(request).commerce.picks.note(found))


class SubstituteAnswer(Body):
    """Whether the buyer takes what is offered."""

    accept: bool


async def answer(request: Request) -> Response:
    """`POST /api/orders/{order}/substitutes/{line}/{part}`: the buyer's answer to an offer."""
    services = services_of(request)
    principal = services.access.principal(request)
    require(principal, Action.ORDER)
    await services.limits.take(LimitKind.ORDER, principal.subject)
    body = await read_body(request, SubstituteAnswer)
    order_id = path_id(request, "order")
    line, part = request.path_params["line"], request.path_params["part"]
    with pick_problems(), problems():
        order = await services.commerce.picks.answer(
            order_id, principal.subject, line, part, body.accept
        )
    return reply({"order": order})


@contextmanager
def pick_problems() -> Iterator[None]:
    """Translate what is not allowed any more."""
    try:
        yield
    except PickClosed:
        raise Problem(409, "pick-closed", "Settled already.") from None


async def place(request: Request) -> Response:
    """`PUT /api/stores/{store}/bags`: where the bags of orders stand."""
    store_id, _ = _clerk(request)
    body = await read_body(request, Placing, bytes_max=BATCH_MAX * 80)
    order_ids = tuple(dict.fromkeys(body.order_ids))
    batches = services_of(request).commerce.batches
    return reply({"orders": await batches.put(store_id, order_ids, _slot(body.slot))})


async def find(request: Request) -> Response:
    """`GET /api/stores/{store}/found-orders`: by name, number, phone tail or pickup code."""
    store_id, principal = _clerk(request)
    # A code is not to be found by trying.
    services = services_of(request)
    await services.limits.take(LimitKind.HANDOVER, f"{store_id}:{principal.subject}")
    words = request.query_params.get("q", "")[:SEARCH_CHARS_MAX]
    with problems():
        found = await services.commerce.order_search.find(store_id, words)
    return reply({"orders": found})


async def pace(request: Request) -> Response:
    """`GET /api/stores/{store}/pace`: how fast orders of the last day were ready."""
    store_id, _ = _clerk(request)
    with problems():
        return reply(await services_of(request).commerce.order_search.pace(store_id))


def _slot(typed: str) -> str:
    slot = read_slot(typed)
    if slot is None:
        detail = "Letters, digits and -, at most 8, such as A1."
        raise Problem(422, "bad-request", "Invalid request body.", detail, member="slot")
    return slot


async def undo(request: Request) -> Response:
    """`POST /api/stores/{store}/moves/{batch}/undo`: a batch goes back, if it is fresh."""
    store_id, principal = _clerk(request)
    batches = services_of(request).commerce.batches
    with _batch_problems(), problems():
        return reply(await batches.undo(store_id, path_id(request, "batch"), principal.subject))


def _clerk(request: Request) -> tuple[str, Principal]:
    store_id = path_id(request, "store")
    principal = services_of(request).access.principal(request)
    require(principal, Action.FULFIL, store_id=store_id)
    return store_id, principal


@contextmanager
def _batch_problems() -> Iterator[None]:
    try:
        yield
    except NotAllMoved as error:
        answers = [
            {"order_id": one.order_id, "outcome": one.outcome, "state": one.state}
            for one in error.answers
        ]
        raise Problem(409, "not-all-moved", "Not all orders can move.", answers=answers) from None
    except UndoOver:
        raise Problem(409, "undo-over", "Too late to undo.") from None


routes = [
    Route("/api/stores/{store}/waves", waves, methods=["GET"]),
    Route("/api/stores/{store}/wave-plans", wave_plans, methods=["GET"]),
    Route("/api/stores/{store}/orders/{order}/picks/{line:int}/{part:int}", pick, methods=["PUT"]),
    Route("/api/orders/{order}/substitutes/{line:int}/{part:int}", answer, methods=["POST"]),
    Route("/api/stores/{store}/bags", place, methods=["PUT"]),
    Route("/api/stores/{store}/found-orders", find, methods=["GET"]),
    Route("/api/stores/{store}/pace", pace, methods=["GET"]),
    Route("/api/stores/{store}/moves", move, methods=["POST"]),
    Route("/api/stores/{store}/moves/{batch}/undo", undo, methods=["POST"]),
]
