"""Bag labels: one page of 60 × 40 mm per bag and those of its note cards, for a label printer."""

from collections.abc import Sequence
from dataclasses import dataclass

from server.printing.fonts import Font
from server.printing.note_cards import PrintedCard, draw_card
from server.printing.sheet import Align, Sheet

LABEL = (60.0, 40.0)  # mm
MARGIN = 2.5
QR_SIDE = 15.0
LINES_MAX = 4  # of goods; the last one counts what does not fit
LINE_HEIGHT = 3.9


@dataclass(frozen=True, slots=True)
class BagLabel:
    """What a bag's label says, in the language of the store.

    `number` is the order's; `bag` is its place in the wave, such as "3/30"; `slot` is where the
    bag stands, and empty while it stands nowhere.
    """

    number: str
    bag: str
    buyer: str
    place: str
    goods: tuple[str, ...]
    due: str
    slot: str = ""
    cards: tuple[PrintedCard, ...] = ()


def bag_labels(labels: Sequence[BagLabel], font: Font, title: str) -> bytes:
    """Return the labels as a PDF, each followed by the cards that go into its bag."""
    sheet = Sheet(LABEL, font, title)
    for number, label in enumerate(labels):
        if number:
            sheet.next_page()
        _draw(sheet, label)
        for card in label.cards:
            draw_card(sheet, card)
    return sheet.pdf()


def _draw(sheet: Sheet, label: BagLabel) -> None:
    right = sheet.width - MARGIN
    beside_qr = right - QR_SIDE - 2 - MARGIN
    sheet.qr(right - QR_SIDE, MARGIN, QR_SIDE, label.number)
    sheet.text(MARGIN, 6.6, label.number, 15, width=beside_qr, points_min=9)
    sheet.text(MARGIN, 11.6, label.buyer, 10, width=beside_qr, points_min=8)
    sheet.text(MARGIN, 15.8, label.place, 8, width=beside_qr, points_min=6.5)
    sheet.rule(MARGIN, 19, sheet.width - 2 * MARGIN)
    goods = list(label.goods)
    if len(goods) > LINES_MAX:
        more = len(goods) - LINES_MAX + 1
        goods = [*goods[: LINES_MAX - 1], f"+ {more}"]
    for place, line in enumerate(goods):
        baseline = 22.7 + place * LINE_HEIGHT
        sheet.text(MARGIN, baseline, line, 8.5, width=right - MARGIN, points_min=7)
    foot = sheet.height - 1.8
    sheet.text(MARGIN, foot, label.due, 7.5, width=30)
    bag = f"{label.slot}  {label.bag}".strip()
    sheet.text(right, foot, bag, 9, width=24, align=Align.RIGHT)
