"""Reads one page of a list from the record: searched, sorted, counted in SQL."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from sqlalchemy import Connection, RowMapping, Select, func, or_, select
from sqlalchemy.sql.elements import ColumnElement

from commerce.catalogue.paging import Page, PageQuery
from commerce.errors import InvalidField

T = TypeVar("T")
_ESCAPE = "\\"


def matches(words: str, columns: Sequence[ColumnElement[Any]]) -> ColumnElement[bool]:
    """Whether one of `columns` contains `words`, however they are written (a or A)."""
    escaped = words.lower()
    for special in (_ESCAPE, "%", "_"):
        escaped = escaped.replace(special, _ESCAPE + special)
    return or_(*(func.lower(column).like(f"%{escaped}%", escape=_ESCAPE) for column in columns))


def read_page(
    connection: Connection,
    wanted: PageQuery,
    rows: Select[Any],
    *,
    search: Sequence[ColumnElement[Any]],
    sorts: Mapping[str, ColumnElement[Any]],
    last: ColumnElement[Any],
    make: Callable[[RowMapping], T],
) -> Page[T]:
    """Return one page of `rows`; `last` breaks ties, so that no row is on two pages.

    Raises:
        InvalidField: The list is not sorted by that.
    """
    if wanted.words:
        rows = rows.where(matches(wanted.words, search))
    total = connection.scalar(select(func.count()).select_from(rows.order_by(None).subquery())) or 0
    order = [last]
    if wanted.sort:
        if wanted.sort not in sorts:
            raise InvalidField("sort", f"One of: {', '.join(sorted(sorts))}.")
        column = sorts[wanted.sort]
        order = [column.desc() if wanted.descending else column.asc(), last]
    page = rows.order_by(*order).limit(wanted.per_page).offset(wanted.offset)
    found = connection.execute(page).mappings()
    return Page(tuple(make(row) for row in found), total)
