"""A room with a host of some layers, driven frame by frame, and what its viewers would get."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from itertools import pairwise
from typing import cast

from media.congestion.load import Load
from media.forwarding.downlink import Downlink
from media.forwarding.forwarder import HIGH_RTT_S, PADDING_S, Forwarder
from media.forwarding.leg import Leg
from media.forwarding.live import Live, Track
from media.io.webrtc.dtls import Identity
from media.io.webrtc.fanout import Fanout
from media.io.webrtc.session import Role, Session
from media.stream.layer import Frame, Layer, Timeline
from media.wire.rtp import Packet
from media.wire.sdp import Codec, parse_offer
from tests.fuzz.test_media_parsers import OFFER

KEY, DELTA = b"\x65\x88", b"\x41\x88"
FRAME_S, TICKS = 0.04, 3_600
CODEC = Codec("H264", 96, 90_000)
IDENTITY = Identity()
# What one packet is to a viewer: number, time, whether its frame is a key frame, which layer.
Seen = tuple[int, int, bool]


class Recorder:
    """In place of the fan-out: what each viewer would get."""

    def __init__(self) -> None:
        self.seen: dict[tuple[str, int], list[Seen]] = defaultdict(list)
        self.again: list[tuple[int, bytes]] = []

    def send_frame(self, frame: Frame, ssrc: int, legs: Sequence[Leg]) -> None:
        for leg in legs:
            assert len(set(legs)) == len(legs), "nobody gets a frame twice"
            for run in frame.runs:
                for number, item in enumerate(run.items, run.sequence):
                    time = item.timestamp + frame.shift + leg.ticks & 0xFFFFFFFF
                    self.seen[leg.address].append((number + leg.shift, time, frame.key))

    def send_retransmit(self, number: int, item: object, ticks: int, ssrc: int, leg: Leg) -> None:
        self.again.append((number, cast("bytes", getattr(item, "payload"))))  # noqa: B009  # any item


class LiveRig:
    """A room with a host of three layers, driven frame by frame."""

    def __init__(self, rids: Sequence[str] = ("l", "m", "h"), packets: int = 2) -> None:
        self.now = 100.0
        self.recorder = Recorder()
        self.load = Load(now=0, busy_s=0)
        self.forwarder = Forwarder(cast(Fanout, self.recorder), self.load)
        timeline = Timeline(CODEC.clock_hz)
        layers = [
            Layer("video", CODEC, 1_000 * (at + 1), rid, timeline) for at, rid in enumerate(rids)
        ]
        self.track = Track("video", CODEC, 77, layers)
        self.room = Live("demo", {"video": self.track}, counted=Counter())
        self.packets = packets
        self.numbers = Counter[Layer]()
        self.frame_number = 0
        self.second = 0.0

    def layer(self, rid: str) -> Layer:
        return next(layer for layer in self.track.layers if layer.rid == rid)

    def frame(
        self, *keys: str, skip: Sequence[str] = (), payloads: Sequence[bytes] | None = None
    ) -> None:
        """One picture of all layers; `keys`: in these it is a key frame."""
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
                self.forwarder.forward(self.room, self.track, layer, now=self.now)
        self.pass_time(FRAME_S)

    def pass_time(self, seconds: float) -> None:
        self.now += seconds
        if self.now - self.second >= 1:
            self.second = self.now
            for layer in self.track.layers:
                layer.count_second(now=self.now)

    def tick(self) -> None:
        self.forwarder.tick(self.room, now=self.now)

    def viewer(self, *, repairs: bool = True, rtt_s: float = 0.0) -> Session:
        """Somebody comes, over a way that takes `rtt_s` there and back."""
        offer = parse_offer(OFFER.replace("sendonly", "recvonly"), "play")
        session = Session(Role.PLAY, "demo", offer, IDENTITY, lambda *_: None, now=self.now)
        repair = Leg(97, 2) if repairs else None
        downlink = session.downlinks["video"] = Downlink(Leg(96, 2), repair, 90_000)
        downlink.leg.address = ("viewer", len(self.room.viewers) + 1)
        session.handshake_rtt_s = rtt_s
        session.up = True
        self.room.viewers[session.id] = session
        self.forwarder.begin(self.room, session, now=self.now)
        return session

    def viewer_from_far(self) -> Session:
        """Somebody came a long way, and what its handshake needs is over."""
        session = self.viewer(rtt_s=HIGH_RTT_S)
        self.pass_time(PADDING_S)
        self.tick()
        return session

    def asks_for_key(self, session: Session) -> list[int]:
        """A viewer's decoder lost the picture; return the numbers (16 bits) it is sent again."""
        before = len(self.recorder.again)
        self.forwarder.request_key_frame(self.room, session, self.track, now=self.now)
        return [int.from_bytes(again[:2], "big") for _, again in self.recorder.again[before:]]

    def choose(self, session: Session, rid: str | None) -> None:
        session.link.set_preference(rid, None)
        self.forwarder.choose(self.room, session, now=self.now)

    def seen(self, session: Session) -> list[Seen]:
        """What a viewer got so far."""
        return self.recorder.seen[session.downlinks["video"].leg.address]

    def sees(self, session: Session) -> str | None:
        """The layer that a viewer gets."""
        layer = session.downlinks["video"].layer
        return layer.rid if layer else None


def assert_seamless(seen: Sequence[Seen]) -> None:
    numbers = [number for number, _, _ in seen]
    assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))
    for (_, before, _), (_, after, _) in pairwise(seen):
        assert after - before & 0xFFFFFFFF < 90_000 * 10, "time does not go back"
