"""A host whose H.264 is described in its SDP, as the source of a live, and what viewers decode."""

import base64
import functools
from collections import Counter
from collections.abc import Sequence
from random import Random

import av
from av.video.codeccontext import VideoCodecContext

from media.congestion.load import Load
from media.forwarding.host import Host
from media.forwarding.live import Live
from media.forwarding.rtt import Rtt
from media.stream.frames import Frame
from media.stream.layer import Layer
from media.wire import h264
from media.wire.rtp import Packet
from tests.support.encoded_video import nal_units
from tests.support.media_forwarding import ClearTransport, Recorder
from tests.support.media_uplink import chosen
from tests.support.sdp_offers import OFFER

TICKS, FRAME_S = 3_600, 0.04
AUDIO_TYPE, VIDEO_TYPE = 111, 96


@functools.cache
def encoded(width: int = 64, height: int = 48) -> dict[int, bytes]:
    """Return the NAL units of a key frame, by type."""
    units = [unit.rstrip(b"\0") for unit in nal_units("libx264", width, height, "baseline")]
    return {unit[0] & 31: unit for unit in units if unit}


def sprop(*units: bytes) -> str:
    """Return `units` as an fmtp parameter."""
    return "sprop-parameter-sets=" + ",".join(base64.b64encode(unit).decode() for unit in units)


class Kept:
    """A sink that keeps frames."""

    def __init__(self) -> None:
        self.frames: list[Frame] = []

    def frame(self, layer: Layer, frame: Frame, *, now: float) -> None:
        if layer.kind == "video":
            self.frames.append(frame)

    def close(self) -> None:
        """Nothing to let go of."""


class DescribedHost:
    """Publishes access units; `described` is what its fmtp says besides the usual."""

    def __init__(self, described: str = "") -> None:
        profile = "profile-level-id=42e01f"
        offer = OFFER.replace(profile, f"{profile};{described}") if described else OFFER
        counted = Counter[str]()
        self.live = Live("demo", Recorder(), Load(now=0, busy_s=0), counted)
        self.host = Host("h", "demo", ClearTransport(), Rtt(), chosen(offer), counted)
        self.live.set_source(self.host, Random(1), standby=False, now=0)
        self.kept = Kept()
        self.live.add_sink(self.kept)
        self.now = 0.0
        self._sequence = self._timestamp = 0

    def send(self, payloads: Sequence[bytes]) -> None:
        """Send the payloads of one frame."""
        for at, payload in enumerate(payloads, 1):
            self._receive(VIDEO_TYPE, at == len(payloads), payload)
        self._timestamp += TICKS
        self.pass_time(FRAME_S)

    def send_audio(self) -> None:
        """Send 20 ms of sound."""
        self._receive(AUDIO_TYPE, False, b"opus")

    def _receive(self, payload_type: int, marker: bool, payload: bytes) -> None:
        ssrc = payload_type
        packet = Packet(payload_type, marker, self._sequence, self._timestamp, ssrc, payload)
        self._sequence += 1
        layer = self.host.take(packet, bytes(12), now=self.now)
        if layer is not None:
            self.live.deliver(layer, now=self.now)

    def pass_time(self, seconds: float) -> None:
        """Let time pass, as it does for a live of a worker."""
        before, self.now = self.now, self.now + seconds
        if int(before) != int(self.now):
            self.live.check_decodability(now=self.now)

    @property
    def payloads(self) -> list[list[bytes]]:
        """What viewers got, frame by frame."""
        return [
            [item.payload for run in frame.runs for item in run.items] for frame in self.kept.frames
        ]

    @property
    def numbers(self) -> list[int]:
        """The sequence numbers of it."""
        runs = [run for frame in self.kept.frames for run in frame.runs]
        return [
            number for run in runs for number in range(run.sequence, run.sequence + len(run.items))
        ]

    def decoded(self, first: int = 0) -> int:
        """Return how many frames a decoder shows that starts with frame `first`."""
        decoder = av.CodecContext.create("h264", "r")
        assert isinstance(decoder, VideoCodecContext)
        shown = 0
        for payloads in self.payloads[first:]:
            units = h264.nal_units(payloads)
            data = b"".join(b"\0\0\0\1" + unit for unit in units)
            try:
                shown += len(decoder.decode(av.Packet(data)))
            except av.FFmpegError:
                continue
        return shown + len(decoder.decode(None))
