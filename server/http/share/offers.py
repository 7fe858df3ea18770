"""What a newcomer is offered in a room, from the room's state, and what its cards say."""

from dataclasses import dataclass
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from sqlalchemy.exc import SQLAlchemyError

from commerce.catalogue.values import Room, Text
from commerce.errors import NotFound
from commerce.views import ProductView
from rooms.log import LogUnavailable
from server.bridge.channels.cards import Product
from server.bridge.channels.groups import GROUP_STATES_ENDED, Group
from server.bridge.channels.registry import RoomState
from server.bridge.channels.texts import LocalText
from server.printing.drawings import version_of
from server.services import Services


@dataclass(frozen=True, slots=True)
class Offer:
    """A product as a newcomer to the room is offered it, and the group that it could join."""

    product: Product | ProductView
    price_fen: int
    group: Group | None = None

    @property
    def gap(self) -> int:
        """How many households the group lacks; 0 without a group."""
        return max(0, self.group.target - self.group.joined) if self.group else 0


@dataclass(frozen=True, slots=True)
class CardFacts:
    """All that a share card shows, in one language; see `server.printing.share_card`."""

    store: str
    title: str
    price: str
    unit: str
    list_price: str
    gap: str
    status: str
    live: bool
    image: str

    @property
    def version(self) -> str:
        """Another content is another version."""
        return version_of(self)


async def room_state(services: Services, room_id: str) -> RoomState | None:
    """Return what a room shows; None: nothing can be said about it."""
    try:
        local = await services.rooms.open_room(f"room:{room_id}")
    except LogUnavailable:
        return None
    return local.room.state if isinstance(local.room.state, RoomState) else None


async def linked_offer(
    services: Services, room_id: str, state: RoomState | None, product_id: str
) -> Offer | None:
    """Return the product that a link names, or else the one that lies on top in the room."""
    card = state.cards[0] if state is not None and state.cards else None
    if not product_id:
        return offer_of(services, room_id, state, card.product) if card else None
    try:
        views = await services.commerce.products(room_id)
    except (NotFound, SQLAlchemyError):
        views = []
    for view in views:
        if view.id == product_id:
            return offer_of(services, room_id, state, view)
    return offer_of(services, room_id, state, card.product) if card else None


def offer_of(
    services: Services, room_id: str, state: RoomState | None, product: Product | ProductView
) -> Offer:
    """Return a product at the price of its group in the room's first estate, if there is one."""
    estates = services.commerce.catalogue.estates_of(room_id)
    groups = [
        group
        for group in (state.groups if state is not None else ())
        if group.product_id == product.id
        and estates
        and group.estate_id == estates[0].id
        and group.state not in GROUP_STATES_ENDED
    ]
    if not groups:
        return Offer(product, product.price_fen)
    return Offer(product, groups[-1].price_fen, groups[-1])


def card_facts(
    services: Services,
    room: Room,
    state: RoomState | None,
    offer: Offer | None,
    language: str,
    time_zone: str,
) -> CardFacts:
    """Return what the card of a link shows."""
    words = _WORDS[language]
    live = state is not None and state.live.state == "live"
    status = words["live"] if live else ""
    if state is not None and state.upcoming and not live:
        starts = datetime.fromtimestamp(state.upcoming[0].starts_at_ms / 1_000, UTC)
        status = words["upcoming"].format(
            time=f"{starts.astimezone(ZoneInfo(time_zone)):%m-%d %H:%M}"
        )
    store = said(services.commerce.catalogue.store(room.store_id).name, language)
    if offer is None:
        title = said(room.title, language)
        if state is not None and state.upcoming and not live:
            title = state.upcoming[0].title
        return CardFacts(store, title, "", "", "", "", status, live, "")
    product = offer.product
    struck = money(product.list_price_fen) if product.list_price_fen > offer.price_fen else ""
    return CardFacts(
        store,
        said(product.name, language),
        money(offer.price_fen),
        said(product.unit, language),
        struck,
        words["gap"].format(gap=offer.gap) if offer.gap else "",
        status,
        live,
        product.image,
    )


def language_of(header: str) -> str:
    """Return the language of an Accept-Language, `zh` or `en`."""
    return "zh" if "zh" in header[:2].lower() else "en"


def money(fen: int) -> str:
    """Return an amount as the pages write it.

    >>> money(1_399_900)
    '¥13,999.00'
    """
    return f"¥{fen // 100:,}.{fen % 100:02}"


def said(text: Text | LocalText, language: str) -> str:
    """Return a text in a language."""
    return text.zh if language == "zh" else text.en


_WORDS = {
    "zh": {"live": "正在直播", "upcoming": "{time} 开播", "gap": "还差 {gap} 人成团"},
    "en": {"live": "Live now", "upcoming": "Live on {time}", "gap": "{gap} more to go"},
}
