"""The viewer's page of one room: what a shared link shows, and what is seen before scripts run.

The page as built has a comment where the shell goes; the page's own scripts take the shell away
once they know the room.
"""

import re
from dataclasses import dataclass
from html import escape

from starlette.requests import Request

from commerce.catalogue.values import Room, Store, Text
from rooms.log import LogUnavailable
from server.bridge.channels.cards import Card
from server.bridge.channels.groups import GROUP_STATES_ENDED
from server.bridge.channels.registry import RoomState
from server.bridge.channels.texts import LocalText
from server.services import Services

SHELL = "<!--shell-->"
# Where no frame of the live can be had: some messengers do not show SVG.
SHARE_PICTURE = "/icons/icon-512.png"
_TITLE = re.compile(r"<title>.*?</title>")


@dataclass(frozen=True, slots=True)
class Offer:
    """The product on the table as a newcomer to the room is offered it."""

    card: Card
    price_fen: int


async def room_page(request: Request, page: str) -> tuple[int, str]:
    """Return the status and the text of a room's page, made from the `page` as built."""
    services: Services = request.app.state.services
    catalogue = services.commerce.catalogue
    room = catalogue.rooms.get(request.path_params["room_id"])
    if room is None:
        return 404, page
    language = "zh" if "zh" in request.headers.get("accept-language", "zh")[:2].lower() else "en"
    store = catalogue.store(room.store_id)
    origin = f"{request.url.scheme}://{request.url.netloc}"
    live = [f"/live/{room.id}/thumbnail.jpg"] if services.thumbnails.can_make(room.id) else []
    estates = catalogue.estates_of(room.id)
    offer = await _offer(services, room.id, estates[0].id if estates else None)
    pictures = [origin + path for path in (*live, SHARE_PICTURE)]
    head = _head(store, room, offer, language, pictures)
    page = page.replace('<html lang="zh-CN">', _HTML[language], 1)
    page = _TITLE.sub(lambda _: head, page, count=1)
    return 200, page.replace(SHELL, _shell(store, room, offer, language), 1)


async def _offer(services: Services, room_id: str, estate_id: str | None) -> Offer | None:
    """Return what is on the table; None while nothing is, or nothing can be said about it."""
    try:
        local = await services.rooms.open_room(f"room:{room_id}")
    except LogUnavailable:
        return None
    state = local.room.state
    if not isinstance(state, RoomState) or not state.cards:
        return None
    card = state.cards[0]
    prices = [
        group.price_fen
        for group in state.groups
        if group.product_id == card.product.id
        and group.estate_id == estate_id
        and group.state not in GROUP_STATES_ENDED
    ]
    return Offer(card, prices[-1] if prices else card.product.price_fen)


def _head(store: Store, room: Room, offer: Offer | None, language: str, pictures: list[str]) -> str:
    title = escape(f"{_said(store.name, language)} · {_said(room.title, language)}")
    about = f"{_said(store.address, language)} · {_ABOUT[language]}"
    if offer is not None:
        about = f"{_said(offer.card.product.name, language)} {money(offer.price_fen)} · {about}"
    about = escape(about)
    images = "".join(
        f'\n    <meta property="og:image" content="{escape(url)}" />' for url in pictures
    )
    return f"""<title>{title}</title>
    <meta name="description" content="{about}" />
    <meta property="og:type" content="website" />
    <meta property="og:title" content="{title}" />
    <meta property="og:description" content="{about}" />{images}"""


def _shell(store: Store, room: Room, offer: Offer | None, language: str) -> str:
    return f"""<div id="shell" class="shell">
      <header><img src="/goods/logo.svg" width="38" height="38" alt="" />
        <div><h1>{escape(_said(store.name, language))}</h1>
        <p>{escape(_said(room.title, language))}</p></div></header>{_card(offer, language)}
    </div>"""


def _card(offer: Offer | None, language: str) -> str:
    if offer is None:
        return ""
    product = offer.card.product
    name = escape(_said(product.name, language))
    unit = escape(_said(product.unit, language))
    return f"""
      <article><img src="{escape(product.image)}" width="84" height="84" alt="" />
        <div><h2>{name}</h2><p><b>{money(offer.price_fen)}</b> /{unit}</p></div></article>"""


def money(fen: int) -> str:
    """Return an amount as the pages write it.

    >>> money(1_399_900)
    '¥13,999.00'
    """
    return f"¥{fen // 100:,}.{fen % 100:02}"


def _said(text: Text | LocalText, language: str) -> str:
    return text.zh if language == "zh" else text.en


_HTML = {"zh": '<html lang="zh-CN">', "en": '<html lang="en">'}
_ABOUT = {
    "zh": "看店主上货，和邻居一起参团，30 分钟后到店自提。",
    "en": "Join your neighbours’ group buy live and pick it up 30 minutes later.",
}
