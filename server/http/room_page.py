"""The viewer's page of one room: what a shared link shows, and what is seen before scripts run.

The page as built has a comment where the shell goes; the page's own scripts take the shell away
once they know the room.
"""

import re
from dataclasses import dataclass
from html import escape

from sqlalchemy.exc import SQLAlchemyError
from starlette.requests import Request

from commerce.catalogue.values import Room, Store, Text
from commerce.errors import NotFound
from commerce.views import ProductView
from rooms.log import LogUnavailable
from server.bridge.channels.cards import Product
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
    """A product as a newcomer to the room is offered it."""

    product: Product | ProductView
    price_fen: int


@dataclass(frozen=True, slots=True)
class Shared:
    """What a link to the page shows; pictures are paths, the best first."""

    title: str
    offer: Offer | None
    pictures: list[str]


async def room_page(request: Request, page: str) -> tuple[int, str]:
    """Return the status and the text of a room's page, made from the `page` as built."""
    services: Services = request.app.state.services
    catalogue = services.commerce.catalogue
    room = catalogue.rooms.get(request.path_params["room_id"])
    if room is None:
        return 404, page
    language = "zh" if "zh" in request.headers.get("accept-language", "zh")[:2].lower() else "en"
    store = catalogue.store(room.store_id)
    shared = await _shared_clip(request, room, language) or await _shared_room(
        services, room, language
    )
    origin = f"{request.url.scheme}://{request.url.netloc}"
    pictures = [origin + path for path in (*shared.pictures, SHARE_PICTURE)]
    head = _head(store, shared, language, pictures)
    page = page.replace('<html lang="zh-CN">', _HTML[language], 1)
    page = _TITLE.sub(lambda _: head, page, count=1)
    return 200, page.replace(SHELL, _shell(store, room, shared.offer, language), 1)


async def _shared_room(services: Services, room: Room, language: str) -> Shared:
    live = [f"/live/{room.id}/thumbnail.jpg"] if services.thumbnails.can_make(room.id) else []
    state = await _state(services, room.id)
    card = state.cards[0] if state is not None and state.cards else None
    offer = _offer(services, room.id, state, card.product) if card is not None else None
    return Shared(_said(room.title, language), offer, live)


async def _shared_clip(request: Request, room: Room, language: str) -> Shared | None:
    """Return what the link of a clip shows; None: the page is of no clip that everybody sees."""
    services: Services = request.app.state.services
    live_id, clip_id = request.path_params.get("live_id"), request.query_params.get("clip")
    if live_id is None or clip_id is None:
        return None
    try:
        clip = await services.commerce.recordings.clip(room.id, clip_id)
        on_sale = {view.id: view for view in await services.commerce.products(room.id)}
    except (NotFound, SQLAlchemyError):
        return None
    if clip.hidden or clip.live_id != live_id:
        return None
    view = on_sale.get(clip.product_id)
    offer = None
    if view is not None:
        offer = _offer(services, room.id, await _state(services, room.id), view)
    name = services.commerce.catalogue.products[clip.product_id].name
    thumbnail = f"/live/{room.id}/clips/{clip.id}.jpg?{clip.start_ms}-{clip.end_ms}"
    return Shared(clip.title or _said(name, language), offer, [thumbnail])


async def _state(services: Services, room_id: str) -> RoomState | None:
    """Return what a room shows; None: nothing can be said about it."""
    try:
        local = await services.rooms.open_room(f"room:{room_id}")
    except LogUnavailable:
        return None
    return local.room.state if isinstance(local.room.state, RoomState) else None


def _offer(
    services: Services, room_id: str, state: RoomState | None, product: Product | ProductView
) -> Offer:
    estates = services.commerce.catalogue.estates_of(room_id)
    prices = [
        group.price_fen
        for group in (state.groups if state is not None else ())
        if group.product_id == product.id
        and estates
        and group.estate_id == estates[0].id
        and group.state not in GROUP_STATES_ENDED
    ]
    return Offer(product, prices[-1] if prices else product.price_fen)


def _head(store: Store, shared: Shared, language: str, pictures: list[str]) -> str:
    title = escape(f"{_said(store.name, language)} · {shared.title}")
    about = f"{_said(store.address, language)} · {_ABOUT[language]}"
    price = ""
    if shared.offer is not None:
        fen = shared.offer.price_fen
        about = f"{_said(shared.offer.product.name, language)} {money(fen)} · {about}"
        price = f"""
    <meta property="product:price:amount" content="{fen // 100}.{fen % 100:02}" />
    <meta property="product:price:currency" content="CNY" />"""
    about = escape(about)
    images = "".join(
        f'\n    <meta property="og:image" content="{escape(url)}" />' for url in pictures
    )
    return f"""<title>{title}</title>
    <meta name="description" content="{about}" />
    <meta property="og:type" content="website" />
    <meta property="og:title" content="{title}" />
    <meta property="og:description" content="{about}" />{price}{images}"""


def _shell(store: Store, room: Room, offer: Offer | None, language: str) -> str:
    return f"""<div id="shell" class="shell">
      <header><img src="/goods/logo.svg" width="38" height="38" alt="" />
        <div><h1>{escape(_said(store.name, language))}</h1>
        <p>{escape(_said(room.title, language))}</p></div></header>{_card(offer, language)}
    </div>"""


def _card(offer: Offer | None, language: str) -> str:
    if offer is None:
        return ""
    product = offer.product
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
