"""Groups for many answers at once: taps confirmed together share one read of the record."""

import asyncio
from dataclasses import dataclass, field

from commerce.groups.group import Group
from commerce.io.record.engine import Record
from commerce.io.shop.views import groups_by_id


@dataclass(slots=True)
class _Batch:
    """What is asked for before its read begins."""

    ids: set[str] = field(default_factory=set)
    found: dict[str, Group] | None = None


class GroupReads:
    """Reads begin one after the other, each for all who asked before it began."""

    def __init__(self, record: Record) -> None:
        self._record = record
        self._reading = asyncio.Lock()
        self._next = _Batch()

    async def group(self, group_id: str) -> Group | None:
        """Return a group as it is at this call or later; None: there is none."""
        batch = self._next
        batch.ids.add(group_id)
        async with self._reading:
            if batch.found is None:
                if self._next is batch:
                    self._next = _Batch()
                async with self._record.read() as connection:
                    batch.found = await groups_by_id(connection, batch.ids)
        return batch.found.get(group_id)
