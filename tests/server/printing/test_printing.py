"""Labels and pick lists are PDFs that show what they were given, read back from the pages."""

import io
from dataclasses import replace
from pathlib import Path

import pypdfium2
import pytest
import zxingcpp
from PIL import Image

from commerce.catalogue.values import Text
from server.printing.fonts import NoFont, find_font, load_font
from server.printing.labels import BagLabel, bag_labels
from server.printing.note_cards import PrintedCard, card_sheets
from server.printing.packing_words import DUE, words_in
from server.printing.pick_list import (
    PrintedBag,
    PrintedItem,
    PrintedPickList,
    PrintedZone,
    pick_list_pdf,
)
from server.printing.qr import qr_modules, qr_png, qr_svg
from server.printing.sheet import A4, Sheet

MM = 72 / 25.4  # points
GOODS = ("草莓 300 g × 2", "豆腐 × 1", "菠菜 × 3", "鸡蛋 × 1", "葱 × 1")
LABEL = BagLabel("1129-0042", "3/30", "李奶奶🍓", "幸福里", GOODS, "12:40 前", slot="A1")


def _page_text(document: pypdfium2.PdfDocument, page: int) -> str:
    text: str = document[page].get_textpage().get_text_range()
    return text


def _text(pdf: bytes, page: int = 0) -> str:
    return _page_text(pypdfium2.PdfDocument(pdf), page)


def test_a_label_is_60_by_40_mm_and_its_qr_is_the_order_number() -> None:
    document = pypdfium2.PdfDocument(bag_labels([LABEL, LABEL], load_font(find_font()), "labels"))
    assert len(document) == 2
    width, height = document[1].get_size()
    assert (round(width / MM), round(height / MM)) == (60, 40)
    [code] = zxingcpp.read_barcodes(document[1].render(scale=4).to_pil())
    assert code.text == "1129-0042"


def test_a_label_counts_the_goods_that_do_not_fit_and_leaves_out_emoji() -> None:
    text = _text(bag_labels([LABEL], load_font(find_font()), "labels"))
    assert "草莓 300 g × 2" in text and "+ 2" in text and "鸡蛋" not in text
    assert "李奶奶\r\n" in text and "A1 3/30" in " ".join(text.split())


def test_a_card_of_200_characters_is_printed_whole_on_a_page_after_its_label() -> None:
    words = {"煮" * 199 + "好": 1, "boil it, stir it and let it rest; " * 5: 2}
    cards = tuple(PrintedCard("菠菜", tip) for tip in words)
    pdf = bag_labels([replace(LABEL, cards=cards), LABEL], load_font(find_font()), "labels")
    assert len(pypdfium2.PdfDocument(pdf)) == 4
    for tip, page in words.items():
        assert tip.replace(" ", "") in "".join(_text(pdf, page).split())


def test_cards_stand_21_on_an_a4_sheet_each_within_its_own_lines() -> None:
    photo = io.BytesIO()
    Image.new("RGB", (300, 200), (20, 90, 40)).save(photo, "JPEG")
    cards = [PrintedCard(f"菠菜 · #{n}", f"第{n}袋：大火快炒。") for n in range(1, 22)]
    cards[4] = replace(cards[4], photo=photo.getvalue())
    document = pypdfium2.PdfDocument(card_sheets(cards, load_font(find_font()), "cards"))
    assert len(document) == 2
    width, height = document[0].get_size()
    assert (round(width / MM), round(height / MM)) == (210, 297)
    page = document[0].render(scale=2).to_pil().convert("L")
    dots = 2 * MM  # of a mm

    def darkest(column: int, row: int) -> int:
        """Of the middle of a card, below its title."""
        left, top = 15 + 60 * column, 8.5 + 40 * row
        box = [dots * at for at in (left + 3, top + 9, left + 57, top + 37)]
        return int(page.crop(tuple(map(round, box))).getextrema()[0])

    # 21 cards and a photo: the sixth place is the photo, and the last card stands on a second page.
    assert all(darkest(n % 3, n // 3) < 120 for n in range(21))
    assert "第20袋" in _page_text(document, 0)
    assert "第21袋" in _page_text(document, 1) and "第21袋" not in _page_text(document, 0)
    # Nothing is drawn beside the cards.
    margin = page.crop((0, 0, round(14 * dots), page.height))
    assert margin.getextrema() == (255, 255)


def test_the_same_label_gives_the_same_bytes() -> None:
    font = load_font(find_font())
    assert bag_labels([LABEL], font, "labels") == bag_labels([LABEL], font, "labels")


def test_a_pick_list_goes_on_over_pages_and_loses_no_bag() -> None:
    item = PrintedItem("菠菜 500 g", "× 30", ", ".join(f"#{bag}" for bag in range(1, 31)))
    bags = tuple(PrintedBag(f"{n}", f"no-{n}", "李奶奶", "菠菜 × 1") for n in range(1, 61))
    printed = PrintedPickList("拣货单", "60 袋", (PrintedZone("冷藏", (item,)),), "分袋", bags)
    pdf = pick_list_pdf(printed, load_font(find_font()))
    document = pypdfium2.PdfDocument(pdf)
    pages = [_page_text(document, page) for page in range(len(document))]
    assert len(pages) > 1 and "冷藏" in pages[0] and "× 30" in pages[0]
    words = " ".join(pages).split()
    assert [bag.number for bag in bags if bag.number not in words] == []
    width, height = document[0].get_size()
    assert (round(width / MM), round(height / MM)) == (210, 297)
    # The pictures of all pages have ink between margins of 14 mm, and none in them.
    margin = round(14 * MM)
    for page in document:
        shown = page.render(scale=1).to_pil().convert("L")
        for left in (0, shown.width - margin):
            assert shown.crop((left, 0, left + margin, shown.height)).getextrema() == (255, 255)
        assert shown.getextrema()[0] < 60


def test_text_wraps_within_its_width_and_never_begins_with_a_comma() -> None:
    sheet = Sheet(A4, load_font(find_font()), "")
    lines = sheet.wrapped("菠菜，" * 40 + "and spring onions " * 5, 10, 50)
    assert all(sheet.text_width(line, 10) < 54 for line in lines)
    assert not any(line.startswith("，") for line in lines)
    assert "".join(lines).replace(" ", "") == "菠菜，" * 40 + "andspringonions" * 5


def test_a_qr_code_is_the_same_in_every_form() -> None:
    assert len(qr_modules("1129-0042")) == 21
    assert qr_svg("1129-0042").startswith("<svg")
    assert qr_png("1129-0042").startswith(b"\x89PNG")


def test_a_missing_font_says_what_to_install(tmp_path: Path) -> None:
    with pytest.raises(NoFont, match="fonts-wqy-zenhei"):
        find_font("", known=[])
    with pytest.raises(NoFont, match="LINLI_FONT is"):
        find_font(str(tmp_path / "none.ttf"))
    (tmp_path / "text.ttf").write_text("no font")
    with pytest.raises(NoFont, match="no TrueType font"):
        load_font(find_font(str(tmp_path / "text.ttf")))


def test_a_name_with_braces_is_printed_as_it_is() -> None:
    name = Text("{礼盒} 3 支装", "{Gift} box {0}")
    assert words_in(name, "zh") == name.zh
    assert words_in(name, "en") == name.en
    assert words_in(DUE, "en", time="{18:30}") == "ready by {18:30}"
