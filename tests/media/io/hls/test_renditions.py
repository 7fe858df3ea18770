"""Layers of a simulcast host become variants that players change between, and so does sound."""

import asyncio
import io
from collections import Counter
from fractions import Fraction
from random import Random
from time import monotonic

import av
import numpy as np
import pytest
from av.video.codeccontext import VideoCodecContext

from media.congestion.load import Load
from media.forwarding.live import Live
from media.io.flv.road import FlvRoad
from media.io.hls import rendition, road, sink
from media.io.hls.opus_to_aac import OpusToAac
from media.io.hls.rendition import Rendition
from media.io.hls.road import HlsRoad
from media.packaging import playlist
from media.stream.ports import TrackFormat
from media.wire import h264
from media.wire.codec import Codec
from media.wire.rtp import PAYLOAD_BYTES_MAX
from tests.support.hls_playlists import (
    PlaylistChecker,
    check_aligned,
    check_peak,
    parse_multivariant,
)
from tests.support.media_forwarding import Recorder
from tests.support.media_roads import UnitSource
from tests.support.waiting import wait_until

FPS, GOP_FRAMES = 25, 50
SIZES = {"l": (160, 90), "h": (320, 180)}
SILENCE = b"\xf8\xff\xfe"  # 20 ms of Opus
TRACKS = {
    "video": TrackFormat(Codec("H264", 96, 90_000, "packetization-mode=1"), tuple(SIZES)),
    "audio": TrackFormat(Codec("opus", 111, 48_000), ("",)),
}


class Camera:
    """Encodes one layer."""

    def __init__(self, width: int, height: int) -> None:
        encoder = av.CodecContext.create("libx264", "w")
        assert isinstance(encoder, VideoCodecContext)
        encoder.width, encoder.height, encoder.pix_fmt = width, height, "yuv420p"
        encoder.framerate, encoder.time_base = Fraction(FPS), Fraction(1, FPS)
        encoder.gop_size = GOP_FRAMES
        encoder.options = {"preset": "ultrafast", "tune": "zerolatency", "sc_threshold": "0"}
        self._encoder = encoder
        self._noise = np.random.default_rng(1)

    def unit(self, number: int) -> list[bytes]:
        height, width = self._encoder.height, self._encoder.width
        pixels = self._noise.integers(0, 255, (height, width, 3), dtype=np.uint8)
        frame = av.VideoFrame.from_ndarray(pixels, format="rgb24").reformat(format="yuv420p")
        frame.pts = number
        data = b"".join(bytes(packet) for packet in self._encoder.encode(frame))
        return [unit.rstrip(b"\0") for unit in data.split(b"\0\0\1") if unit.rstrip(b"\0")]


class Simulcast:
    """A live with two layers and sound, fed faster than it happens."""

    def __init__(self) -> None:
        load = Load(now=0, busy_s=0)
        self.live = Live("demo", Recorder(), load, Counter(), zero_at=monotonic() - 1_700_000_000)
        self.source = UnitSource("host", TRACKS)
        self.now = monotonic()
        self.live.set_source(self.source, Random(1), standby=False, now=self.now)
        self.live.on_air = True
        self.cameras = {rid: Camera(*size) for rid, size in SIZES.items()}
        self.number = 0

    async def run(self, seconds: float) -> None:
        for _ in range(round(seconds * FPS)):
            self.now += 1 / FPS
            for layer in self.source.layers["video"]:
                units = self.cameras[layer.rid].unit(self.number)
                key = self.number % GOP_FRAMES == 0
                # The smaller layer has timestamps of its own, as with every host.
                ticks = self.number * 3_600 + (77_777 if layer.rid == "l" else 0)
                payloads = h264.payloads(units, PAYLOAD_BYTES_MAX)
                layer.add_frame(payloads, ticks, key=key, now=self.now)
                self.live.deliver(layer, now=self.now)
            [sound] = self.source.layers["audio"]
            for packet in range(2):
                ticks = (self.number * 2 + packet) * 960
                sound.add_frame([SILENCE], ticks, key=False, now=self.now)
            self.live.deliver(sound, now=self.now)
            self.number += 1
            await asyncio.sleep(0)  # waiters are served


class FlvViewer:
    """Counts what it gets."""

    blocked = False
    octets = 0

    def open(self, chunk: bytes) -> None:
        self.octets += len(chunk)

    def write(self, chunk: bytes) -> None:
        self.octets += len(chunk)

    def end(self) -> None:
        """The live is over."""


class OneLive:
    def __init__(self, live: Live) -> None:
        self._live = live

    def live(self, room_id: str) -> Live:
        return self._live


@pytest.fixture
async def host(monkeypatch: pytest.MonkeyPatch) -> Simulcast:
    """A live whose time is that of its frames."""
    host = Simulcast()
    for module in (sink, road, rendition):
        monkeypatch.setattr(module, "monotonic", lambda: host.now)
    return host


async def test_layers_and_sound_are_variants_on_one_timeline(host: Simulcast) -> None:
    await host.run(0.4)
    for layer in host.live.layers():
        layer.measure(now=host.now)
    host.live.tracks["video"].order()
    hls = HlsRoad(OneLive(host.live))
    joined = asyncio.create_task(hls.join("demo"))
    await host.run(6)
    stream = await joined
    renditions = [stream, *stream.siblings]
    assert len(renditions) == 3

    def segments(count: int) -> bool:
        return all(sum(s.complete for s in r.segmenter.segments) >= count for r in renditions)

    await wait_until(lambda: segments(2), what="two segments of each")
    listed = [(each.id, each.segmenter) for each in renditions]
    variants = parse_multivariant(playlist.multivariant(listed))
    assert [variant.size for variant in variants] == [(320, 180), (160, 90), None]
    assert variants[2].codecs == ["mp4a.40.2"]
    assert variants[0].bits_per_s > variants[1].bits_per_s > variants[2].bits_per_s
    parsed = [PlaylistChecker().check(each.text(skips=False).decode()) for each in renditions]
    for variant, each, found in zip(variants, renditions, parsed, strict=True):
        check_peak(variant, found, _octets(each))
        others = {f"../{playlist.media_uri(other.id)}" for other in each.siblings}
        assert set(found.reports) == others
        for other in each.siblings:
            part = other.segmenter.last_part
            assert part is not None
            assert found.reports[f"../{playlist.media_uri(other.id)}"] <= part
    for found in parsed[1:]:
        check_aligned(parsed[0], found)
    # The same moment has the same decode time and the same date in all of them.
    zeros = [_zero_s(each) for each in renditions]
    assert zeros == pytest.approx([zeros[0]] * 3, abs=1e-3)
    hls.close()


async def test_sound_is_encoded_once_for_all_layers_and_roads(
    host: Simulcast, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[OpusToAac] = []
    original = OpusToAac

    def counted(start: int) -> OpusToAac:
        made.append(original(start))
        return made[-1]

    monkeypatch.setattr(sink, "OpusToAac", counted)
    await host.run(0.4)
    for layer in host.live.layers():
        layer.measure(now=host.now)
    host.live.tracks["video"].order()
    hls = HlsRoad(OneLive(host.live))
    flv, outlet = FlvRoad(hls), FlvViewer()
    with flv.watching("demo", outlet):
        joined = asyncio.create_task(hls.join("demo"))
        await host.run(6)
        stream = await joined
        await wait_until(lambda: outlet.octets, what="FLV")
    renditions = [stream, *stream.siblings]
    await wait_until(lambda: all(len(_sounds(each)) > 100 for each in renditions), what="sound")
    assert hls.open("demo") is stream, "a recording or a push takes it from there, too"
    assert len(made) == 1
    first, *others = (_sounds(each) for each in renditions)
    for other in others:
        newest = min(max(first), max(other))
        shared = [at for at in other if at <= newest]
        assert len(shared) > 100
        assert all(first.get(at) == other[at] for at in shared if at in first)
        assert not set(first) - set(other) - {at for at in first if at < min(other) or at > newest}
    flv.close()
    hls.close()


async def test_renditions_break_off_together_when_the_source_is_gone(host: Simulcast) -> None:
    await host.run(0.4)
    for layer in host.live.layers():
        layer.measure(now=host.now)
    host.live.tracks["video"].order()
    hls = HlsRoad(OneLive(host.live))
    joined = asyncio.create_task(hls.join("demo"))
    await host.run(5)
    stream = await joined
    checkers = [(each, PlaylistChecker(complete=False)) for each in (stream, *stream.siblings)]
    host.live.source = None
    host.live.interrupt()
    stream.tick(now=host.now)
    for each, checker in checkers:
        found = checker.check(each.text(skips=False).decode())
        assert found.announces_discontinuity
    host.source = UnitSource("host again", TRACKS)
    host.live.set_source(host.source, Random(2), standby=False, now=host.now)
    host.cameras = {rid: Camera(2 * width, 2 * height) for rid, (width, height) in SIZES.items()}
    host.number = 0
    await host.run(4.5)

    def resumed() -> bool:
        return all(each.segmenter.segments[-1].parts for each, _ in checkers) and not any(
            each.segmenter.announces_discontinuity for each, _ in checkers
        )

    await wait_until(resumed, what="media of the new source")
    newest = [checker.check(each.text(skips=False).decode()) for each, checker in checkers]
    for other in newest[1:]:
        check_aligned(newest[0], other)
    zeros = [_zero_s(each) for each, _ in checkers]
    assert zeros == pytest.approx([zeros[0]] * 3, abs=1e-3)
    hls.close()


def _octets(stream: Rendition) -> dict[str, int]:
    return {
        playlist.segment_uri(segment.msn): segment.octets for segment in stream.segmenter.segments
    }


def _sounds(stream: Rendition) -> dict[int, bytes]:
    """Frames of AAC by their time, as players find them."""
    parts = [part.data for segment in stream.segmenter.segments for part in segment.parts]
    if not parts:
        return {}
    init = stream.segmenter.inits[-1]
    with av.open(io.BytesIO(b"".join([init, *parts])), "r") as container:
        packets = container.demux(container.streams.audio[0])
        return {packet.pts: bytes(packet) for packet in packets if packet.pts is not None}


def _zero_s(stream: Rendition) -> float:
    """The program time at 0 of the newest timeline."""
    return stream.segmenter.segments[-1].epoch.program_s
