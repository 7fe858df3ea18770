"""Which client a URL of Redis gets."""

from typing import cast

import pytest
from redis.asyncio import Redis
from redis.asyncio.cluster import RedisCluster

from server.redis_client import PORT, is_cluster, open_redis


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
