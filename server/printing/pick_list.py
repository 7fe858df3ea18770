"""A wave's pick list on A4: items by zone with sums, then what goes into each bag."""

from collections.abc import Sequence
from dataclasses import dataclass

from server.printing.fonts import Font
from server.printing.sheet import A4, Align, Sheet

MARGIN = 15.0
FOOT = A4[1] - 15.0
BOX = 4.0  # a square to tick
GOODS_POINTS = 11.0
BAG_POINTS = 9.0
BAG_LINE = 4.2
WITHIN = A4[0] - 2 * MARGIN


@dataclass(frozen=True, slots=True)
class PrintedItem:
    """An item, its units over all bags ("× 30"), and what each bag has of it ("1, 2, 3×2")."""

    name: str
    units: str
    bags: str


@dataclass(frozen=True, slots=True)
class PrintedZone:
    """Where items lie, and those to take there."""

    name: str
    items: tuple[PrintedItem, ...]


@dataclass(frozen=True, slots=True)
class PrintedBag:
    """An order: its place in the wave, its number and buyer, and what goes into it."""

    bag: str
    number: str
    buyer: str
    goods: str


@dataclass(frozen=True, slots=True)
class PrintedPickList:
    """A whole list; `subtitle` says for how many bags and until when, `bags_title` heads those."""

    title: str
    subtitle: str
    zones: tuple[PrintedZone, ...]
    bags_title: str
    bags: tuple[PrintedBag, ...]


def pick_list_pdf(printed: PrintedPickList, font: Font) -> bytes:
    """Return a pick list as A4 pages."""
    sheet = Sheet(A4, font, printed.title)
    pages = _Pages(sheet, printed.title)
    sheet.text(MARGIN, 22, printed.title, 18, width=WITHIN, points_min=12)
    sheet.text(MARGIN, 29, printed.subtitle, 10, width=WITHIN)
    pages.y = 36
    for zone in printed.zones:
        _zone(pages, zone)
    _bags(pages, printed.bags_title, printed.bags)
    return sheet.pdf()


class _Pages:
    """Where on which page the next row goes."""

    def __init__(self, sheet: Sheet, title: str) -> None:
        self.sheet = sheet
        self.y = MARGIN
        self._title = title
        self._page = 1
        self._number()

    def room_for(self, height: float) -> None:
        """Begin a new page unless this much fits."""
        if self.y + height > FOOT:
            self.sheet.next_page()
            self._page += 1
            self._number()
            self.y = MARGIN

    def _number(self) -> None:
        self.sheet.text(MARGIN, A4[1] - 8, self._title, 8, width=WITHIN - 20)
        right = A4[0] - MARGIN
        self.sheet.text(right, A4[1] - 8, str(self._page), 8, align=Align.RIGHT)


def _zone(pages: _Pages, zone: PrintedZone) -> None:
    pages.room_for(20)
    sheet = pages.sheet
    sheet.text(MARGIN, pages.y + 5, zone.name, 13, width=WITHIN)
    sheet.rule(MARGIN, pages.y + 7, WITHIN, 0.4)
    pages.y += 8
    for item in zone.items:
        bags = sheet.wrapped(item.bags, BAG_POINTS, WITHIN - BOX - 4)
        height = 7 + len(bags) * BAG_LINE + 1.5
        pages.room_for(height)
        sheet.box(MARGIN, pages.y + 1.5, BOX, BOX)
        left, right = MARGIN + BOX + 4, A4[0] - MARGIN
        sheet.text(left, pages.y + 5.2, item.name, GOODS_POINTS, width=WITHIN - 40, points_min=8)
        sheet.text(right, pages.y + 5.2, item.units, 13, align=Align.RIGHT)
        for row, line in enumerate(bags):
            sheet.text(left, pages.y + 9.8 + row * BAG_LINE, line, BAG_POINTS)
        pages.y += height
        sheet.rule(MARGIN, pages.y, WITHIN, 0.1)
    pages.y += 5


def _bags(pages: _Pages, title: str, bags: Sequence[PrintedBag]) -> None:
    sheet = pages.sheet
    pages.room_for(22)
    sheet.text(MARGIN, pages.y + 5, title, 13, width=WITHIN)
    sheet.rule(MARGIN, pages.y + 7, WITHIN, 0.4)
    pages.y += 8
    left = MARGIN + 22
    for bag in bags:
        goods = sheet.wrapped(bag.goods, BAG_POINTS, A4[0] - MARGIN - left)
        height = 6.5 + len(goods) * BAG_LINE
        pages.room_for(height)
        sheet.text(MARGIN, pages.y + 6, bag.bag, 14, width=20)
        sheet.text(left, pages.y + 5, f"{bag.number}  {bag.buyer}", 10, width=A4[0] - MARGIN - left)
        for row, line in enumerate(goods):
            sheet.text(left, pages.y + 9.4 + row * BAG_LINE, line, BAG_POINTS)
        pages.y += height
        sheet.rule(MARGIN, pages.y, WITHIN, 0.1)
