"""What neighbours write in a community's chat, as far as it is an order or a question.

A line such as “草莓2份”, “+1” or “3. 李 两盒鸡蛋” orders, “草莓甜吗？” asks. Words and names stay
outside: what is kept is the product, the units, and what a question is about.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from insight.tables import CHINA

UNITS_MAX = 99
LINES_MAX = 20_000  # of an export


class About(StrEnum):
    """What a question is about; the first that fits."""

    PRICE = "price"
    TIME = "time"
    STOCK = "stock"
    QUALITY = "quality"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Ordered:
    """Somebody wants units; `product_id` is empty when none is named."""

    product_id: str
    units: int


@dataclass(frozen=True, slots=True)
class Asked:
    """Somebody wants to know something."""

    product_id: str
    about: About


@dataclass(frozen=True, slots=True)
class ChatLine:
    """A line of a chat; its number names it within the chat."""

    number: int
    at_ms: int
    text: str


_DIGITS = {digit: value for value, digit in enumerate("零一二三四五六七八九十")} | {
    "两": 2,
    "俩": 2,
}
_MEASURES = "份盒斤袋把个瓶箱提条只套包板罐捆"
_COUNT = re.compile(
    rf"(?<![\d.:：])(\d{{1,2}}|[一二两俩三四五六七八九十])\s*[{_MEASURES}](?![\d元块])"
)
_PLUS = re.compile(r"^\s*[+＋]\s*(\d{1,2})\s*$|[+＋]\s*(\d{1,2})\b")
_PACK = re.compile(
    r"\d+\s*(?:克|千克|公斤|毫升|升|g|kg|ml|L|枚)\b|\d+\s*(?:克|千克|公斤|毫升|升|枚)"
)
_QUESTION = re.compile(r"[?？]|吗|呢\s*$|多少|几点|几时|什么时候|有没有|怎么|能不能|可不可以|啥时")
_NOT_AN_ORDER = re.compile(r"不要|不买|取消|退")
_ABOUT: tuple[tuple[About, re.Pattern[str]], ...] = (
    (About.PRICE, re.compile(r"多少钱|价|贵|便宜|优惠|几块")),
    (About.TIME, re.compile(r"几点|几时|什么时候|啥时|到货|送到|今天|明天|取货|多久")),
    (About.STOCK, re.compile(r"还有|有没有|卖完|售罄|补货|有货")),
    (About.QUALITY, re.compile(r"新鲜|甜|酸|辣|好吃|味道|烂|坏|保质|产地|大不大|质量")),
)
_HEAD = re.compile(r"^\[?(\d{4}[-/]\d{1,2}[-/]\d{1,2})[ T](\d{1,2}:\d{2}(?::\d{2})?)\]?\s*(.*)$")


def read(text: str, products: Mapping[str, str]) -> Ordered | Asked | None:
    """Return what a line says, or None; `products` are ids by the names that neighbours use.

    A line that asks is no order, whatever numbers are in it.
    """
    plain = _PACK.sub(" ", text)
    product_id = named_in(text, products)
    if _QUESTION.search(plain):
        about = next((about for about, words in _ABOUT if words.search(plain)), About.OTHER)
        return Asked(product_id, about)
    if _NOT_AN_ORDER.search(plain):
        return None
    units = _units(plain)
    return Ordered(product_id, units) if 0 < units <= UNITS_MAX else None


def names_of(products: Mapping[str, str]) -> dict[str, str]:
    """Return ids by the names that neighbours use, from full names by id.

    “有机菠菜 300 克” is written as “有机菠菜” or “菠菜”; a short name of two products is none's.
    """
    found: dict[str, str | None] = {}
    for id, full in products.items():
        plain = "".join(re.findall(r"[一-鿿]+", _PACK.sub("", full))[:1])
        for length in range(2, len(plain) + 1):
            name = plain[-length:]
            found[name] = id if found.get(name, id) == id else None
    return {name: id for name, id in found.items() if id is not None}


def lines_of(export: str) -> Iterator[ChatLine]:
    """Return the lines of an exported chat: a head with date, time and name, then what was written.

    What was written may stand after the name and a colon, or on the lines below the head.
    """
    number, at_ms, text = 0, 0, []
    for row in export.splitlines():
        head = _HEAD.match(row.strip())
        if head is None:
            text.append(row)
            continue
        if number and (words := "\n".join(text).strip()):
            yield ChatLine(number, at_ms, words)
        number += 1
        if number > LINES_MAX:
            return
        at_ms = _at_ms(head[1], head[2])
        _, colon, rest = head[3].replace("：", ":").partition(":")
        text = [rest] if colon else []
    if number and (words := "\n".join(text).strip()):
        yield ChatLine(number, at_ms, words)


def _units(plain: str) -> int:
    found = [_number(count) for count in _COUNT.findall(plain)]
    if found:
        return sum(found)
    plus = _PLUS.search(plain)
    return int(plus[1] or plus[2]) if plus else 0


def _number(word: str) -> int:
    return int(word) if word.isdigit() else _DIGITS[word]


def named_in(text: str, products: Mapping[str, str]) -> str:
    """Return the product that a line names, "" for none; the longest name of several."""
    named = [name for name in products if name in text]
    return products[max(named, key=len)] if named else ""


def _at_ms(day: str, time: str) -> int:
    year, month, date = (int(part) for part in re.split(r"[-/]", day))
    hour, minute, second, *_ = *(int(part) for part in time.split(":")), 0
    try:
        at = datetime(year, month, date, hour, minute, second, tzinfo=CHINA)
    except ValueError:
        return 0  # no such time: the line is rejected with its reason
    return int(at.timestamp() * 1_000)
