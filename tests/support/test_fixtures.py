"""The real services that tests use do start, and start empty."""

import sqlalchemy
from redis.asyncio import Redis
from sqlalchemy.ext.asyncio import create_async_engine


async def test_each_redis_is_real_and_empty(redis_url: str) -> None:
    async with Redis.from_url(redis_url) as client:
        assert await client.dbsize() == 0
        assert int((await client.info("server"))["redis_version"].split(".")[0]) >= 7


async def test_each_record_is_real_and_empty(database_url: str) -> None:
    engine = create_async_engine(database_url)
    async with engine.connect() as connection:
        names = await connection.run_sync(lambda sync: sqlalchemy.inspect(sync).get_table_names())
    await engine.dispose()
    assert names == []
