"""Chores: what falls due in the record as time passes, by whatever worker looks first.

All of them are looked for in one transaction. Where nothing falls due soon and nothing was
committed since, the record is not read at all.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import structlog
from redis.exceptions import RedisError
from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from commerce.io.record.engine import Clock, Record

LOOK_EVERY_S = 1.0
AHEAD_MS = 30_000
"""How far a look sees: so long the record is not read again while it stays as it is."""

UNAVAILABLE = (DBAPIError, RedisError, OSError)

log = structlog.get_logger()


class Chore(Protocol):
    """Work that falls due."""

    def is_due(self, connection: Connection, at_ms: int) -> bool:
        """Whether there will be something to do by then, if the record stays as it is.

        It may say so of nothing; then `step` finds nothing.
        """
        ...

    async def step(self) -> object:
        """Do what is due now."""
        ...


@dataclass(slots=True)
class _Kept:
    chore: Chore
    every: int  # looks
    version: str = ""
    until_ms: int = 0

    def is_quiet(self, version: str, at_ms: int) -> bool:
        return self.version == version and at_ms < self.until_ms


class Chores:
    """Does chores one after the other, each at most every so many looks."""

    def __init__(self, record: Record, clock: Clock, *chores: tuple[int, Chore]) -> None:
        self._record = record
        self._clock = clock
        self._kept = [_Kept(chore, every) for every, chore in chores]
        self._looks = 0

    async def step(self) -> None:
        """Look once, and do what is due; what fails while others are away waits.

        Raises:
            DBAPIError: The record cannot be looked at.
        """
        self._looks += 1
        mine = [kept for kept in self._kept if self._looks % kept.every == 0]
        for kept in await self._due(mine):
            try:
                await kept.chore.step()
            except UNAVAILABLE as error:
                chore = type(kept.chore).__name__
                log.warning("chore not done", chore=chore, error=type(error).__name__)

    async def _due(self, mine: Sequence[_Kept]) -> list[_Kept]:
        version, at_ms = await self._record.version.read(), self._clock()
        unsure = [kept for kept in mine if not kept.is_quiet(version, at_ms)]
        if not unsure:
            return []
        until_ms = at_ms + AHEAD_MS
        found = await self._record.query(
            lambda connection: [kept.chore.is_due(connection, until_ms) for kept in unsure]
        )
        due = []
        for kept, is_due in zip(unsure, found, strict=True):
            if is_due:
                due.append(kept)
            else:
                kept.version, kept.until_ms = version, until_ms
        return due
