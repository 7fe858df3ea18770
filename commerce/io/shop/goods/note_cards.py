"""Note cards as the head office and leaders edit them, and as they go with orders."""

import re
from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import Connection, select

from commerce.catalogue.note_cards import (
    WHOLE_BRAND,
    WORDS_MAX,
    NoteCard,
    cards_of_lines,
)
from commerce.catalogue.sets import ProductKind
from commerce.catalogue.values import Text
from commerce.errors import InvalidField, NotFound
from commerce.io.record.audit_trail import Value, record_audit
from commerce.io.record.note_cards import read_note_card, read_note_cards, write_note_card
from commerce.io.record.schema import orders, products
from commerce.io.record.schema_goods import note_cards
from commerce.io.record.schema_sets import order_lines, order_parts
from commerce.io.shop.catalogue.catalogue import Catalogue
from commerce.io.shop.context import ShopContext
from commerce.orders.order import OrderRow

RECENT_MS = 14 * 86_400_000  # what was bought since then is listed for a leader
_FILE = re.compile(r"[0-9a-f]{16}-600\.webp")


@dataclass(frozen=True, slots=True)
class ProductCards:
    """A product with its card in an estate (`own`) and the head office's, None for none."""

    product_id: str
    name: Text
    image: str
    kind: ProductKind
    own: NoteCard | None
    brand: NoteCard | None


@dataclass(frozen=True, slots=True)
class ShownCard:
    """A card as buyers and packers see it."""

    product_id: str
    name: Text
    words: Text
    photo: str


class NoteCards:
    """The use cases around note cards."""

    def __init__(self, shop: ShopContext) -> None:
        self._shop = shop

    async def one(self, brand_id: str, product_id: str, estate_id: str = WHOLE_BRAND) -> NoteCard:
        """Return a product's card, an empty one for none.

        Raises:
            NotFound: There is no such product of this brand.
        """

        def read(connection: Connection) -> NoteCard | None:
            _require(connection, brand_id, product_id)
            return read_note_cards(connection, [product_id]).get((product_id, estate_id))

        found = await self._shop.record.query(read)
        return found or NoteCard(product_id, estate_id, Text("", ""), "", 0)

    async def put(
        self,
        brand_id: str,
        product_id: str,
        words: Text,
        photo: str,
        actor: str,
        estate_id: str = WHOLE_BRAND,
    ) -> NoteCard:
        """Write a product's card for the brand or one of its estates; empty, it is taken away.

        Raises:
            NotFound: There is no such product of this brand.
            InvalidField: Words are too long, or the photo is none that was sent for the product.
        """
        if max(len(words.zh), len(words.en)) > WORDS_MAX:
            raise InvalidField("words", f"At most {WORDS_MAX} characters per language.")
        folder, _, file = photo.rpartition("/")
        if photo and (folder != f"/pictures/{product_id}" or not _FILE.fullmatch(file)):
            raise InvalidField("photo", "The path that sending the photo answered.")
        card = NoteCard(product_id, estate_id, words, photo, self._shop.clock())

        def write(connection: Connection) -> None:
            _require(connection, brand_id, product_id, lock=True)
            before = _value(read_note_card(connection, product_id, estate_id))
            write_note_card(connection, card, actor)
            subject = f"{product_id}|{estate_id}" if estate_id else product_id
            what = (actor, "note-card.edit", subject, before, _value(card), card.edited_at_ms)
            record_audit(connection, brand_id, *what)

        await self._shop.record.transact(write)
        return card

    async def of_estate(self, estate_id: str) -> list[ProductCards]:
        """Return what neighbours of an estate bought lately or its leader wrote cards for.

        Products without a card of the leader's come first, each part in the order of names.
        """
        brand_id = self._shop.catalogue.brand_id("estate", estate_id)
        since_ms = self._shop.clock() - RECENT_MS

        def read(connection: Connection) -> tuple[set[str], dict[tuple[str, str], NoteCard]]:
            ids = _bought(connection, estate_id, since_ms)
            own = select(note_cards.c.product_id).where(note_cards.c.estate_id == estate_id)
            ids |= set(connection.scalars(own))
            return ids, read_note_cards(connection, ids)

        ids, cards = await self._shop.record.query(read)
        catalogue = self._shop.catalogue
        shown = [
            ProductCards(
                id,
                product.name,
                product.image,
                product.kind,
                cards.get((id, estate_id)),
                cards.get((id, WHOLE_BRAND)),
            )
            for id in ids
            if (product := catalogue.products.get(id))
            and catalogue.brand_id("product", id) == brand_id
        ]
        return sorted(shown, key=lambda one: (one.own is not None, one.name.zh, one.product_id))


def cards_of_orders(
    connection: Connection, catalogue: Catalogue, rows: Collection[OrderRow]
) -> dict[str, tuple[ShownCard, ...]]:
    """Return the cards that go with orders, by order."""
    lines = {
        row.id: [(line.product_id, [part.item_id for part in line.parts]) for line in row.all_lines]
        for row in rows
    }
    ids = {id for of in lines.values() for one, parts in of for id in (one, *parts)}
    heads = {
        id: product.variant_of
        for id in ids
        if (product := catalogue.products.get(id)) and product.variant_of
    }
    cards = read_note_cards(connection, {*ids, *heads.values()})

    def shown(card: NoteCard) -> ShownCard:
        name = catalogue.product(card.product_id).name
        return ShownCard(card.product_id, name, card.words, card.photo)

    return {
        row.id: tuple(
            shown(card) for card in cards_of_lines(cards, lines[row.id], row.estate_id, heads)
        )
        for row in rows
    }


def _require(connection: Connection, brand_id: str, product_id: str, *, lock: bool = False) -> None:
    """Refuse what is no product of a brand; with `lock`, its cards are edited one at a time."""
    own = select(products.c.id).where(products.c.id == product_id, products.c.brand_id == brand_id)
    # Orders that name the product go on meanwhile.
    if connection.scalar(own.with_for_update(key_share=True) if lock else own) is None:
        raise NotFound("product", product_id)


def _bought(connection: Connection, estate_id: str, since_ms: int) -> set[str]:
    recent = (orders.c.estate_id == estate_id, orders.c.created_at_ms >= since_ms)
    found = set(connection.scalars(select(orders.c.product_id).where(*recent).distinct()))
    for table, column in (
        (order_lines, order_lines.c.product_id),
        (order_parts, order_parts.c.item_id),
    ):
        of_orders = select(column).join(orders, orders.c.id == table.c.order_id)
        found |= set(connection.scalars(of_orders.where(*recent).distinct()))
    return found


def _value(card: NoteCard | None) -> Value:
    if card is None or card.is_empty:
        return {}
    return {"zh": card.words.zh, "en": card.words.en, "photo": card.photo}
