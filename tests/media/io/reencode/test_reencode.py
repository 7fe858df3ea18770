"""A live with B-frames is re-encoded once, and WebRTC viewers see it; HLS keeps the original."""

import os
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from media.errors import NotForwarded
from media.io.fed_child import FedChild
from media.io.hls.road import HlsRoad
from media.io.reencode.frames import EncodedFrame, EncodedFrames
from media.io.reencode.road import ReencodeRoad
from media.io.rtmp.listener import RtmpListener
from media.io.webrtc.plane import MediaPlane
from media.stream.layer import Layer
from tests.support.media_peers import loopback_candidates, next_frame, viewer
from tests.support.media_plane import ROOM, live, plane, playing
from tests.support.rtmp_publisher import HEIGHT, WIDTH, publishing
from tests.support.sdp_offers import OFFER
from tests.support.waiting import wait_until

__all__ = ["loopback_candidates", "plane"]


@pytest.fixture
async def hls(plane: MediaPlane) -> AsyncIterator[HlsRoad]:
    hls = HlsRoad(plane.roads)
    yield hls
    hls.close()


@pytest.fixture
async def road(plane: MediaPlane, hls: HlsRoad) -> AsyncIterator[ReencodeRoad]:
    road = ReencodeRoad(plane.roads, hls, streams_max=1)
    yield road
    await road.close()


@pytest.fixture
async def rtmp_url(plane: MediaPlane) -> AsyncIterator[str]:
    async def authorize(address: str, key: str) -> str | None:
        return ROOM

    listener = await RtmpListener.open(plane.roads, authorize, "127.0.0.1", 0)
    yield f"rtmp://127.0.0.1:{listener.port}/live/key"
    await listener.close()


def reencoded(plane: MediaPlane) -> Layer | None:
    track = plane.roads.live(ROOM).tracks["video"]
    return track.layers[0] if track.original is not None else None


def children() -> list[int]:
    """Return the re-encoding processes of this one."""
    found = []
    for status in Path("/proc").glob("[0-9]*/status"):
        try:
            fields = dict(line.split(":\t", 1) for line in status.read_text().splitlines())
            command = (status.parent / "cmdline").read_bytes()
        except (OSError, ValueError):
            continue
        if fields["PPid"] == str(os.getpid()) and b"media.io.reencode.child" in command:
            found.append(int(status.parent.name))
    return found


async def test_webrtc_viewers_see_it_and_hls_keeps_the_original(
    plane: MediaPlane, hls: HlsRoad, road: ReencodeRoad, rtmp_url: str
) -> None:
    async with publishing(rtmp_url, b_frames=2):
        await wait_until(lambda: live(plane))
        await wait_until(lambda: (layer := reencoded(plane)) and layer.gop)
        async with viewer(playing(plane)) as tracks:
            frame = await next_frame(tracks["video"])
            assert (frame.width, frame.height) == (WIDTH, HEIGHT)
        [child] = children()
        assert os.getpriority(os.PRIO_PROCESS, child) == 10
        track = plane.roads.live(ROOM).tracks["video"]
        layer, original = track.layers[0], track.original
        assert original is not None and original.reorders and not layer.reorders
        behind = (original.timestamp - layer.timestamp + 0x80000000 & 0xFFFFFFFF) - 0x80000000
        assert abs(behind) < 30 * 90_000, "they share one RTP timeline"
        await wait_until(lambda: hls.open(ROOM).segmenter.segments)
        assert hls.open(ROOM).segmenter.tracks, "HLS goes on"
    await wait_until(lambda: road.stats().streams == 0)
    await wait_until(lambda: not children())


async def test_a_child_that_dies_is_replaced_and_the_live_goes_on(
    plane: MediaPlane, hls: HlsRoad, road: ReencodeRoad, rtmp_url: str
) -> None:
    async with publishing(rtmp_url, b_frames=2):
        await wait_until(lambda: live(plane))
        await wait_until(lambda: (layer := reencoded(plane)) and layer.gop)
        [child] = children()
        os.kill(child, signal.SIGKILL)
        layer = reencoded(plane)
        assert layer is not None
        sent = layer.frames_sent
        await wait_until(lambda: road.stats().restarts == 1 and layer.frames_sent > sent + 10)
        assert live(plane) and not hls.open(ROOM).segmenter.announces_discontinuity


async def test_another_source_without_b_frames_ends_it(
    plane: MediaPlane, road: ReencodeRoad, rtmp_url: str
) -> None:
    async with publishing(rtmp_url, b_frames=2):
        await wait_until(lambda: live(plane) and road.stats().streams == 1)
        async with publishing(rtmp_url):
            await wait_until(lambda: road.stats().streams == 0)
            await wait_until(lambda: live(plane))
            async with viewer(playing(plane)) as tracks:
                await next_frame(tracks["video"])


async def test_without_a_free_place_webrtc_is_refused(
    plane: MediaPlane, hls: HlsRoad, rtmp_url: str
) -> None:
    road = ReencodeRoad(plane.roads, hls, streams_max=0)
    async with publishing(rtmp_url, b_frames=2):
        await wait_until(lambda: live(plane) and plane.roads.live(ROOM).reorders)
        with pytest.raises(NotForwarded):
            await plane.play(ROOM, OFFER.replace("sendonly", "recvonly"))
    await road.close()


async def test_a_child_has_none_of_our_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LINLI_TOKEN_SECRET", "x" * 40)
    out = bytearray()
    child = FedChild("tests.support.mirror_child", b"greeting", out.extend)
    await wait_until(lambda: b"greeting" in out)
    assert b"LINLI_TOKEN_SECRET" not in out and b"PATH" in out
    await child.close()


def test_frames_come_out_as_they_went_in_whatever_the_pieces() -> None:
    frames = [
        EncodedFrame(True, 1_000, b"\0\0\0\1sets\0\0\1slice"),
        EncodedFrame(False, 2**32 - 1, b""),
    ]
    data = b"".join(frame.packed() for frame in frames)
    reader = EncodedFrames()
    found = [frame for at in range(len(data)) for frame in reader.feed(data[at : at + 1])]
    assert found == frames
    assert found[0].nal_units() == [b"sets", b"slice"]
