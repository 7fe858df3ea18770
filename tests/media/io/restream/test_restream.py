"""A live is pushed to a second listener of ours, which plays the other platform."""

import socket
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import pytest

from media.io.hls.road import HlsRoad
from media.io.restream.child import Exit, Refused, checked_addresses, connect
from media.io.restream.road import PushState, RestreamRoad
from media.io.rtmp.listener import RtmpListener
from media.io.webrtc.plane import MediaPlane, PlaneConfig
from media.wire.rtmp_url import push_target
from tests.support.media_plane import ROOM, live, plane
from tests.support.rtmp_publisher import publishing
from tests.support.waiting import wait_until

__all__ = ["plane"]

KEY = "platform-key"


@dataclass
class Platform:
    """Another platform: who asked with which key, and what it shows."""

    plane: MediaPlane
    listener: RtmpListener
    keys: list[str] = field(default_factory=list)

    @property
    def address(self) -> str:
        return f"rtmp://127.0.0.1:{self.listener.port}/app"


@pytest.fixture
async def platform() -> AsyncIterator[Platform]:
    keys: list[str] = []

    async def authorize(address: str, key: str) -> str | None:
        keys.append(key)
        return "shown" if key == KEY else None

    other = await MediaPlane.open(PlaneConfig(addresses=("127.0.0.1",), grace_s=5))
    listener = await RtmpListener.open(other.roads, authorize, "127.0.0.1", 0)
    yield Platform(other, listener, keys)
    await listener.close()
    await other.close()


@pytest.fixture
async def rtmp_url(plane: MediaPlane) -> AsyncIterator[str]:
    async def authorize(address: str, key: str) -> str | None:
        return ROOM

    listener = await RtmpListener.open(plane.roads, authorize, "127.0.0.1", 0)
    yield f"rtmp://127.0.0.1:{listener.port}/live/key"
    await listener.close()


@pytest.fixture
async def hls(plane: MediaPlane) -> AsyncIterator[HlsRoad]:
    hls = HlsRoad(plane.roads)
    yield hls
    hls.close()


async def test_the_other_platform_gets_the_live_and_its_refusal_harms_nothing(
    plane: MediaPlane, hls: HlsRoad, platform: Platform, rtmp_url: str
) -> None:
    road = RestreamRoad(plane.roads, hls, private=True)
    async with publishing(rtmp_url, b_frames=2):
        await wait_until(lambda: live(plane))
        assert road.state(ROOM) is PushState.IDLE
        road.set_targets({ROOM: push_target(platform.address, "wrong")})
        await wait_until(lambda: road.state(ROOM) is PushState.NOT_ACCEPTED)
        assert not live(platform.plane) and live(plane)
        road.set_targets({ROOM: push_target(platform.address, KEY)})
        await wait_until(lambda: live(platform.plane) and road.state(ROOM) is PushState.LIVE)
        shown = platform.plane.roads.live("shown")
        assert {kind: track.codec.name for kind, track in shown.tracks.items()} == {
            "video": "H264",
            "audio": "opus",
        }
        await wait_until(lambda: shown.reorders)
        frames = shown.tracks["video"].layers[0].frames_sent
        await wait_until(lambda: shown.tracks["video"].layers[0].frames_sent > frames + 15)
        assert road.stats().pushes == 1
        road.set_targets({})
        await wait_until(lambda: not live(platform.plane) and road.state(ROOM) is PushState.IDLE)
        assert live(plane) and set(platform.keys) == {"wrong", KEY}
    await road.close()


async def test_a_name_that_leads_into_our_own_network_is_refused_by_the_child(
    plane: MediaPlane, hls: HlsRoad, platform: Platform, rtmp_url: str
) -> None:
    road = RestreamRoad(plane.roads, hls, private=False)
    address = platform.address.replace("127.0.0.1", "localhost")
    async with publishing(rtmp_url):
        await wait_until(lambda: live(plane))
        road.set_targets({ROOM: push_target(address, KEY)})
        await wait_until(lambda: road.state(ROOM) is PushState.PRIVATE_ADDRESS)
    await road.close()
    assert not platform.keys


def test_the_connection_goes_to_the_address_that_was_checked() -> None:
    """A name that would resolve to an address of ours the second time is resolved once."""
    answers = iter(["93.184.215.14", "127.0.0.1"])
    opened = []

    def resolve(host: str, port: int, **_: object) -> list[tuple[object, ...]]:
        return [(0, 0, 0, "", (next(answers), port))]

    def open_connection(address: tuple[str, int], timeout: float) -> socket.socket:
        opened.append(address)
        return socket.socket()

    target = push_target("rtmp://rebound.example/app", KEY)
    addresses = checked_addresses(target, private=False, resolve=resolve)
    connect(target, addresses, open_connection).close()
    assert opened == [("93.184.215.14", 1935)]


def test_one_address_of_ours_among_others_refuses_the_target() -> None:
    def resolve(host: str, port: int, **_: object) -> list[tuple[object, ...]]:
        return [(0, 0, 0, "", (each, port)) for each in ("93.184.215.14", "::ffff:10.0.0.1")]

    with pytest.raises(Refused) as refused:
        checked_addresses(push_target("rtmp://a.example/app", KEY), private=False, resolve=resolve)
    assert refused.value.exit_code is Exit.PRIVATE_ADDRESS
