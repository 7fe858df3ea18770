"""What hosts of either road send is played by LL-HLS: FFmpeg decodes its parts."""

import asyncio
import io
from collections.abc import AsyncIterator
from itertools import pairwise
from typing import Any

import av
import numpy as np
import pytest
from av.video.frame import PictureType

from media.errors import NotLive, NotPackaged
from media.io.hls import road as road_module
from media.io.hls.opus_to_aac import OpusToAac
from media.io.hls.road import HlsRoad
from media.io.hls.sink import HlsSink
from media.io.rtmp.listener import RtmpListener
from media.io.webrtc.plane import MediaPlane
from media.stream.frames import Frame
from media.stream.layer import Layer
from media.stream.program_time import MEDIA_TIME_HZ, media_time
from tests.support.hls_playlists import Playlist, PlaylistChecker
from tests.support.media_peers import host, loopback_candidates
from tests.support.media_plane import ROOM, live, plane, publishing
from tests.support.rtmp_publisher import FPS, HEIGHT, WIDTH
from tests.support.rtmp_publisher import publishing as rtmp_publishing
from tests.support.waiting import WAIT_S, wait_until

LIP_SYNC_S = 0.080
__all__ = ["loopback_candidates", "plane"]


@pytest.fixture
async def road(plane: MediaPlane) -> AsyncIterator[HlsRoad]:
    hls = HlsRoad(plane.roads)
    yield hls
    hls.close()


@pytest.fixture
async def rtmp_url(plane: MediaPlane) -> AsyncIterator[str]:
    async def authorize(address: str, key: str) -> str | None:
        return ROOM

    listener = await RtmpListener.open(plane.roads, authorize, "127.0.0.1", 0)
    yield f"rtmp://127.0.0.1:{listener.port}/live/key"
    await listener.close()


class Player:
    """Follows a stream part by part, and checks each playlist."""

    def __init__(self, stream: HlsSink) -> None:
        self.stream = stream
        self.checker = PlaylistChecker(complete=False)
        self.data = bytearray(stream.segmenter.inits[0])
        self.playlist = self._reload()
        self._read = (0, 0)

    def _reload(self) -> Playlist:
        return self.checker.check(self.stream.text(skips=False).decode())

    async def follow(self, segments: int) -> None:
        """Read parts until so many segments are complete."""
        async with asyncio.timeout(WAIT_S):
            while len(self.playlist.complete) < segments:
                await self.next_part()

    async def next_part(self) -> None:
        segmenter, (msn, part) = self.stream.segmenter, self._read
        await self.stream.wait_for(msn, part, WAIT_S)
        self.playlist = self._reload()
        segment = segmenter.find(msn)
        if segment is not None and part < len(segment.parts):
            self.data += segment.parts[part].data
            self._read = (msn, part + 1)
        elif segment is not None and segment.complete:
            self._read = (msn + 1, 0)

    def decode(self) -> tuple[list[Any], list[Any]]:
        """Return the frames of video and sound."""
        with av.open(io.BytesIO(bytes(self.data)), "r") as container:
            frames: list[Any] = list(container.decode())
        videos = [frame for frame in frames if isinstance(frame, av.VideoFrame)]
        sounds = [frame for frame in frames if isinstance(frame, av.AudioFrame)]
        return videos, sounds


def assert_plays(player: Player, size: tuple[int, int]) -> None:
    """All of it is decoded, and the sound without a hole; it begins where the video does."""
    videos, sounds = player.decode()
    assert {(frame.width, frame.height) for frame in videos} == {size}
    video_times = [frame.time for frame in videos]
    for before, after in pairwise(sounds):
        assert after.time - before.time == pytest.approx(1_024 / 48_000, abs=1e-3)
    assert sounds[0].time == pytest.approx(video_times[0], abs=0.05)


class KeyFrameTimes:
    """A sink that notes the timestamps of key frames."""

    def __init__(self) -> None:
        self.video: list[int] = []

    def frame(self, layer: Layer, frame: Frame, *, now: float) -> None:
        if layer.kind == "video" and frame.key:
            self.video.append(frame.timestamp)

    def close(self) -> None:
        pass


async def test_an_rtmp_encoder_is_played(plane: MediaPlane, road: HlsRoad, rtmp_url: str) -> None:
    times_seen = KeyFrameTimes()
    async with rtmp_publishing(rtmp_url):
        await wait_until(lambda: live(plane))
        plane.roads.live(ROOM).add_sink(times_seen)
        player = Player(await road.join(ROOM))
        await player.follow(segments=2)
    assert_plays(player, (WIDTH, HEIGHT))
    # An encoder's timestamps are those of its frames, however late a busy machine sends them.
    parts = [part.data for segment in player.stream.segmenter.segments for part in segment.parts]
    assert {data.count(b"traf") for data in parts} == {2}, "sound and video in each part"
    # The date of a segment is the RTP time that its first frame has by WebRTC, and events have.
    second = media_time(player.playlist.segments[1].at.timestamp())
    assert min(abs(second - at) for at in times_seen.video) <= MEDIA_TIME_HZ // 1_000
    videos, sounds = player.decode()
    times = [frame.time for frame in videos]
    assert times[-1] - times[0] == pytest.approx((len(times) - 1) / FPS, abs=0.2)
    loudness = [float(abs(frame.to_ndarray()).max()) for frame in sounds]
    assert max(loudness) > 0.5, "the tone is in the decoded sound"


async def test_b_frames_are_shown_in_their_order(
    plane: MediaPlane, road: HlsRoad, rtmp_url: str
) -> None:
    async with rtmp_publishing(rtmp_url, b_frames=2):
        await wait_until(lambda: live(plane))
        stream = await road.join(ROOM)
        player = Player(stream)
        await player.follow(segments=2)
    videos, sounds = player.decode()
    assert sounds[0].time <= videos[0].time
    assert {PictureType(frame.pict_type).name for frame in videos} == {"I", "P", "B"}
    times = [frame.time for frame in videos]
    assert [after - before for before, after in pairwise(times)] == pytest.approx(
        [1 / FPS] * (len(times) - 1), abs=2e-3
    )


def onsets(signal: list[tuple[float, bool]]) -> list[float]:
    """Return when it comes on."""
    return [at for (_, before), (at, on) in pairwise(signal) if on and not before]


async def test_a_flash_is_seen_when_its_tone_is_heard(
    plane: MediaPlane, road: HlsRoad, rtmp_url: str
) -> None:
    async with rtmp_publishing(rtmp_url, flashes=True):
        await wait_until(lambda: live(plane))
        player = Player(await road.join(ROOM))
        await player.follow(segments=3)
    videos, sounds = player.decode()
    seen = onsets([(frame.time, frame.to_ndarray(format="gray").mean() > 128) for frame in videos])
    heard = onsets(
        [
            (frame.time + at / 48_000, bool(abs(piece).max() > 0.2))
            for frame in sounds
            for at, piece in zip(
                range(0, frame.samples, 256),
                np.array_split(frame.to_ndarray(), frame.samples // 256, axis=1),
                strict=True,
            )
        ]
    )
    # The tone of the GOP that came before the audio is silence.
    pairs = [(at, min(heard, key=lambda other: abs(other - at))) for at in seen[1:-1]]
    skews = [other - at for at, other in pairs if at > heard[0] - 0.5]
    assert len(skews) >= 2
    assert max(map(abs, skews)) < LIP_SYNC_S, skews


async def test_a_webrtc_host_is_played_and_asked_for_key_frames(
    plane: MediaPlane, road: HlsRoad
) -> None:
    async with host(publishing(plane)):
        await wait_until(lambda: live(plane))
        player = Player(await road.join(ROOM))
        await player.follow(segments=2)
        assert_plays(player, (160, 120))
        assert all(segment.parts[0].independent for segment in player.playlist.complete)


async def test_a_host_that_ends_is_announced_and_the_next_one_is_played(
    plane: MediaPlane, road: HlsRoad
) -> None:
    async with host(publishing(plane)):
        await wait_until(lambda: live(plane))
        stream = await road.join(ROOM)
        player = Player(stream)
        await player.next_part()
    await wait_until(lambda: stream.segmenter.announces_discontinuity)
    seen = player.checker.check(stream.text(skips=False).decode())
    assert seen.announces_discontinuity and not seen.ended
    async with host(publishing(plane), size=(320, 240)):
        await stream.wait_for(stream.segmenter.next_msn, 0, WAIT_S)
        after = player.checker.check(stream.text(skips=False).decode())
    assert after.segments[-1].discontinuity and after.segments[-1].init == "i2.mp4"
    await plane.end(ROOM)
    assert player.checker.check(stream.text(skips=False).decode()).ended


async def test_nothing_of_a_rehearsal_is_in_the_public_playlist(
    plane: MediaPlane, road: HlsRoad
) -> None:
    async with host(publishing(plane)):
        await wait_until(lambda: live(plane))
        staff = Player(await road.join(ROOM, private=True))
        await staff.follow(segments=1)
        rehearsed = list(staff.stream.segmenter.segments)
        plane.set_private(ROOM, True)
        plane.set_private(ROOM, False)
        road.begin_public(ROOM)
        assert not any(layer.gop for layer in plane.roads.live(ROOM).layers())
        stream = await road.join(ROOM)
        public = PlaylistChecker(complete=False).check(stream.text(skips=False).decode())
    assert public.segments[0].parts[0].independent
    first = stream.segmenter.segments[0]
    assert first.msn > rehearsed[-1].msn and first.program_s > rehearsed[-1].program_s
    assert [stream.segmenter.find(each.msn) for each in rehearsed] == [None] * len(rehearsed)


async def test_nothing_is_packaged_unless_somebody_watches(
    plane: MediaPlane, road: HlsRoad, rtmp_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(NotLive):
        await road.join(ROOM)
    async with rtmp_publishing(rtmp_url):
        await wait_until(lambda: live(plane))
        assert road.stats().streams == 0 and len(plane.roads.live(ROOM).sinks) == 1
        stream = await road.join(ROOM)
        assert await road.join(ROOM) is stream and len(plane.roads.live(ROOM).sinks) == 2
        assert road.stream(ROOM, stream.id) is stream
        monkeypatch.setattr(road_module, "UNUSED_S", 0.0)
        await wait_until(lambda: road.stats().streams == 0)
        assert len(plane.roads.live(ROOM).sinks) == 1
        assert road.stream(ROOM, stream.id) is None


async def test_sound_that_cannot_be_transcoded_is_begun_anew(
    plane: MediaPlane, road: HlsRoad, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with host(publishing(plane)):
        await wait_until(lambda: live(plane))
        stream = await road.join(ROOM)
        feed, failures = OpusToAac.feed, iter([av.FFmpegError(1, "broken")])

        def broken(*arguments: Any) -> list[tuple[int, bytes]]:
            for error in failures:
                raise error
            return feed(*arguments)

        monkeypatch.setattr(OpusToAac, "feed", broken)
        await wait_until(lambda: stream.segmenter.announces_discontinuity)
        player = Player(stream)
        before = player.playlist.segments[-1].msn
        await stream.wait_for(before + 1, 0, WAIT_S)
        assert stream.segmenter.segments[-1].begins_discontinuity


async def test_vp8_is_refused(plane: MediaPlane, road: HlsRoad) -> None:
    async with host(publishing(plane), "video/VP8"):
        await wait_until(lambda: live(plane))
        with pytest.raises(NotPackaged):
            await road.join(ROOM)


async def test_one_viewer_that_gives_up_does_not_end_the_wait_of_others(
    plane: MediaPlane, road: HlsRoad
) -> None:
    async with host(publishing(plane)):
        await wait_until(lambda: live(plane))
        stream = await road.join(ROOM)
        msn, part = stream.segmenter.next_part
        patient = asyncio.create_task(stream.wait_for(msn, part, WAIT_S))
        hasty = asyncio.create_task(stream.wait_for(msn, part, WAIT_S))
        await asyncio.sleep(0)
        hasty.cancel()
        assert await patient
        assert stream.segmenter.has(msn, part)
