"""Taps that are confirmed together share one read of their groups."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Collection
from typing import Any

import pytest

from commerce.groups.group import Group, GroupState
from commerce.io.shop import group_reads
from commerce.io.shop.group_reads import GroupReads


class SlowRecord:
    """A record whose reads wait to be let go, and are counted by what they ask for."""

    def __init__(self) -> None:
        self.read_ids: list[set[str]] = []
        self.joined = 1
        self.goes = asyncio.Event()

    @contextlib.asynccontextmanager
    async def read(self) -> AsyncIterator["SlowRecord"]:
        yield self


async def _groups_by_id(record: SlowRecord, ids: Collection[str]) -> dict[str, Group]:
    record.read_ids.append(set(ids))
    joined = record.joined
    await record.goes.wait()
    known = set(ids) - {"unknown"}
    return {id: Group(id, "p", "e", joined, 30, 100, GroupState.OPEN, 1_000) for id in known}


@pytest.fixture
def record(monkeypatch: pytest.MonkeyPatch) -> SlowRecord:
    monkeypatch.setattr(group_reads, "groups_by_id", _groups_by_id)
    return SlowRecord()


async def test_all_who_ask_during_a_read_share_the_next_one(record: Any) -> None:
    reads = GroupReads(record)
    first = asyncio.create_task(reads.group("a"))
    await asyncio.sleep(0)
    record.joined = 2  # committed after the first read began
    others = [asyncio.create_task(reads.group(id)) for id in ("a", "b", "unknown", "a")]
    await asyncio.sleep(0)
    record.goes.set()
    found = await asyncio.gather(first, *others)
    assert record.read_ids == [{"a"}, {"a", "b", "unknown"}]
    assert [group and group.joined for group in found] == [1, 2, 2, None, 2]


async def test_a_reader_that_gives_up_leaves_the_read_to_the_next(record: Any) -> None:
    reads = GroupReads(record)
    first = asyncio.create_task(reads.group("a"))
    await asyncio.sleep(0)
    second = asyncio.create_task(reads.group("b"))
    third = asyncio.create_task(reads.group("a"))
    await asyncio.sleep(0)
    first.cancel()
    record.goes.set()
    groups = await asyncio.gather(second, third)
    assert [group.id for group in groups if group] == ["b", "a"]
