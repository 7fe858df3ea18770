"""A media plane on loopback, and how peers negotiate with it."""

from collections.abc import AsyncIterator

import pytest

from media.io.webrtc.plane import MediaPlane, PlaneConfig
from tests.support.media_peers import Negotiate

ROOM = "demo"


@pytest.fixture
async def plane() -> AsyncIterator[MediaPlane]:
    plane = await MediaPlane.open(PlaneConfig(addresses=("127.0.0.1",), grace_s=5))
    yield plane
    await plane.close()


def publishing(plane: MediaPlane, *, takeover: bool = True) -> Negotiate:
    async def negotiate(offer: str) -> str:
        return (await plane.publish(ROOM, offer, takeover=takeover)).answer

    return negotiate


def playing(plane: MediaPlane) -> Negotiate:
    async def negotiate(offer: str) -> str:
        return (await plane.play(ROOM, offer)).answer

    return negotiate


def live(plane: MediaPlane) -> bool:
    return plane.stats().rooms_live == 1
