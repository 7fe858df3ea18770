"""Which worker has a room's live, and where workers are."""

from pathlib import Path

import pytest
from redis.asyncio import Redis

from server.bridge.lease import Lease, LeasesUnavailable
from server.ops.heartbeat import Beat, Heartbeats
from server.settings import Settings
from server.worker import Worker, socket_path
from server.workers.owners import Addresses, LiveOwners, PeerAddress, node_url
from server.workers.peers import end_to_end

WORKER = Worker("0a1b2c", 0, 2)
OWNER = "0a1b2c01" + "ab" * 8


class Leases:
    """Leases that count how often they are asked."""

    def __init__(self) -> None:
        self.owners = {"demo": OWNER}
        self.asked = 0
        self.away = False

    async def holder(self, room_id: str) -> Lease | None:
        self.asked += 1
        if self.away:
            raise LeasesUnavailable
        owner = self.owners.get(room_id)
        return Lease(room_id, owner, 1) if owner else None


async def test_worker_with_a_live_is_the_one_whose_id_its_lease_begins_with() -> None:
    owners = LiveOwners(Leases().holder)
    assert await owners.worker_of("demo") == "0a1b2c01"
    assert await owners.worker_of("other") == ""


async def test_a_rush_of_viewers_asks_once_for_the_worker_with_the_live() -> None:
    leases = Leases()
    owners = LiveOwners(leases.holder)
    assert {await owners.worker_of("demo") for _ in range(100)} == {"0a1b2c01"}
    assert leases.asked == 1


async def test_live_that_its_worker_no_longer_has_is_looked_up_again() -> None:
    leases = Leases()
    owners = LiveOwners(leases.holder)
    await owners.worker_of("demo")
    leases.owners["demo"] = "0a1b2c00" + "ab" * 8
    owners.forget("demo")
    assert await owners.worker_of("demo") == "0a1b2c00"


async def test_without_redis_no_owner_is_known() -> None:
    leases = Leases()
    leases.away = True
    assert await LiveOwners(leases.holder).worker_of("demo") == ""


async def test_workers_are_at_their_socket_or_at_the_address_in_their_row(
    tmp_path: Path, redis_url: str
) -> None:
    beat = Beat("node-b", "d0d0d001", "1", 7, 8_080, 61, 0.25, 3.0, 0, 0, {}, url="http://b:8080")
    async with Redis.from_url(redis_url) as redis:
        heartbeats = Heartbeats(redis)
        await heartbeats.write(beat)
        addresses = Addresses(WORKER, tmp_path, heartbeats)
        sibling = PeerAddress(uds=str(socket_path(tmp_path, 1)))
        assert await addresses.find("0a1b2c01") == sibling
        assert await addresses.find("d0d0d001") == PeerAddress(url="http://b:8080")
        assert await addresses.find("0a1b2c07") is None, "no such number on this node"
        assert await addresses.find("e0e0e001") is None


@pytest.mark.parametrize(
    ("settings", "url"),
    [
        (Settings(node_url="http://10.0.0.7:8080/"), "http://10.0.0.7:8080"),
        (Settings(host="127.0.0.1", port=8081), "http://127.0.0.1:8081"),
        (Settings(host="::1", port=8081), "http://[::1]:8081"),
    ],
)
def test_other_nodes_reach_this_one_at_the_setting_or_at_its_host(
    settings: Settings, url: str
) -> None:
    assert node_url(settings) == url


def test_fields_of_one_connection_are_not_passed_on() -> None:
    headers = [
        (b"Connection", b"close, X-Own"),
        (b"x-own", b"1"),
        (b"Transfer-Encoding", b"chunked"),
        (b"content-type", b"application/sdp"),
        (b"content-length", b"7"),
    ]
    assert end_to_end(headers, without=(b"content-length",)) == [
        (b"content-type", b"application/sdp")
    ]
