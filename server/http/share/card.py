"""The route of the card that a link to a room shows in messengers."""

import asyncio
from functools import partial
from importlib import import_module
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from commerce.catalogue.values import Room
from commerce.io.shop.leaders.estates import time_zone_of
from media.errors import BlobsAway, NoSuchBlob
from server.http.bodies import open_room, problems, services_of
from server.http.share.offers import CardFacts, Offer, card_facts, linked_offer, room_state
from server.problem import Problem
from server.services import Services

MAX_AGE_S = 60
VERSION_MAX_AGE_S = 86_400
DEFAULT_TIME_ZONE = "Asia/Shanghai"


async def card(request: Request) -> Response:
    """`GET /api/rooms/{room}/card.png`: picture, price, what the group lacks; `?p=` a product."""
    services, query = services_of(request), request.query_params
    with problems():
        room = services.commerce.catalogue.room(open_room(request))
    language = "en" if query.get("language") == "en" else "zh"
    facts, _ = await room_card(services, room, query.get("p", ""), language)
    etag = f'"{facts.version}"'
    # A link carries the version: what it names never changes.
    age = VERSION_MAX_AGE_S if query.get("v") == facts.version else MAX_AGE_S
    headers = {"Cache-Control": f"public, max-age={age}", "ETag": etag}
    if request.headers.get("if-none-match") == etag:
        return Response(status_code=304, headers=headers)
    # Loads Pillow, which takes a moment.
    printing: Any = await asyncio.to_thread(import_module, "server.printing.share_card")
    picture = await product_picture(services, facts.image)
    texts = printing.CardTexts(
        facts.store,
        facts.title,
        facts.price,
        facts.unit,
        facts.list_price,
        facts.gap,
        facts.status,
        facts.live,
    )
    draw = partial(printing.share_card, texts, picture, services.settings.font)
    try:
        data = await services.drawings.png(facts.version, draw)
    except printing.NoFont as error:
        raise Problem(501, "no-font", "No font to print with.", str(error)) from None
    return Response(data, media_type="image/png", headers=headers)


async def room_card(
    services: Services, room: Room, product_id: str, language: str
) -> tuple[CardFacts, Offer | None]:
    """Return what the card of a link shows, and the offer in it."""
    state = await room_state(services, room.id)
    offer = await linked_offer(services, room.id, state, product_id)
    zone = DEFAULT_TIME_ZONE
    estates = services.commerce.catalogue.estates_of(room.id)
    if state is not None and state.upcoming and estates:
        zone = await services.commerce.record.query(
            lambda connection: time_zone_of(connection, estates[0].id)
        )
    return card_facts(services, room, state, offer, language, zone), offer


async def can_draw(services: Services) -> bool:
    """Whether there is a font, and so a card."""
    fonts: Any = await asyncio.to_thread(import_module, "server.printing.fonts")
    try:
        fonts.find_font(services.settings.font)
    except fonts.NoFont:
        return False
    return True


async def product_picture(services: Services, image: str) -> bytes | None:
    """Return a picture that was sent for a product; drawings of the catalogue stay out."""
    _, _, rest = image.partition("/pictures/")
    product_id, _, file = rest.partition("/")
    if not file:
        return None
    try:
        return await services.pictures.get(product_id, file)
    except (NoSuchBlob, BlobsAway):
        return None


routes = [Route("/api/rooms/{room}/card.png", card, methods=["GET"])]
