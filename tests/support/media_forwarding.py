"""A live with a host of some layers, driven frame by frame, and what its viewers would get."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from itertools import pairwise
from typing import cast

from media.congestion.load import Load
from media.forwarding.downlink import Downlink
from media.forwarding.forwarder import HIGH_RTT_S, PADDING_S
from media.forwarding.leg import Leg
from media.forwarding.live import Live
from media.forwarding.rtt import Rtt
from media.forwarding.track import Track
from media.forwarding.viewer import Viewer
from media.stream.frames import Frame
from media.stream.layer import Layer
from media.stream.timeline import Timeline
from media.wire.address import Address
from media.wire.codec import Codec
from media.wire.rtp import Packet

KEY, DELTA = b"\x65\x88", b"\x41\x88"
FRAME_S, TICKS = 0.04, 3_600
CODEC = Codec("H264", 96, 90_000)
# What one packet is to a viewer: number, time, whether its frame is a key frame, which layer.
Seen = tuple[int, int, bool]


class Recorder:
    """In place of the fan-out: what each viewer would get."""

    def __init__(self) -> None:
        self.seen: dict[Address, list[Seen]] = defaultdict(list)
        self.resent: list[tuple[int, bytes]] = []

    def send_frame(self, frame: Frame, ssrc: int, legs: Sequence[Leg]) -> None:
        for leg in legs:
            assert len(set(legs)) == len(legs), "nobody gets a frame twice"
            for run in frame.runs:
                for number, item in enumerate(run.items, run.sequence):
                    time = item.timestamp + frame.shift + leg.ticks & 0xFFFFFFFF
                    self.seen[leg.address].append((number + leg.shift, time, frame.key))

    def send_retransmit(self, number: int, item: object, ticks: int, ssrc: int, leg: Leg) -> None:
        self.resent.append((number, cast("bytes", getattr(item, "payload"))))  # noqa: B009  # any item


class ClearTransport:
    """In place of a session: keeps what it is given in the clear."""

    def __init__(self, address: tuple[str, int] = ("viewer", 0)) -> None:
        self.address = address
        self.rtcp: list[bytes] = []
        self.closed = False

    def send_rtcp(self, packet: bytes) -> None:
        self.rtcp.append(packet)

    def connect_leg(self, leg: Leg, ssrc: int) -> None:
        leg.address = self.address

    def close(self) -> None:
        self.closed = True


class LiveRig:
    """A live with a host of three layers, driven frame by frame."""

    def __init__(self, rids: Sequence[str] = ("l", "m", "h"), packets: int = 2) -> None:
        self.now = 100.0
        self.recorder = Recorder()
        self.load = Load(now=0, busy_s=0)
        timeline = Timeline(CODEC.clock_hz)
        layers = [
            Layer("video", CODEC, 1_000 * (at + 1), rid, timeline) for at, rid in enumerate(rids)
        ]
        self.track = Track("video", CODEC, 77, layers)
        self.counted = Counter[str]()
        self.live = Live("demo", self.recorder, self.load, self.counted)
        self.live.tracks["video"] = self.track
        self.forwarder = self.live.forwarder
        self.packets = packets
        self.numbers = Counter[Layer]()
        self.frame_number = 0
        self.second = 0.0

    def layer(self, rid: str) -> Layer:
        return next(layer for layer in self.track.layers if layer.rid == rid)

    def frame(
        self, *keys: str, skip: Sequence[str] = (), payloads: Sequence[bytes] | None = None
    ) -> None:
        """One frame of all layers; `keys`: in these it is a key frame."""
        self.frame_number += 1
        for at, layer in enumerate(list(self.track.layers)):
            if layer.rid in skip:
                continue
            for part in range(self.packets):
                begins = KEY if layer.rid in keys or "all" in keys else DELTA
                payload = payloads[part] if payloads else begins + bytes(100 * (at + 1))
                timestamp = self.frame_number * TICKS + 500_000 * at & 0xFFFFFFFF
                last = part == self.packets - 1
                packet = Packet(96, last, self.numbers[layer] & 0xFFFF, timestamp, at + 1, payload)
                self.numbers[layer] += 1
                layer.receive(packet, now=self.now)
                self.live.deliver(layer, now=self.now)
        self.pass_time(FRAME_S)

    def pass_time(self, seconds: float) -> None:
        self.now += seconds
        if self.now - self.second >= 1:
            self.second = self.now
            for layer in self.track.layers:
                layer.count_second(now=self.now)

    def tick(self) -> None:
        self.forwarder.tick(now=self.now)

    def viewer(self, *, repairs: bool = True, rtt_s: float = 0.0) -> Viewer:
        """Somebody joins, with an RTT of `rtt_s`."""
        number = len(self.live.viewers) + 1
        transport, rtt = ClearTransport(("viewer", number)), Rtt()
        rtt.on_handshake(rtt_s)
        viewer = Viewer(f"viewer{number}", "demo", transport, rtt, now=self.now)
        repair = Leg(97, 2) if repairs else None
        viewer.downlinks["video"] = Downlink(self.track, Leg(96, 2), repair)
        viewer.connect()
        self.live.viewers[viewer.id] = viewer
        self.forwarder.begin(viewer, now=self.now)
        return viewer

    def high_rtt_viewer(self) -> Viewer:
        """Somebody joins with a high RTT, and its padding has been sent."""
        viewer = self.viewer(rtt_s=HIGH_RTT_S)
        self.pass_time(PADDING_S)
        self.tick()
        return viewer

    def pli(self, viewer: Viewer) -> list[int]:
        """A viewer sends a PLI; return the numbers (16 bits) that it is resent."""
        before = len(self.recorder.resent)
        self.forwarder.request_key_frame(viewer, viewer.downlinks["video"], now=self.now)
        return [int.from_bytes(payload[:2], "big") for _, payload in self.recorder.resent[before:]]

    def choose(self, viewer: Viewer, rid: str | None) -> None:
        viewer.link.set_preference(rid, None)
        self.forwarder.choose(viewer, now=self.now)

    def seen(self, viewer: Viewer) -> list[Seen]:
        """What a viewer got so far."""
        return self.recorder.seen[viewer.downlinks["video"].leg.address]

    def sees(self, viewer: Viewer) -> str | None:
        """The layer that a viewer gets."""
        layer = viewer.downlinks["video"].layer
        return layer.rid if layer else None


def assert_seamless(seen: Sequence[Seen]) -> None:
    numbers = [number for number, _, _ in seen]
    assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))
    for (_, before, _), (_, after, _) in pairwise(seen):
        assert after - before & 0xFFFFFFFF < 90_000 * 10, "time does not go back"
