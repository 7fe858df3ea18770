"""A part of a long list: what is searched for, in which order, which page."""

from dataclasses import dataclass
from typing import Generic, TypeVar

T = TypeVar("T")
PER_PAGE_MAX = 200
PAGE_MAX = 1_000_000


@dataclass(frozen=True, slots=True)
class PageQuery:
    """What is wanted; `page` is from 1, an empty `sort` is the list's own order."""

    words: str = ""
    sort: str = ""
    descending: bool = False
    page: int = 1
    per_page: int = 20

    @property
    def offset(self) -> int:
        """How many rows lie before the page."""
        return (self.page - 1) * self.per_page


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """The rows of one page, and how many there are on all pages."""

    rows: tuple[T, ...]
    total: int
