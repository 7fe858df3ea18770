"""What viewers are told of a live is true, whatever happens to the record meanwhile."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import cast

import pytest
from sqlalchemy.exc import OperationalError

from commerce.catalogue.values import Live, LiveState
from commerce.io.shop.directory import Directory
from media.events import PublisherUp
from rooms.io.hub import RoomHub
from server.bridge import lives
from server.bridge.lives import Lives
from tests.support.waiting import wait_until

ROOM = "demo"
GRACE_S = 0.05


class Record:
    """In place of the directory: one room; it cannot be reached `away` times."""

    def __init__(self, state: LiveState, away: int) -> None:
        self.now = Live(ROOM, state, 1 if state is LiveState.LIVE else None)
        self.away = away
        self.told: list[LiveState] = []

    async def live(self, room_id: str) -> Live:
        self._reach()
        return self.now

    async def lives(self) -> list[Live]:
        self._reach()
        return [self.now]

    async def set_live(self, room_id: str, state: LiveState, started_at_ms: int | None) -> None:
        self._reach()
        self.now = Live(room_id, state, started_at_ms)

    async def announce(self, channel: str, event: object) -> None:
        self.told.append(self.now.state)

    def _reach(self) -> None:
        if self.away:
            self.away -= 1
            raise OperationalError("SELECT", {}, Exception("the server closed the connection"))


@asynccontextmanager
async def running(record: Record, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Lives]:
    monkeypatch.setattr(lives, "RETRY_S", 0.01)
    made = Lives(cast(Directory, record), cast(RoomHub, record), GRACE_S)
    task = asyncio.create_task(made.run())
    yield made
    assert not task.done(), "it goes on"
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


def looked_after() -> bool:
    """Whether the lives of the last run were ended or left alone."""
    return not any(task.get_name() == "lives of a last run" for task in asyncio.all_tasks())


async def test_a_host_that_comes_while_the_record_is_away_is_told_of_later(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    record = Record(LiveState.SCHEDULED, away=5)
    async with running(record, monkeypatch) as here:
        here.hear(PublisherUp(ROOM, returned=False))
        await wait_until(lambda: record.told == [LiveState.LIVE], what="the live")
        await wait_until(looked_after, what="the end of the grace time")
    assert record.told == [LiveState.LIVE]


async def test_the_live_of_a_run_that_was_killed_is_ended_once_the_record_is_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    record = Record(LiveState.LIVE, away=5)
    async with running(record, monkeypatch):
        await wait_until(lambda: record.now.state is LiveState.OVER, what="the end")
    assert record.told == [LiveState.PAUSED, LiveState.OVER]


async def test_a_host_that_returns_to_the_next_run_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    record = Record(LiveState.LIVE, away=3)
    async with running(record, monkeypatch) as here:
        here.hear(PublisherUp(ROOM, returned=False))
        await wait_until(lambda: record.told, what="the live")
        await wait_until(looked_after, what="the end of the grace time")
    assert record.now.state is LiveState.LIVE
