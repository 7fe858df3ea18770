"""Where the hop of a worker is stands in Redis for a while, readable by its installation."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from redis.asyncio import Redis

from media.io.cascade.directory import ROW_TTL_S, HopRow, Secret
from media.io.webrtc.plane import MediaPlane, PlaneConfig
from media.io.webrtc.udp import open_socket
from server.bridge.lease import Lease
from server.errors import OperatorError
from server.settings import CascadePolicy, Settings
from server.worker import Worker
from server.workers.hops import LOOPBACK, PORT_ABOVE_ICE, RedisDirectory, open_cascade

SECRET = "of the installation, which has thirty-two characters"
HERE, SIBLING, OTHER_NODE = Worker("0a1b2c", 0, 2), Worker("0a1b2c", 1, 2), Worker("d0d0d0")


async def test_row_is_read_by_workers_of_the_installation_until_it_ends(valkey_url: str) -> None:
    async with Redis.from_url(valkey_url) as valkey:
        await _rows_are_read(valkey)


async def _rows_are_read(valkey: Redis) -> None:
    row = HopRow(HERE.id, "10.0.0.7", 8_540, Secret.draw())
    await RedisDirectory(valkey, HERE, SECRET).write(row)
    assert await RedisDirectory(valkey, OTHER_NODE, SECRET).find(HERE.id) == row
    near = await RedisDirectory(valkey, SIBLING, SECRET).find(HERE.id)
    assert near is not None and (near.host, near.secret) == (LOOPBACK, row.secret)
    assert await RedisDirectory(valkey, OTHER_NODE, SECRET[::-1]).find(HERE.id) is None
    [key] = await valkey.keys("*hop*")
    assert 0 < await valkey.pttl(key) <= ROW_TTL_S * 1_000
    assert row.secret.value.hex() not in str(await valkey.get(key))
    await RedisDirectory(valkey, HERE, SECRET).remove(HERE.id)
    assert await RedisDirectory(valkey, OTHER_NODE, SECRET).find(HERE.id) is None


async def nobody(room_id: str) -> Lease | None:
    return None


@pytest.fixture
async def media() -> AsyncIterator[MediaPlane]:
    media = await MediaPlane.open(PlaneConfig(addresses=(LOOPBACK,)))
    yield media
    await media.close()


async def test_port_that_is_taken_ends_the_start_only_if_it_was_set(
    media: MediaPlane, tmp_path: Path
) -> None:
    redis = Redis()  # nothing is read before a viewer comes
    with open_socket(0) as taken:
        port = taken.getsockname()[1]
        settings = Settings(data_dir=tmp_path, ice_port=port - PORT_ABOVE_ICE, host=LOOPBACK)
        cascade = await open_cascade(settings, HERE, media, redis, nobody)
        assert cascade is not None and cascade.port not in (0, port)
        await cascade.close()
        named = settings.model_copy(update={"cascade_port": port})
        with pytest.raises(OperatorError, match="LINLI_CASCADE_PORT"):
            await open_cascade(named, HERE, media, redis, nobody)


async def test_worker_that_is_alone_or_is_to_be_no_edge_opens_no_port(
    media: MediaPlane, tmp_path: Path
) -> None:
    settings = Settings(data_dir=tmp_path, host=LOOPBACK)
    off = settings.model_copy(update={"cascade": CascadePolicy.OFF})
    assert await open_cascade(settings, Worker(), media, Redis(), nobody) is None
    assert await open_cascade(off, HERE, media, Redis(), nobody) is None
