"""A wave as pick list and as labels and note cards of its bags, in the language of the clerk."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import groupby

from commerce.io.shop.goods.note_cards import ShownCard
from commerce.io.shop.packing.waves import BagView, PickItem, WaveView
from server.printing.fonts import NoFont, find_font, load_font
from server.printing.labels import BagLabel, bag_labels
from server.printing.note_cards import PrintedCard, card_sheets
from server.printing.packing_words import (
    BAGS,
    COUNT,
    DUE,
    PICK_LIST,
    SINGLES,
    ZONES,
    Language,
    words_in,
)
from server.printing.pick_list import (
    PrintedBag,
    PrintedItem,
    PrintedPickList,
    PrintedZone,
    pick_list_pdf,
)

__all__ = ["NoFont", "labels", "note_cards", "pick_list"]


def pick_list(wave: WaveView, language: Language, utc_offset: int, font: str) -> bytes:
    """Return the pick list; times are `utc_offset` minutes from UTC, `font` is LINLI_FONT.

    Raises:
        NoFont: There is none to print with.
    """
    name = words_in(wave.name or SINGLES, language)
    subtitle = [words_in(COUNT, language, n=len(wave.bags))]
    if wave.due_at_ms is not None:
        subtitle.append(words_in(DUE, language, time=_clock(wave.due_at_ms, utc_offset)))
    zones = groupby(wave.items, key=lambda item: item.zone)
    printed = PrintedPickList(
        f"{words_in(PICK_LIST, language)} · {name}",
        " · ".join(subtitle),
        tuple(
            PrintedZone(
                words_in(ZONES[zone], language), tuple(_item(item, language) for item in items)
            )
            for zone, items in zones
        ),
        words_in(BAGS, language),
        tuple(
            PrintedBag(f"#{bag.bag}", bag.number, bag.nickname, ", ".join(_goods(bag, language)))
            for bag in wave.bags
        ),
    )
    return pick_list_pdf(printed, load_font(find_font(font)))


def labels(
    bags: Sequence[BagView],
    of: int,
    photos: Mapping[str, bytes],
    language: Language,
    utc_offset: int,
    font: str,
) -> bytes:
    """Return the labels of bags, which are `of` in their wave, with cards; else as `pick_list`.

    `photos` are those of cards by their path; a photo that is not there is left out.
    """
    made = [
        BagLabel(
            bag.number,
            f"#{bag.bag} / {of}",
            bag.nickname,
            words_in(bag.estate_name, language),
            tuple(_goods(bag, language)),
            words_in(DUE, language, time=_clock(bag.due_at_ms, utc_offset))
            if bag.due_at_ms
            else "",
            bag.slot,
            tuple(_card(card, photos, language) for card in bag.note_cards),
        )
        for bag in bags
    ]
    return bag_labels(made, load_font(find_font(font)), "labels")


def note_cards(
    bags: Sequence[BagView], photos: Mapping[str, bytes], language: Language, font: str
) -> bytes:
    """Return A4 sheets with a card for each bag that has one, in the order of bags."""
    cards = [
        replace(printed, title=f"{printed.title} · #{bag.bag}")
        for bag in bags
        for printed in (_card(card, photos, language) for card in bag.note_cards)
    ]
    return card_sheets(cards, load_font(find_font(font)), "note cards")


def _card(card: ShownCard, photos: Mapping[str, bytes], language: Language) -> PrintedCard:
    zh, en = card.words.zh, card.words.en
    words = (zh or en) if language == "zh" else (en or zh)
    return PrintedCard(words_in(card.name, language), words, photos.get(card.photo))


def _item(item: PickItem, language: Language) -> PrintedItem:
    bags = (f"#{bag.bag}" + (f" × {bag.units}" if bag.units > 1 else "") for bag in item.bags)
    name = f"{words_in(item.name, language)} ({words_in(item.unit, language)})"
    return PrintedItem(name, f"× {item.units}", ", ".join(bags))


def _goods(bag: BagView, language: Language) -> list[str]:
    return [f"{words_in(line.name, language)} × {line.units}" for line in bag.lines]


def _clock(at_ms: int, utc_offset: int) -> str:
    at = datetime.fromtimestamp(at_ms / 1_000, UTC) + timedelta(minutes=utc_offset)
    return f"{at:%H:%M}"
