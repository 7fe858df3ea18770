"""FFmpeg publishes by RTMP, WebRTC viewers decode it; what cannot be forwarded gets a reason."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

import av
import pytest

from loadtest.clients.whep import Crowd
from media.errors import NotForwarded
from media.forwarding.decodability import Undecodable
from media.io.rtmp.listener import WAITING_PER_ADDRESS_MAX, RtmpListener
from media.io.webrtc.plane import MediaPlane
from media.wire.flv_tags import TagType
from tests.support.address_families import connects, needs_ipv6
from tests.support.media_peers import loopback_candidates, next_frame, viewer
from tests.support.relay_app import relay_server
from tests.support.rtmp_client import rtmp_client
from tests.support.rtmp_publisher import HEIGHT, WIDTH, publishing
from tests.support.sdp_offers import OFFER
from tests.support.waiting import wait_until

__all__ = ["loopback_candidates"]

KEY = "a-stream-key"
# Version 1, and a VPS where H.264 has its SPS.
HEVC_RECORD = b"\1\1\x60\0\0\xff\1\0\4\x40\1\x0c\1\1\0\4\x42\1\1\1"


def undecodable(plane: MediaPlane) -> Undecodable | None:
    stats = plane.live_stats("bench")
    return stats.undecodable if stats is not None else None


class Road:
    """A plane, a listener in front of it, and where viewers go."""

    def __init__(self, plane: MediaPlane, listener: RtmpListener, base_url: str) -> None:
        self.plane = plane
        self.listener = listener
        self.watch_url = f"{base_url}/live/bench/whep"

    def url(self, key: str = KEY) -> str:
        return f"rtmp://127.0.0.1:{self.listener.port}/live/{key}"


@pytest.fixture
async def road() -> AsyncIterator[Road]:
    async def authorize(address: str, key: str) -> str | None:
        assert address == "127.0.0.1"
        return "bench" if key == KEY else None

    async with relay_server() as (plane, base_url):
        listener = await RtmpListener.open(plane.roads, authorize, "127.0.0.1", 0)
        yield Road(plane, listener, base_url)
        await listener.close()


@pytest.mark.parametrize("start_s", [0, 20_000], ids=["from zero", "beyond 2^24 ms"])
async def test_a_viewer_decodes_what_ffmpeg_publishes(road: Road, start_s: int) -> None:
    async def play(offer: str) -> str:
        return (await road.plane.play("bench", offer)).answer

    async with publishing(road.url(), start_s=start_s):
        await wait_until(lambda: road.plane.is_live("bench"))
        async with viewer(play) as tracks:
            video, audio = await asyncio.gather(next_frame(tracks["video"]), tracks["audio"].recv())
        assert isinstance(video, av.VideoFrame)
        assert (video.width, video.height) == (WIDTH, HEIGHT)
        assert isinstance(audio, av.AudioFrame) and audio.sample_rate == 48_000
    await wait_until(lambda: not road.plane.is_live("bench"))
    assert road.listener.stats().publishers == 0


async def test_viewers_stay_while_a_publisher_returns(road: Road) -> None:
    async with Crowd(road.watch_url) as crowd:
        async with publishing(road.url()):
            await wait_until(lambda: road.plane.is_live("bench"))
            await crowd.join()
            await wait_until(lambda: crowd.totals().playing == 1)
        await wait_until(lambda: not road.plane.is_live("bench"))
        seen = crowd.totals().packets
        async with publishing(road.url()):
            await wait_until(lambda: crowd.totals().packets > seen + 50)
            assert crowd.totals().forged == 0


async def test_the_same_key_takes_over_at_once(road: Road) -> None:
    async with publishing(road.url()) as first:
        await wait_until(lambda: road.plane.is_live("bench"))
        async with publishing(road.url()):
            await wait_until(lambda: road.listener.stats().ended.get("replaced") == 1)
            await first.wait()
            await wait_until(lambda: road.plane.is_live("bench"))
            assert road.listener.stats().publishers == 1


async def test_a_wrong_key_is_refused(road: Road) -> None:
    async with publishing(road.url("another")) as publisher:
        await publisher.wait()
    assert road.listener.stats().ended["wrong key"] == 1
    assert not road.plane.is_live("bench")


@pytest.mark.parametrize(
    ("tag", "reason"),
    [
        ((TagType.VIDEO, b"\x90hvc1" + bytes(9)), "the video is HEVC by Enhanced RTMP"),
        ((TagType.VIDEO, b"\x1c\0\0\0\0" + bytes(30)), "the video is HEVC"),
        ((TagType.VIDEO, b"\x90av01" + bytes(9)), "the video is AV1 by Enhanced RTMP"),
        (
            (TagType.VIDEO, b"\x17\0\0\0\0" + HEVC_RECORD),
            "the video is HEVC; H.264 is taken",
        ),
        ((TagType.AUDIO, b"\x2f\xff\xfb\x90"), "the sound is MP3; AAC is taken"),
        ((TagType.AUDIO, b"\x90Opus"), "the sound is Opus by Enhanced RTMP"),
    ],
    ids=["HEVC", "HEVC as codec 12", "AV1", "HEVC as codec 7", "MP3", "Opus"],
)
async def test_an_encoder_reads_which_codec_is_not_taken(
    road: Road, tag: tuple[TagType, bytes], reason: str
) -> None:
    async with rtmp_client(road.listener.port, KEY) as client:
        await client.publish()
        assert reason in await client.refusal_of(tag)
    await wait_until(lambda: road.listener.stats().connections_open == 0)
    assert road.listener.stats().ended["malformed"] == 1
    assert not road.plane.is_live("bench")


async def test_a_query_behind_the_key_changes_nothing(road: Road) -> None:
    async with rtmp_client(road.listener.port, f"{KEY}?token=a/b?c") as client:
        await client.publish()
        assert road.listener.stats().publishers == 1


async def test_b_frames_end_webrtc_viewers_and_refuse_others(road: Road) -> None:
    async with Crowd(road.watch_url) as crowd:
        async with publishing(road.url()):
            await wait_until(lambda: road.plane.is_live("bench"))
            await crowd.join()
            await wait_until(lambda: crowd.totals().playing == 1)
        async with publishing(road.url(), b_frames=2):
            await wait_until(lambda: road.plane.viewers("bench") == 0)
            with pytest.raises(NotForwarded):
                await road.plane.play("bench", OFFER.replace("sendonly", "recvonly"))
            await wait_until(lambda: undecodable(road.plane) is Undecodable.B_FRAMES)
        async with publishing(road.url()):
            await wait_until(lambda: undecodable(road.plane) is None)
            await crowd.join()
            await wait_until(lambda: crowd.totals().playing == 1)


async def test_what_is_no_rtmp_is_closed(road: Road) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", road.listener.port)
    writer.write(b"GET / HTTP/1.1\r\n\r\n")
    assert await reader.read() == b""
    writer.close()
    assert road.listener.stats().ended["malformed"] == 1


async def test_half_open_connections_of_one_address_are_bounded(road: Road) -> None:
    async with contextlib.AsyncExitStack() as stack:
        for _ in range(WAITING_PER_ADDRESS_MAX):
            _, writer = await asyncio.open_connection("127.0.0.1", road.listener.port)
            stack.callback(writer.close)
        await wait_until(lambda: road.listener.stats().connections_open == WAITING_PER_ADDRESS_MAX)
        reader, writer = await asyncio.open_connection("127.0.0.1", road.listener.port)
        with contextlib.suppress(ConnectionError):
            assert await reader.read() == b""
        writer.close()
    await wait_until(lambda: road.listener.stats().connections_open == 0)


@needs_ipv6
async def test_at_every_address_encoders_of_both_families_are_taken() -> None:
    asked: list[str] = []

    async def authorize(address: str, key: str) -> str | None:
        asked.append(address)
        return None

    async with relay_server() as (plane, _):
        listener = await RtmpListener.open(plane.roads, authorize, "::", 0)
        assert connects("::1", listener.port)
        async with publishing(f"rtmp://127.0.0.1:{listener.port}/live/any"):
            await wait_until(lambda: asked)
        assert asked[0] == "127.0.0.1", "as limits know it"
        await listener.close()
