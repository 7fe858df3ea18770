"""The list of goods of a room: which the host sells in it, and in which order."""

from collections.abc import Sequence
from dataclasses import dataclass

from commerce.errors import InvalidField

LISTED_MAX = 100
"""Goods in the list of a room."""


@dataclass(frozen=True, slots=True)
class Shelf:
    """How many goods a room lists since when, and what the host explains now, since when."""

    count: int
    changed_at_ms: int
    explaining: str | None = None
    since_ms: int | None = None


def listed_goods(product_ids: Sequence[str]) -> tuple[str, ...]:
    """Return a list of goods as it may be.

    Raises:
        InvalidField: It is too long, or names a product twice.
    """
    if len(product_ids) > LISTED_MAX:
        raise InvalidField("product_ids", f"at most {LISTED_MAX} goods")
    if len(set(product_ids)) < len(product_ids):
        raise InvalidField("product_ids", "a product is listed twice")
    return tuple(product_ids)
