"""Routes of the head office about note cards: a product's cooking tip, for all estates."""

from typing import Annotated

from pydantic import Field, StringConstraints
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from commerce.catalogue.note_cards import WORDS_MAX
from commerce.catalogue.values import Text
from server.http.bodies import Body, path_id, problems, read_body, reply
from server.http.hq.common import office
from server.http.hq.pictures import sent_picture

PATH_CHARS_MAX = 200
Tip = Annotated[
    str,
    StringConstraints(
        strip_whitespace=True, max_length=WORDS_MAX, pattern=r"^[^\x00-\x09\x0b-\x1f\x7f]*$"
    ),
]


class CardBody(Body):
    """A tip in both languages, with lines; `photo` is the path that sending one answered."""

    zh: Tip = ""
    en: Tip = ""
    photo: Annotated[str, Field(max_length=PATH_CHARS_MAX)] = ""

    def words(self) -> Text:
        """The tip."""
        return Text(self.zh, self.en)


async def card(request: Request) -> Response:
    """`GET /api/hq/products/{product}/note-card`: the brand's card, empty for none."""
    at, product_id = office(request), path_id(request, "product")
    with problems():
        return reply(await at.commerce.goods.note_cards.one(at.brand_id, product_id))


async def put_card(request: Request) -> Response:
    """`PUT /api/hq/products/{product}/note-card`: the brand's card; an empty one takes it away."""
    at, product_id = office(request), path_id(request, "product")
    body = await read_body(request, CardBody)
    cards = at.commerce.goods.note_cards
    with problems():
        return reply(
            await cards.put(at.brand_id, product_id, body.words(), body.photo, at.staff_id)
        )


async def send_photo(request: Request) -> Response:
    """`POST /api/hq/products/{product}/note-photos`: a photo for a card, re-encoded."""
    at, product_id = office(request), path_id(request, "product")
    with problems():
        await at.commerce.goods.pictures.require(at.brand_id, product_id)
    return reply({"photo": await sent_picture(request, at.services, product_id)}, 201)


routes = [
    Route("/api/hq/products/{product}/note-card", card, methods=["GET"]),
    Route("/api/hq/products/{product}/note-card", put_card, methods=["PUT"]),
    Route("/api/hq/products/{product}/note-photos", send_photo, methods=["POST"]),
]
