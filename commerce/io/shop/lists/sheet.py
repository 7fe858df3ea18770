"""What every list has that is imported and exported."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from sqlalchemy import Connection, RowMapping, Select

from commerce.catalogue.sheets import Column, Errors, Row
from commerce.io.shop.editing import Editor


@dataclass(frozen=True, slots=True)
class Written:
    """How many rows are new, different, or as they were."""

    added: int = 0
    changed: int = 0
    unchanged: int = 0


@dataclass(frozen=True, slots=True)
class Plan:
    """What an import does; `write` does it."""

    outcome: Written
    write: Callable[[Connection], None]


class Sheet(Protocol):
    """A list: its columns, how a file changes it, and its rows in the order of an export."""

    @property
    def columns(self) -> Sequence[Column]:
        """What a file may have, in the order of an export."""
        ...

    @property
    def key(self) -> Sequence[str]:
        """The columns that name a row."""
        ...

    def plan(self, connection: Connection, by: Editor, rows: Sequence[Row], errors: Errors) -> Plan:
        """Check rows against the record; the plan is void if `errors` has some then."""
        ...

    def page(self, brand_id: str, after: object, limit: int) -> Select[tuple[object, ...]]:
        """The rows of a brand after the one with that cursor; None for the first ones."""
        ...

    def cursor(self, row: RowMapping) -> object:
        """What names a row in the order of `page`."""
        ...

    def line(self, row: RowMapping) -> Sequence[str]:
        """The cells of a row, one per column."""
        ...
