"""What a store prints of a wave: the pick list (A4) and the labels of its bags (60 × 40 mm)."""

import asyncio
from collections.abc import Callable, Sequence
from importlib import import_module
from types import ModuleType

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from commerce.io.shop.packing.waves import BagView, WaveView
from server.access.policy import Action, require
from server.http.bodies import path_id, problems, services_of
from server.http.share.card import product_picture
from server.printing.packing_words import Language
from server.problem import Problem

OFFSET_MAX = 14 * 60  # minutes from UTC

# Reportlab keeps its fonts in the process: one document at a time.
_printing = asyncio.Lock()


async def pick_list(request: Request) -> Response:
    """`GET …/waves/{wave}/{state}/pick-list.pdf`: items by zone, then bag by bag."""
    wave, language, offset = await _wave(request)
    return await _pdf(request, lambda prints, font: prints.pick_list(wave, language, offset, font))


async def labels(request: Request) -> Response:
    """`GET …/waves/{wave}/{state}/labels.pdf`: a page per bag, and its note cards; `?order=`."""
    wave, language, offset = await _wave(request)
    only = request.query_params.get("order")
    bags = [bag for bag in wave.bags if only is None or bag.order_id == only]
    if not bags:
        raise Problem(404, "no-such-order", "No such order.")
    of = len(wave.bags)
    photos = await _photos(request, bags)
    return await _pdf(
        request, lambda prints, font: prints.labels(bags, of, photos, language, offset, font)
    )


async def note_cards(request: Request) -> Response:
    """`GET …/waves/{wave}/{state}/note-cards.pdf`: the cards of all bags, many on an A4 sheet."""
    wave, language, _ = await _wave(request)
    bags = [bag for bag in wave.bags if bag.note_cards]
    if not bags:
        raise Problem(404, "no-note-cards", "No bag of this wave has a note card.")
    photos = await _photos(request, bags)
    return await _pdf(request, lambda prints, font: prints.note_cards(bags, photos, language, font))


async def _photos(request: Request, bags: Sequence[BagView]) -> dict[str, bytes]:
    """The photos of the cards of bags by their path, without those that are gone."""
    services = services_of(request)
    paths = {card.photo for bag in bags for card in bag.note_cards if card.photo}
    found = {path: await product_picture(services, path) for path in paths}
    return {path: data for path, data in found.items() if data}


async def _wave(request: Request) -> tuple[WaveView, Language, int]:
    store_id = path_id(request, "store")
    services = services_of(request)
    require(services.access.principal(request), Action.FULFIL, store_id=store_id)
    language: Language = "zh" if request.query_params.get("language") == "zh" else "en"
    try:
        offset = int(request.query_params.get("utc_offset", "0"))
    except ValueError:
        offset = OFFSET_MAX + 1
    if abs(offset) > OFFSET_MAX:
        raise Problem(422, "bad-request", "Invalid request.", "In minutes.", member="utc_offset")
    state = request.path_params["state"]
    with problems():
        wave = await services.commerce.waves.one(store_id, path_id(request, "wave"), state)
    return wave, language, offset


async def _pdf(request: Request, make: Callable[[ModuleType, str], bytes]) -> Response:
    return await pdf_reply(request, "server.printing.wave_prints", make)


async def pdf_reply(
    request: Request, module: str, make: Callable[[ModuleType, str], bytes]
) -> Response:
    """Answer with what `make` prints, given a module of `server.printing` and LINLI_FONT.

    Raises:
        Problem: 501 `no-font`.
    """
    # Few workers ever print, and the library takes 50 ms to load.
    prints = await asyncio.to_thread(import_module, module)
    font = services_of(request).settings.font
    try:
        async with _printing:
            data = await asyncio.to_thread(make, prints, font)
    except prints.NoFont as error:
        raise Problem(501, "no-font", "No font to print with.", str(error)) from None
    headers = {"Content-Disposition": "inline", "Cache-Control": "no-store"}
    return Response(data, media_type="application/pdf", headers=headers)


_WAVE = "/api/stores/{store}/waves/{wave}/{state}"
routes = [
    Route(f"{_WAVE}/pick-list.pdf", pick_list, methods=["GET"]),
    Route(f"{_WAVE}/labels.pdf", labels, methods=["GET"]),
    Route(f"{_WAVE}/note-cards.pdf", note_cards, methods=["GET"]),
]
