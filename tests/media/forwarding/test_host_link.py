"""A browser hosts over an emulated lossy link: what its viewers see, for minutes."""

import struct
from collections import Counter
from dataclasses import dataclass, field
from itertools import pairwise
from random import Random

import pytest

from media.emulator import Conditions, EmulatedLink
from media.forwarding.uplink import Uplink
from media.stream.frames import Frame
from media.stream.layer import Layer
from media.wire import rtcp, rtp
from tests.support.encoded_video import nal_units
from tests.support.media_uplink import ONE, chosen

FRAME_S = 1 / 25
STEP_S = 0.002
TICK_STEPS = 10  # the plane's 20 ms
WATCH_S = 180.0
FRAME_PACKETS, KEY_PACKETS = 7, 30
KEY_EVERY_S_MIN = 0.3  # browsers make no more of them
RTT_S = 0.070  # as a browser measures it on these links
KEPT_PACKETS = 2_000
SSRC, RETRANSMITS_SSRC = 1, 2
SLICE, SPS = b"\x41\x9a\x80", 7
# The playout delay of a page whose link is bad, and what counts as a freeze: 150 ms more than the
# interval of frames.
PLAYOUT_DELAY_S = 0.300
FREEZE_S = FRAME_S + 0.150


@dataclass
class Browser:
    """Sends frames over a link; answers NACKs, but each packet only once per round trip."""

    conditions: Conditions
    seed: int
    now: float = 100.0
    sent: int = 0
    retransmits: int = 0
    frames: int = 0
    keys: int = 0
    arrived: list[tuple[float, Frame]] = field(default_factory=list)
    _keyed_at: float = 0.0
    _key_wanted: bool = True
    _kept: dict[int, bytes] = field(default_factory=dict)
    _retransmitted_at: dict[int, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        sendings = chosen(ONE)
        self.layer = Layer("video", sendings["video"].codec, 1_000)
        self.uplink = Uplink({"video": [self.layer]}, sendings, Counter())
        self.up = EmulatedLink(self.conditions, Random(self.seed))
        self.down = EmulatedLink(self.conditions, Random(self.seed + 1))
        [self.parameters] = [unit for unit in nal_units("libx264", 320, 180) if unit[0] & 31 == SPS]

    def run(self) -> None:
        """Be on air for WATCH_S."""
        steps_per_frame = round(FRAME_S / STEP_S)
        for step in range(round(WATCH_S / STEP_S)):
            self.now += STEP_S
            if step % steps_per_frame == 0:
                self._send_frame()
            for raw in self.up.ready(now=self.now):
                self.uplink.take(rtp.parse(raw), raw, now=self.now)
            self.arrived += [(self.now, frame) for frame in self.layer.poll(now=self.now)]
            if step % TICK_STEPS == 0:
                if self.layer.waits_for_key:
                    self.layer.keys.request()
                for packet in self.uplink.feedback(now=self.now):
                    self.down.send(packet, now=self.now)
            for packet in self.down.ready(now=self.now):
                self._receive(packet)

    def _send_frame(self) -> None:
        key = self._key_wanted and self.now - self._keyed_at > KEY_EVERY_S_MIN
        if key:
            self._key_wanted, self._keyed_at = False, self.now
            self.keys += 1
        packets = KEY_PACKETS if key else FRAME_PACKETS
        for at in range(packets):
            payload = self.parameters if key and at == 0 else SLICE
            marker = 0x80 if at == packets - 1 else 0
            timestamp = self.frames * round(FRAME_S * 90_000)
            header = (0x80, marker | 96, self.sent & 0xFFFF, timestamp, SSRC)
            self._kept[self.sent & 0xFFFF] = struct.pack("!BBHII", *header) + payload
            self.up.send(self._kept[self.sent & 0xFFFF], now=self.now)
            self.sent += 1
        self._kept.pop(self.sent - KEPT_PACKETS & 0xFFFF, None)
        self.frames += 1

    def _receive(self, compound: bytes) -> None:
        for packet in rtcp.parse(compound):
            self._key_wanted |= rtcp.is_key_frame_request(packet)
            for number in rtcp.lost_packets(packet):
                if self.now - self._retransmitted_at.get(number, 0.0) >= RTT_S:
                    self._retransmitted_at[number] = self.now
                    self._retransmit(number)

    def _retransmit(self, number: int) -> None:
        original = self._kept[number]
        header = bytes([original[0], original[1] & 0x80 | 97])
        header += struct.pack("!H", self.retransmits & 0xFFFF) + original[4:8]
        header += struct.pack("!IH", RETRANSMITS_SSRC, number)
        self.up.send(header + original[12:], now=self.now)
        self.retransmits += 1

    def shown(self) -> list[float]:
        """When a viewer sees frames, with PLAYOUT_DELAY_S and a good link."""
        soonest_s = min(at - frame.timestamp / 90_000 for at, frame in self.arrived)
        shown, expected = [0.0], 0
        for at, frame in self.arrived:
            if frame.key or frame.runs[0].sequence == expected:
                expected = frame.runs[0].sequence + frame.packets
                due = frame.timestamp / 90_000 + soonest_s + PLAYOUT_DELAY_S
                shown.append(max(at, due, shown[-1]))
        return shown[1:]


def link(loss: float, *, reorders: bool = False) -> Conditions:
    return Conditions(loss=loss, delay_s=0.030, jitter_s=0.050, reorders=reorders)


@pytest.mark.parametrize("seed", [1, *(pytest.param(n, marks=pytest.mark.soak) for n in (2, 3))])
@pytest.mark.parametrize("reorders", [False, True], ids=["in order", "reordered"])
def test_three_percent_loss_freezes_nothing(seed: int, reorders: bool) -> None:
    host = Browser(link(0.03, reorders=reorders), seed)
    host.run()
    shown = host.shown()
    assert max(after - before for before, after in pairwise(shown)) < FREEZE_S
    assert len(shown) >= 0.99 * host.frames
    assert host.keys <= 2 * WATCH_S / 60 + 1


def test_ten_percent_loss_still_plays() -> None:
    host = Browser(link(0.10), seed=1)
    host.run()
    shown = host.shown()
    assert len(shown) >= 0.97 * host.frames
    assert max(after - before for before, after in pairwise(shown)) < 3 * FREEZE_S
