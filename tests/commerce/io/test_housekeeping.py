"""Work that is done again and again while the record, Redis or the network comes and goes."""

import asyncio

import pytest
from redis.exceptions import ConnectionError as RedisAway
from sqlalchemy.exc import OperationalError

from commerce.io.commerce import every


@pytest.mark.parametrize(
    "error",
    [
        OperationalError("SELECT", {}, Exception("the database system is starting up")),
        RedisAway("refused"),
        ConnectionRefusedError("refused"),
    ],
    ids=lambda error: type(error).__name__,
)
async def test_housekeeping_goes_on_when_a_step_cannot_reach_the_record(error: Exception) -> None:
    taken: list[str] = []
    twice = asyncio.Event()

    async def fails() -> None:
        raise error

    async def works() -> None:
        taken.append("step")
        if len(taken) == 2:
            twice.set()

    work = asyncio.create_task(every(0.0, fails, works, at_once=True))
    await asyncio.wait({work, asyncio.create_task(twice.wait())}, return_when="FIRST_COMPLETED")
    assert not work.done()
    work.cancel()
    await asyncio.gather(work, return_exceptions=True)
    assert len(taken) >= 2


async def test_housekeeping_ends_at_a_bug() -> None:
    async def fails() -> None:
        raise KeyError("bug")

    with pytest.raises(KeyError):
        await every(0.0, fails, at_once=True)
