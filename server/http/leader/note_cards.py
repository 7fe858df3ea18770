"""Routes of leaders about note cards: cooking tips for the neighbours of an estate."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from server.http.bodies import path_id, problems, read_body, reply
from server.http.hq.note_cards import CardBody
from server.http.hq.pictures import sent_picture
from server.http.leader.common import Led, led


async def cards(request: Request) -> Response:
    """`GET /api/leader/estates/{estate}/note-cards`: what is bought there, with its cards."""
    at = led(request)
    with problems():
        listed = await at.services.commerce.goods.note_cards.of_estate(at.estate_id)
    return reply({"products": listed})


async def put_card(request: Request) -> Response:
    """`PUT /api/leader/estates/{estate}/note-cards/{product}`: the estate's own card."""
    at, product_id = led(request), path_id(request, "product")
    body = await read_body(request, CardBody)
    cards = at.services.commerce.goods.note_cards
    made = (_brand_id(at), product_id, body.words(), body.photo, at.principal.subject)
    with problems():
        return reply(await cards.put(*made, at.estate_id))


async def send_photo(request: Request) -> Response:
    """`POST /api/leader/estates/{estate}/note-cards/{product}/photos`: one of the handwriting."""
    at, product_id = led(request), path_id(request, "product")
    with problems():
        await at.services.commerce.goods.pictures.require(_brand_id(at), product_id)
    return reply({"photo": await sent_picture(request, at.services, product_id)}, 201)


def _brand_id(at: Led) -> str:
    return at.services.commerce.catalogue.brand_id("estate", at.estate_id)


_CARDS = "/api/leader/estates/{estate}/note-cards"
routes = [
    Route(_CARDS, cards, methods=["GET"]),
    Route(f"{_CARDS}/{{product}}", put_card, methods=["PUT"]),
    Route(f"{_CARDS}/{{product}}/photos", send_photo, methods=["POST"]),
]
