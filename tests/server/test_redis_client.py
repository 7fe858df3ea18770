"""Which client a URL of Redis gets."""

from typing import cast

import pytest
from redis.asyncio import Redis
from redis.asyncio.cluster import ClusterPipeline, RedisCluster
from redis.exceptions import RedisError

from server.redis_client import PORT, is_cluster, open_redis
from tests.support.waiting import free_port


def cluster_of(url: str) -> RedisCluster:
    """The client of a cluster's URL."""
    client = cast(Redis | RedisCluster, open_redis(url))
    assert isinstance(client, RedisCluster)
    return client


def test_several_nodes_are_asked_for_the_cluster() -> None:
    cluster = cluster_of("redis://:s%40fe@a:7000,b/?cluster=true")
    nodes = {(node.host, node.port) for node in cluster.nodes_manager.startup_nodes.values()}
    assert nodes == {("a", 7000), ("b", PORT)}
    assert cluster.connection_kwargs["password"] == "s@fe"


def test_a_url_without_the_mark_is_one_server() -> None:
    assert not is_cluster("redis://a:7000/0")
    assert isinstance(open_redis("redis://a:7000/0"), Redis)


@pytest.mark.parametrize(
    "url",
    [
        "unix:///tmp/v.sock?cluster=true",
        "redis://a:7000,/?cluster=true",
        "redis://a:x/?cluster=true",
    ],
)
def test_a_cluster_that_cannot_be_named_is_refused(url: str) -> None:
    with pytest.raises(ValueError):
        open_redis(url)


async def test_a_cluster_that_cannot_be_reached_raises_what_one_server_raises() -> None:
    """What looks for `RedisError` goes on, and its worker with it."""
    cluster = cluster_of(f"redis://127.0.0.1:{free_port()}/?cluster=true")
    with pytest.raises(RedisError):
        await cluster.execute_command("GET", "key")
    with pytest.raises(RedisError):
        await cluster.pipeline().execute_command("GET", "key").execute()
    with pytest.raises(RedisError):
        await cluster.initialize()


async def test_a_connection_that_another_call_closed_is_a_lost_connection(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    cluster = cluster_of("redis://a/?cluster=true")
    writer = None

    async def closed(*_: object, **__: object) -> None:
        writer.writelines([])  # type: ignore[attr-defined]  # as redis-py does

    async def wrong(*_: object, **__: object) -> None:
        object().nothing  # type: ignore[attr-defined]  # noqa: B018  # our own mistake

    monkeypatch.setattr(RedisCluster, "execute_command", closed)
    monkeypatch.setattr(ClusterPipeline, "execute", closed)
    with pytest.raises(RedisError):
        await cluster.execute_command("GET", "key")
    with pytest.raises(RedisError):
        await cluster.pipeline().execute()
    monkeypatch.setattr(RedisCluster, "execute_command", wrong)
    with pytest.raises(AttributeError):
        await cluster.execute_command("GET", "key")
