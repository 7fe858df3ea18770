"""The real services that tests use do start, and start without rows."""

from redis.asyncio import Redis
from sqlalchemy import inspect, text
from sqlalchemy.ext.asyncio import create_async_engine

from commerce.io.record.migrate import newest_schema


async def test_each_redis_is_real_and_empty(redis_url: str) -> None:
    async with Redis.from_url(redis_url) as client:
        assert await client.dbsize() == 0
        assert int((await client.info("server"))["redis_version"].split(".")[0]) >= 7


async def test_each_record_has_the_newest_schema_and_no_rows(database_url: str) -> None:
    engine = create_async_engine(database_url)
    async with engine.connect() as connection:
        revision = await connection.scalar(text("SELECT version_num FROM alembic_version"))
        brands = await connection.scalar(text("SELECT COUNT(*) FROM brands"))
    await engine.dispose()
    assert (revision, brands) == (newest_schema(), 0)


async def test_each_bare_record_has_no_tables(bare_database_url: str) -> None:
    engine = create_async_engine(bare_database_url)
    async with engine.connect() as connection:
        names = await connection.run_sync(lambda sync: inspect(sync).get_table_names())
    await engine.dispose()
    assert names == []
