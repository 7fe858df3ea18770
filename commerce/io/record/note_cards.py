"""Reads and writes note cards."""

from collections.abc import Collection
from typing import Any

from sqlalchemy import ColumnElement, Connection, delete, insert, select

from commerce.catalogue.note_cards import NoteCard
from commerce.catalogue.values import Text
from commerce.io.record.schema_goods import note_cards

IDS_MAX = 500  # products per statement


def read_note_cards(
    connection: Connection, product_ids: Collection[str]
) -> dict[tuple[str, str], NoteCard]:
    """Return all cards of products by product and estate."""
    wanted, found = sorted(set(product_ids)), {}
    for at in range(0, len(wanted), IDS_MAX):
        which = note_cards.c.product_id.in_(wanted[at : at + IDS_MAX])
        for row in connection.execute(select(note_cards).where(which)).mappings():
            found[row["product_id"], row["estate_id"]] = _card(row)
    return found


def read_note_card(connection: Connection, product_id: str, estate_id: str) -> NoteCard | None:
    """Return one card."""
    which = select(note_cards).where(*_key(product_id, estate_id))
    row = connection.execute(which).mappings().one_or_none()
    return _card(row) if row else None


def write_note_card(connection: Connection, card: NoteCard, edited_by: str) -> None:
    """Put a card in place of the one before; an empty one takes it away."""
    connection.execute(delete(note_cards).where(*_key(card.product_id, card.estate_id)))
    if card.is_empty:
        return
    values = {
        "product_id": card.product_id,
        "estate_id": card.estate_id,
        "words_zh": card.words.zh,
        "words_en": card.words.en,
        "photo": card.photo,
        "edited_by": edited_by,
        "edited_at_ms": card.edited_at_ms,
    }
    connection.execute(insert(note_cards), values)


def _key(product_id: str, estate_id: str) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return note_cards.c.product_id == product_id, note_cards.c.estate_id == estate_id


def _card(row: Any) -> NoteCard:
    words = Text(row["words_zh"], row["words_en"])
    return NoteCard(row["product_id"], row["estate_id"], words, row["photo"], row["edited_at_ms"])
