"""Ratings: stars, tags and words for one part of an order, after the goods were handed over.

NotRatable      the goods were not handed over, or the rating may no longer change
"""

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from commerce.errors import CommerceError

STARS = range(1, 6)
SHOWN_FROM = 5  # ratings of a product, before its stars are shown
EDIT_MS = 24 * 3_600_000  # how long a rating may change
RATE_MS = 30 * 24 * 3_600_000  # after the handover
WORDS_MAX = 200
TAGS_MAX = 4


class NotRatable(CommerceError):
    """The goods were not handed over, or the rating may no longer change."""


class Tag(StrEnum):
    """What a neighbour says in one touch."""

    TASTY = "tasty"
    FRESH = "fresh"
    GOOD_VALUE = "good_value"
    WELL_PACKED = "well_packed"
    TOO_SALTY = "too_salty"
    TOO_BLAND = "too_bland"
    TOO_SPICY = "too_spicy"
    SMALL_PORTION = "small_portion"
    NOT_FRESH = "not_fresh"
    POORLY_PACKED = "poorly_packed"


@dataclass(frozen=True, slots=True)
class Stars:
    """What a card shows: the mean in tenths, and how many ratings there are."""

    tenths: int
    count: int


# Words by which a text waits for a person: insults, contacts, advertisement.
_HELD = re.compile(
    "傻逼|傻b|妈的|操你|垃圾人|去死|骗子|加微信|加v|微信号|vx|qq群|刷单|代购|兼职|返利|fuck|shit|asshole",
    re.IGNORECASE,
)
_LINK = re.compile(r"https?:|www\.|[a-z0-9-]+\.(?:com|cn|net|top|xyz)\b", re.IGNORECASE)
_NUMBER = re.compile(r"\d{7,}")
_BETWEEN = re.compile(r"[\s·.,，。*_\-~|/\\]+")


def is_held(words: str) -> bool:
    """Whether a text is shown only after a person has read it: insults, contacts, links."""
    plain = unicodedata.normalize("NFKC", words)
    joined = _BETWEEN.sub("", plain)
    return bool(_HELD.search(joined) or _NUMBER.search(joined) or _LINK.search(plain))


def check_ratable(handed_over_at_ms: int | None, rated_at_ms: int | None, now_ms: int) -> None:
    """Raise `NotRatable` unless a part may be rated, or its rating changed, now."""
    if handed_over_at_ms is None or now_ms - handed_over_at_ms > RATE_MS:
        raise NotRatable
    if rated_at_ms is not None and now_ms - rated_at_ms > EDIT_MS:
        raise NotRatable


def stars_of(sums: Iterable[tuple[str, int, int]]) -> dict[str, Stars]:
    """Return what is shown of products; each with the sum and the number of its stars."""
    return {
        product_id: Stars((2 * total * 10 + count) // (2 * count), count)
        for product_id, total, count in sums
        if count >= SHOWN_FROM
    }
