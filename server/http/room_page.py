"""The viewer's page of one room: what a shared link shows, and what is seen before scripts run.

The page as built has a comment where the shell goes; the page's own scripts take the shell away
once they know the room.
"""

import re
from dataclasses import dataclass
from html import escape
from urllib.parse import urlencode

from sqlalchemy.exc import SQLAlchemyError
from starlette.requests import Request

from commerce.catalogue.values import Room, Store
from commerce.errors import NotFound
from server.http.share.card import can_draw, room_card
from server.http.share.offers import Offer, language_of, money, offer_of, room_state, said
from server.services import Services

SHELL = "<!--shell-->"
# Where no frame of the live can be had: some messengers do not show SVG.
SHARE_PICTURE = "/icons/icon-512.png"
_TITLE = re.compile(r"<title>.*?</title>")


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
    language = language_of(request.headers.get("accept-language", "zh"))
    store = catalogue.store(room.store_id)
    shared = await _shared_clip(request, room, language) or await _shared_room(
        request, room, language
    )
    scheme = "https" if services.limits.is_https(request) else "http"
    origin = f"{scheme}://{request.url.netloc}"
    pictures = [origin + path for path in (*shared.pictures, SHARE_PICTURE)]
    head = _head(store, shared, language, pictures)
    page = page.replace('<html lang="zh-CN">', _HTML[language], 1)
    page = _TITLE.sub(lambda _: head, page, count=1)
    return 200, page.replace(SHELL, _shell(store, room, shared.offer, language), 1)


async def _shared_room(request: Request, room: Room, language: str) -> Shared:
    """Return what the link of a room shows, or of one of its products (`?p=`)."""
    services: Services = request.app.state.services
    if room.id in services.rehearsals.rooms:
        return Shared(said(room.title, language), None, [])
    live = [f"/live/{room.id}/thumbnail.jpg"] if services.thumbnails.can_make(room.id) else []
    product_id = request.query_params.get("p", "")
    card, offer = await room_card(services, room, product_id, language)
    pictures = []
    if await can_draw(services):
        asked = {"p": product_id} if offer and offer.product.id == product_id else {}
        query = urlencode({**asked, "language": language, "v": card.version})
        pictures = [f"/api/rooms/{room.id}/card.png?{query}"]
    title = said(room.title, language)
    if offer and offer.product.id == product_id:
        title = said(offer.product.name, language)
    return Shared(title, offer, pictures + live)


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
        offer = offer_of(services, room.id, await room_state(services, room.id), view)
    name = services.commerce.catalogue.products[clip.product_id].name
    thumbnail = f"/live/{room.id}/clips/{clip.id}.jpg?{clip.start_ms}-{clip.end_ms}"
    return Shared(clip.title or said(name, language), offer, [thumbnail])


def _head(store: Store, shared: Shared, language: str, pictures: list[str]) -> str:
    title = escape(f"{said(store.name, language)} · {shared.title}")
    about = f"{said(store.address, language)} · {_ABOUT[language]}"
    price = ""
    if shared.offer is not None:
        fen = shared.offer.price_fen
        gap = _GAP[language].format(gap=shared.offer.gap) if shared.offer.gap else ""
        about = f"{said(shared.offer.product.name, language)} {money(fen)} · {gap}{about}"
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
        <div><h1>{escape(said(store.name, language))}</h1>
        <p>{escape(said(room.title, language))}</p></div></header>{_card(offer, language)}
    </div>"""


def _card(offer: Offer | None, language: str) -> str:
    if offer is None:
        return ""
    product = offer.product
    name = escape(said(product.name, language))
    unit = escape(said(product.unit, language))
    return f"""
      <article><img src="{escape(product.image)}" width="84" height="84" alt="" />
        <div><h2>{name}</h2><p><b>{money(offer.price_fen)}</b> /{unit}</p></div></article>"""


_HTML = {"zh": '<html lang="zh-CN">', "en": '<html lang="en">'}
_GAP = {"zh": "还差 {gap} 人成团 · ", "en": "{gap} more to go · "}
_ABOUT = {
    "zh": "看店主上货，和邻居一起参团，30 分钟后到店自提。",
    "en": "Join your neighbours’ group buy live and pick it up 30 minutes later.",
}
