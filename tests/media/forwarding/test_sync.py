"""Audio and video stay in sync while a host's clocks drift apart."""

from collections.abc import Iterator

import pytest
from aiortc.rtp import RtcpSenderInfo, RtcpSrPacket

from media.forwarding import feedback
from media.forwarding.downlink import Downlink
from media.forwarding.leg import Leg
from media.forwarding.track import Track
from media.forwarding.viewer import Viewer
from media.stream.layer import Layer
from media.wire import rtcp
from media.wire.codec import Codec
from media.wire.rtp import Packet
from tests.support.media_forwarding import DELTA, KEY, ClearTransport, LiveRig

SKEW_MAX_S = 0.040
FRAME_S, AUDIO_S = 0.04, 0.02
# Crystals of cheap phones are off by so much, and not together.
VIDEO_DRIFT, AUDIO_DRIFT = 80e-6, -60e-6
NTP_BEGAN = 3_900_000_000.0
OPUS = Codec("opus", 111, 48_000)


class ReportReader(ClearTransport):
    """Keeps what a viewer reads in sender reports, by SSRC: NTP seconds, timestamp."""

    def __init__(self, reports: dict[int, tuple[float, int]]) -> None:
        super().__init__()
        self.reports = reports

    def send_rtcp(self, packet: bytes) -> None:
        for one in rtcp.parse(packet):
            if isinstance(one, RtcpSrPacket):
                info = one.sender_info
                self.reports[one.ssrc] = info.ntp_timestamp / (1 << 32), info.rtp_timestamp


class Evening(LiveRig):
    """A live with audio, whose host sends its clock every second, and one viewer."""

    def __init__(self) -> None:
        super().__init__()
        self.audio = Layer("audio", OPUS, 5_000)
        self.live.tracks["audio"] = Track("audio", OPUS, 88, [self.audio])
        self.reports: dict[int, tuple[float, int]] = {}  # by SSRC: NTP seconds, timestamp
        self.began = self.now
        self.host = 0  # how often it restarted
        self.sent = 0
        self.jitter = self._jitter()

    def join(self) -> Viewer:
        viewer = self.viewer()
        viewer.transport = ReportReader(self.reports)
        track = self.live.tracks["audio"]
        audio = viewer.downlinks["audio"] = Downlink(track, Leg(111, 0), None)
        audio.begin(self.audio.next_unsent)
        audio.layer = self.audio
        self.forwarder.legs[self.audio] = (audio.go_on(),)
        return viewer

    def media(self, layer: Layer, at: int, ticks_per_s: float, drift: float, payload: bytes) -> int:
        """Send a packet of what is captured now; return the host's timestamp."""
        base = 7_000_000 * (at + 1) * (self.host + 1)
        timestamp = round((self.now - self.began) * ticks_per_s * (1 + drift)) + base & 0xFFFFFFFF
        ssrc = 10 * self.host + at + 1
        number = self.numbers[layer]
        self.numbers[layer] += 1
        packet = Packet(96, True, number & 0xFFFF, timestamp, ssrc, payload)
        # A large frame takes longer to encode and to send.
        arrives = self.now + next(self.jitter) + 0.15 * at * (layer.kind == "video")
        layer.receive(packet, now=arrives)
        self.live.deliver(layer, now=arrives)
        return timestamp

    def _jitter(self) -> Iterator[float]:
        while True:
            yield from (0.0, 0.003, 0.001, 0.006, 0.002)

    def report(self, layer: Layer, timestamp: int) -> None:
        source = layer.source
        assert source
        ntp_time = round((NTP_BEGAN + self.now) * (1 << 32))
        info = RtcpSenderInfo(ntp_time, timestamp, 1, 1)
        track = self.live.tracks[layer.kind]
        packet = RtcpSrPacket(ssrc=source.ssrc, sender_info=info)
        feedback.pass_sender_report(self.live, track, layer, packet, now=self.now)

    def skew_s(self, viewer: Viewer) -> float:
        """How far apart what is captured now is presented, by the sender reports."""
        shown = []
        for kind, clock_hz in (("video", 90_000), ("audio", 48_000)):
            downlink = viewer.downlinks[kind]
            assert downlink.layer
            timestamp = downlink.layer.timestamp + downlink.leg.ticks & 0xFFFFFFFF
            ntp_s, reported = self.reports[self.live.tracks[kind].ssrc]
            ticks = (timestamp - reported + 0x80000000 & 0xFFFFFFFF) - 0x80000000
            shown.append(ntp_s + ticks / clock_hz)
        return abs(shown[0] - shown[1])


@pytest.mark.parametrize("minutes", [10, pytest.param(30, marks=pytest.mark.soak)])
def test_audio_and_video_stay_within_forty_milliseconds(minutes: int) -> None:
    live = Evening()
    layers = live.track.layers
    viewer: Viewer | None = None
    worst, measured = 0.0, 0
    for step in range(round(minutes * 60 / AUDIO_S)):
        second, part = divmod(step, round(1 / AUDIO_S))
        if (second, part) == (minutes * 30, 0):  # the host's phone restarts
            for layer in (*layers, live.audio):
                layer.lose_source()
            live.host += 1
        timestamps = {live.audio: live.media(live.audio, 3, 48_000, AUDIO_DRIFT, bytes(80))}
        if step % 2 == 0:
            key = part == 0 and second % 10 == 0
            for at, layer in enumerate(layers):
                payload = (KEY if key else DELTA) + bytes(100 * (at + 1))
                timestamps[layer] = live.media(layer, at, 90_000, VIDEO_DRIFT, payload)
        if viewer is None and second == 2:
            viewer = live.join()
        if part == 0:
            for layer, timestamp in timestamps.items():
                live.report(layer, timestamp)
        if viewer is not None and part == 0 and second % 60 == 30:
            live.choose(viewer, ("l", "m", "h")[second // 60 % 3])
        if viewer is not None and part == 10 and len(live.reports) == 2:
            measured += 1
            # The newest frame and packet of audio, which were captured at the same moment.
            worst = max(worst, live.skew_s(viewer))
        live.pass_time(AUDIO_S)
    assert measured > minutes * 60 - 10
    assert viewer is not None and viewer.downlinks["video"].changes > minutes / 3
    assert worst < SKEW_MAX_S, f"{worst * 1_000:.1f} ms"
